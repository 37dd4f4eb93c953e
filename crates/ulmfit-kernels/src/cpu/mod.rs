//! What the CPU bodies are made of: vectors whose width is chosen at run time, a team of threads
//! that meet at barriers, and products of matrices.

pub(crate) mod flex;
pub(crate) mod gemm;
pub(crate) mod math;
pub(crate) mod simd;
pub(crate) mod team;
