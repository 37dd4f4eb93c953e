//! The rows of a batch, some at a time.

/// Rows in tiles of nearly one size: `(first row, rows)`.
pub(crate) struct RowTiles {
    rows: usize,
    tiles: usize,
    next: usize,
}

impl RowTiles {
    pub(crate) fn new(rows: usize, largest: usize) -> Self {
        Self {
            rows,
            tiles: rows.div_ceil(largest),
            next: 0,
        }
    }

    // Not an iterator, whose adapters would be compiled without the caller's vector instructions.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<(usize, usize)> {
        if self.next == self.tiles {
            return None;
        }
        let start = self.rows * self.next / self.tiles;
        self.next += 1;
        let end = self.rows * self.next / self.tiles;
        Some((start, end - start))
    }
}

/// Evaluates an expression with the number of rows as a constant.
macro_rules! with_rows {
    ($rows:expr, [$($count:literal)*], $constant:ident => $run:expr) => {
        match $rows {
            $($count => {
                const $constant: usize = $count;
                $run
            })*
            rows => unreachable!("a tile of {rows} rows"),
        }
    };
}
pub(crate) use with_rows;
