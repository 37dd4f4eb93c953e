//! Threads that walk through the same steps together.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One thread's place in a team.
pub(crate) struct Member<'a> {
    index: usize,
    count: usize,
    barrier: &'a Barrier,
}

/// Where the threads of a team wait for each other. They spin, since steps are much shorter than
/// what it takes to sleep and wake; after a long while they offer the core to others between looks.
struct Barrier {
    arrived: AtomicUsize,
    round: AtomicUsize,
    /// How long a thread spins before it offers the core to others.
    patience: Duration,
}

/// How long a thread spins that has a core of its own: longer than a scheduler's time slice.
///
/// Where other programs share the cores, a late thread is one that waits for its turn. Whoever gives up
/// the core meanwhile has to wait for a turn too, and so they miss each other at every step.
const PATIENCE: Duration = Duration::from_millis(10);
/// Looks at the barrier between two looks at the clock.
const SPINS: usize = 256;

/// Threads that can run at once. Of a larger team some wait for the cores of those that spin.
static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// Runs `body` once on each thread of rayon's current pool, at most `most` of them, and returns
/// when all are done. A team of one runs on the calling thread.
///
/// `body` gets its place in the team, by which it takes its share of the work; results must not
/// depend on how many share it.
pub(crate) fn team(most: usize, body: impl Fn(&Member<'_>) + Sync) {
    let count = rayon::current_num_threads().min(most);
    let has_cores = count <= *CORES;
    let barrier = Barrier {
        arrived: AtomicUsize::new(0),
        round: AtomicUsize::new(0),
        patience: if has_cores { PATIENCE } else { Duration::ZERO },
    };
    let barrier = &barrier;
    if count <= 1 {
        return body(&Member {
            index: 0,
            count: 1,
            barrier,
        });
    }
    rayon::broadcast(|context| {
        let index = context.index();
        if index < count {
            body(&Member {
                index,
                count,
                barrier,
            });
        }
    });
}

impl Member<'_> {
    /// This member's share of `items`: contiguous, and as long as the others' to within one.
    pub(crate) fn share(&self, items: usize) -> std::ops::Range<usize> {
        let start = |index: usize| items * index / self.count;
        start(self.index)..start(self.index + 1)
    }

    /// Waits until every member is here. What they wrote before it is seen by all after it.
    pub(crate) fn wait(&self) {
        if self.count == 1 {
            return;
        }
        let barrier = self.barrier;
        let round = barrier.round.load(Ordering::Acquire);
        if barrier.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.count {
            barrier.arrived.store(0, Ordering::Relaxed);
            barrier.round.store(round + 1, Ordering::Release);
            return;
        }
        let is_over = || barrier.round.load(Ordering::Acquire) != round;
        let mut since = None;
        loop {
            for _ in 0..SPINS {
                if is_over() {
                    return;
                }
                std::hint::spin_loop();
            }
            if since.get_or_insert_with(Instant::now).elapsed() > barrier.patience {
                std::thread::yield_now();
            }
        }
    }
}

/// A buffer that the members of a team write disjoint parts of.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    pointer: *mut f32,
    len: usize,
}

// SAFETY: it is a pointer and a length; every access is unsafe and promises that what it touches is
// not written by another thread at the same time.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(buffer: &mut [f32]) -> Self {
        Self {
            pointer: buffer.as_mut_ptr(),
            len: buffer.len(),
        }
    }

    /// A pointer to the `len` floats from `offset`, which must lie within the buffer.
    ///
    /// # Safety
    ///
    /// The buffer must be alive, and no other thread may write to what is read through the pointer,
    /// or access what is written, before the next barrier.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, offset: usize, len: usize) -> *mut f32 {
        debug_assert!(offset + len <= self.len, "{offset} + {len} > {}", self.len);
        // SAFETY: the offset lies within the buffer, which is checked in debug builds.
        unsafe { self.pointer.add(offset) }
    }
}
