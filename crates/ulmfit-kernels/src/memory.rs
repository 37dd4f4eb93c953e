//! What this process's allocator does with memory that is freed.

/// Makes this process keep the memory that it frees, up to two gigabytes, rather than give it back
/// to the system. For programs that train: call it once at the start.
///
/// Each training step frees and asks again for the same large buffers. glibc gives them back in
/// between, and the system then clears every page anew. Elsewhere than on Linux with glibc it does
/// nothing.
pub fn keep_freed_memory() {
    #[cfg(all(feature = "flex", target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` takes numbers and changes settings of the allocator, under the allocator's
    // own lock. A setting that it does not know or refuses changes nothing.
    unsafe {
        // No allocation by a mapping of its own, which is undone when it is freed.
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}
