//! What the CPU bodies are made of: vectors whose width is chosen at run time, a team of threads
//! that meet at barriers, and products of matrices.

pub(crate) mod flex;
pub(crate) mod gemm;
pub(crate) mod math;
pub(crate) mod simd;
pub(crate) mod team;

/// For tests that change the settings of the whole process, or that would fail if they changed
/// meanwhile: only one at a time holds this.
#[cfg(test)]
pub(crate) fn settings() -> std::sync::MutexGuard<'static, ()> {
    static SETTINGS: std::sync::Mutex<()> = std::sync::Mutex::new(());
    // A test that failed while it held the guard left nothing half-written behind.
    SETTINGS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
