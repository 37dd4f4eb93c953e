//! A reader of Python's pickles that executes nothing.
//!
//! A pickle is a program for a small machine with a stack, and Python's own reader lets it call any
//! function by name. Here the machine knows the few opcodes that tensors, dictionaries and lists of
//! strings are made of, and a name stands for a value of a fixed list ([`Global`]). Every other opcode
//! and every other name is refused by its name.
//!
//! What a pickle can make this reader do is bounded by its length: lengths are compared with what is
//! left of the bytes before anything is made of them, strings are not copied, values name each other
//! by number ([`Values`]), so that sharing costs nothing and no depth is ever descended into.

mod globals;
mod input;
mod literal;
mod machine;
mod opcodes;
mod value;

pub(crate) use globals::Global;
pub(crate) use machine::read;
pub(crate) use value::{Ref, Value, Values};

#[cfg(test)]
mod tests;
