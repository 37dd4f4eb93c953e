//! Threads that walk through the same steps together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One thread's place in a team.
pub(crate) struct Member<'a> {
    index: usize,
    count: usize,
    barrier: &'a Barrier,
}

/// Where the threads of a team wait for each other. They spin, since steps are much shorter than what
/// it takes to sleep and wake, but not for long.
///
/// Where other programs share the cores, a late thread is one that waits for its turn, and who spins
/// meanwhile holds a core for nothing. Offering it between looks (`yield`) is worse than sleep: Linux
/// takes a turn from who does so, but lets who wakes up go on at once.
struct Barrier {
    arrived: AtomicUsize,
    round: AtomicUsize,
    sleepers: AtomicUsize,
    /// Held by who goes to sleep, from before the last look until asleep.
    falling_asleep: Mutex<()>,
    over: Condvar,
}

/// How long a thread spins: about as long as it takes to sleep and wake.
const PATIENCE: Duration = Duration::from_micros(50);
/// Looks at the barrier between two looks at the clock.
const SPINS: usize = 256;

/// Runs `body` once on each thread of rayon's current pool, at most `most` of them, and returns
/// when all are done. A team of one runs on the calling thread.
///
/// `body` gets its place in the team, by which it takes its share of the work; results must not
/// depend on how many share it.
pub(crate) fn team(most: usize, body: impl Fn(&Member<'_>) + Sync) {
    let count = rayon::current_num_threads().min(most);
    let barrier = &Barrier {
        arrived: AtomicUsize::new(0),
        round: AtomicUsize::new(0),
        sleepers: AtomicUsize::new(0),
        falling_asleep: Mutex::new(()),
        over: Condvar::new(),
    };
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
            barrier.end(round);
        } else if !barrier.spin(round) {
            barrier.sleep(round);
        }
    }
}

impl Barrier {
    /// Lets everybody go on.
    fn end(&self, round: usize) {
        // Sequentially consistent, as in `sleep`: either this sees the sleeper or that the new round.
        self.round.store(round + 1, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            // Whoever has looked is asleep once the lock is free.
            drop(self.lock());
            self.over.notify_all();
        }
    }

    /// Whether the round was over soon.
    fn spin(&self, round: usize) -> bool {
        let start = Instant::now();
        loop {
            for _ in 0..SPINS {
                if self.round.load(Ordering::Acquire) != round {
                    return true;
                }
                std::hint::spin_loop();
            }
            if start.elapsed() > PATIENCE {
                return false;
            }
        }
    }

    fn sleep(&self, round: usize) {
        let mut lock = self.lock();
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while self.round.load(Ordering::SeqCst) == round {
            lock = self.over.wait(lock).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        // It guards nothing that could be left half done.
        self.falling_asleep
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_late_is_waited_for_asleep_or_awake() {
        let late = [Duration::ZERO, PATIENCE / 2, 20 * PATIENCE];
        for threads in [2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().expect("threads");
            let arrived = AtomicUsize::new(0);
            pool.install(|| {
                team(threads, |member| {
                    for round in 1..=60 {
                        if round % threads == member.index {
                            std::thread::sleep(late[round % late.len()]);
                        }
                        arrived.fetch_add(1, Ordering::Relaxed);
                        member.wait();
                        assert_eq!(arrived.load(Ordering::Relaxed), round * threads);
                        member.wait();
                    }
                });
            });
        }
    }
}
