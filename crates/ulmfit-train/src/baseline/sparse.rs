/// A sparse matrix by rows.
#[derive(Debug, Clone)]
pub(super) struct Sparse {
    /// Where each row begins, and the end of the last.
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Sparse {
    pub(super) fn from_rows(rows: Vec<Vec<(u32, f32)>>) -> Self {
        let mut starts = vec![0];
        let mut entries = Vec::with_capacity(rows.iter().map(Vec::len).sum());
        for row in rows {
            entries.extend(row);
            starts.push(entries.len());
        }
        Self { starts, entries }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(super) fn row(&self, row: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }

    /// The same matrix by columns, of which there are `n_columns`.
    pub(super) fn transposed(&self, n_columns: usize) -> Self {
        let mut starts = vec![0; n_columns + 1];
        for (column, _) in &self.entries {
            starts[*column as usize + 1] += 1;
        }
        for column in 0..n_columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0.0); self.entries.len()];
        for row in 0..self.len() {
            for (column, value) in self.row(row) {
                entries[next[*column as usize]] = (row as u32, *value);
                next[*column as usize] += 1;
            }
        }
        Self { starts, entries }
    }

    /// `outputs = row · weights + intercept`, the intercept being the last row of `weights`.
    pub(super) fn outputs(&self, row: usize, weights: &[f64], outputs: &mut [f64]) {
        outputs.copy_from_slice(&weights[weights.len() - outputs.len()..]);
        self.accumulate(row, weights, outputs);
    }

    /// `sums += row · dense`, where `dense` is `[columns, sums.len()]`.
    pub(super) fn accumulate(&self, row: usize, dense: &[f64], sums: &mut [f64]) {
        let width = sums.len();
        for (column, value) in self.row(row) {
            let from = *column as usize * width;
            for (sum, factor) in sums.iter_mut().zip(&dense[from..from + width]) {
                *sum += f64::from(*value) * factor;
            }
        }
    }
}
