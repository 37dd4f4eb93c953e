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
#[derive(Default)]
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
    let barrier = &Barrier::default();
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
        // Sequentially consistent, as in `sleep`: either this sees the sleeper, or the sleeper the new round.
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
    fn nobody_goes_on_before_all_are_here() {
        // Threads without cores of their own sleep, the others mostly spin.
        for threads in [2, 9] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().expect("threads");
            let [arrived, mistakes] = [0, 0].map(AtomicUsize::new);
            pool.install(|| {
                team(threads, |member| {
                    for round in 1..=200 {
                        arrived.fetch_add(1, Ordering::Relaxed);
                        member.wait();
                        // Not asserted here: who panics would leave the others waiting.
                        if arrived.load(Ordering::Relaxed) != round * threads {
                            mistakes.fetch_add(1, Ordering::Relaxed);
                        }
                        member.wait();
                    }
                });
            });
            assert_eq!(mistakes.into_inner(), 0);
        }
    }

    #[test]
    fn who_sleeps_is_woken_at_the_end_of_the_round_and_not_before() {
        let barrier = Barrier::default();
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| barrier.sleep(0));
            while barrier.sleepers.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            drop(barrier.lock());
            barrier.over.notify_all();
            drop(barrier.lock());
            assert!(!sleeper.is_finished());
            barrier.end(0);
            sleeper.join().expect("it wakes");
        });
        assert_eq!(barrier.sleepers.into_inner(), 0);
    }
}
