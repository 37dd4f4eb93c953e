//! The operations that decide the speed of training and inference, as a burn backend extension.
//!
//! Each is one function on burn tensors, with one portable body in burn operations that runs on
//! every backend, and a backward pass written by hand. Under plain autodiff the recurrence of an
//! LSTM records a dozen graph nodes a time step and allocates a full-size gradient for each slice;
//! here the layer is one node.
//!
//! The features `flex`, `ndarray`, `wgpu` and `cuda` name the backends that are routed; a tensor
//! on any other backend is a panic that names the operation.

#![allow(
    clippy::inline_always,
    reason = "a function has the vector instructions of its caller only where it is inlined"
)]
#![cfg_attr(
    not(any(
        feature = "flex",
        feature = "ndarray",
        feature = "wgpu",
        feature = "cuda"
    )),
    allow(
        dead_code,
        unused_variables,
        reason = "without a backend there is nothing that the operations are routed to"
    )
)]

#[cfg(feature = "flex")]
#[expect(
    unsafe_code,
    reason = "vector loads and stores, and threads that write disjoint parts of a buffer"
)]
mod cpu;
mod cross_entropy;
mod embedding;
mod int8;
mod lstm;
#[cfg_attr(
    all(feature = "flex", target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "the allocator's settings are a function of C")
)]
mod memory;
mod optim;
mod tied_weight;

#[cfg(feature = "flex")]
pub use cpu::flex::use_portable_kernels;
#[cfg(feature = "flex")]
pub use cpu::simd::{SimdLevel, set_simd_level};
pub use cross_entropy::{
    CrossEntropyOptions, CrossEntropySum, linear_cross_entropy, linear_cross_entropy_sum,
};
pub use embedding::embedding;
pub use int8::Int8Rows;
pub use lstm::{LstmOutput, LstmWeights, PackedLstm, Precision, lstm, lstm_packed, pack_lstm};
pub use memory::keep_freed_memory;
pub use optim::{AdamFactors, AdamOutput, adam_update, sum_of_squares};
pub use tied_weight::TiedWeight;

/// What the operations run on where the CPU has kernels of its own: the vector instructions, such as
/// `avx512`, or `portable` where they are burn's operations there too.
pub fn cpu_kernels() -> String {
    #[cfg(feature = "flex")]
    if !cpu::flex::is_portable() {
        return SimdLevel::current().to_string();
    }
    "portable".to_owned()
}
