//! The examples, run.

#[path = "../examples/custom_training_loop.rs"]
mod custom_training_loop;
#[path = "../examples/fit.rs"]
mod fit;

#[test]
fn a_loop_of_ones_own() {
    custom_training_loop::main().expect("the example works");
}

#[test]
fn fit_in_one_call() {
    fit::main().expect("the example works");
}
