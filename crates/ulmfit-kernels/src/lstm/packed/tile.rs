//! Some rows times one panel.

/// What is multiplied, and where the sums go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile<Value, Weight, Sum> {
    /// Rows, at least one.
    pub(crate) rows: usize,
    /// The first row, of `inner` values.
    pub(crate) values: *const Value,
    /// Values from one row to the next.
    pub(crate) stride: usize,
    /// Values of a row.
    pub(crate) inner: usize,
    /// A block's panel.
    pub(crate) panel: *const Weight,
    /// `[rows, COLUMNS]`.
    pub(crate) sums: *mut Sum,
}
