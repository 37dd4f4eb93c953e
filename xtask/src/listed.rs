//! Options of the command that a report is written by.

use std::fmt::Display;

/// An option with the values it lists, to be appended to a command; nothing where they are the usual ones.
pub(crate) fn unless_usual<T: Display + PartialEq>(
    option: &str,
    values: &[T],
    usual: &[T],
) -> String {
    if values == usual {
        return String::new();
    }
    let values: Vec<_> = values.iter().map(ToString::to_string).collect();
    format!(" --{option} {}", values.join(","))
}
