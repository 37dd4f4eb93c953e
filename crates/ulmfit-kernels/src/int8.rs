//! Weights in eight bits: each row of a matrix as whole numbers from -127 to 127 times its own scale.

/// The rows of a matrix in eight bits.
///
/// `rows[i][j]` is about `values[i * columns + j] * scales[i]`; the difference is at most half a
/// scale, which is a 254th of the row's largest magnitude. What is rounded once stays as it is:
/// quantizing [`to_floats`](Self::to_floats) gives the same values and scales.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Rows {
    /// The elements in row-major order, from -127 to 127.
    pub values: Vec<i8>,
    /// The scale of each row, positive; not a number if the row has an element that is not finite.
    pub scales: Vec<f32>,
}

/// The largest magnitude of an element.
pub(crate) const LARGEST: f32 = 127.0;

/// Rows without an element above this are all zeros: their scale would be no normal number.
pub(crate) const NEGLIGIBLE: f32 = 1e-30;

impl Int8Rows {
    /// Rounds the rows of a matrix of `columns` columns.
    ///
    /// # Panics
    ///
    /// Panics if `rows` is not made of whole rows.
    pub fn new(rows: &[f32], columns: usize) -> Self {
        assert!(columns > 0 && rows.len().is_multiple_of(columns));
        let mut values = vec![0; rows.len()];
        let scales = rows
            .chunks_exact(columns)
            .zip(values.chunks_exact_mut(columns))
            .map(|(row, values)| {
                let scale = scale_of(row);
                for (value, element) in values.iter_mut().zip(row) {
                    *value = nearest(element / scale) as i8;
                }
                scale
            });
        let scales = scales.collect();
        Self { values, scales }
    }

    /// The elements in row-major order.
    pub fn to_floats(&self) -> Vec<f32> {
        let columns = self.values.len() / self.scales.len().max(1);
        let rows = self.values.chunks_exact(columns.max(1)).zip(&self.scales);
        rows.flat_map(|(row, scale)| row.iter().map(move |&value| f32::from(value) * scale))
            .collect()
    }
}

/// The nearest whole number, of two that are as near the even one, up to a magnitude of 2²²: what is
/// added leaves no bits for a fraction. `round_ties_even` would be a call for each element, since not
/// every processor that this is built for has an instruction for it.
fn nearest(number: f32) -> f32 {
    const NO_FRACTION: f32 = 12_582_912.0; // 1.5 · 2²³
    number + NO_FRACTION - NO_FRACTION
}

/// The scale of a row. It has 17 significant bits, so that the product with an element is exact, and
/// so is the way back.
fn scale_of(row: &[f32]) -> f32 {
    const DROPPED_BITS: u32 = 0x7f;
    let largest = largest_magnitude(row);
    if !largest.is_finite() {
        return f32::NAN;
    }
    if largest < NEGLIGIBLE {
        return 1.0;
    }
    let bits = (largest / LARGEST).to_bits();
    f32::from_bits((bits + DROPPED_BITS) & !DROPPED_BITS)
}

/// The largest magnitude; infinite or not a number if an element is.
#[inline(always)]
pub(crate) fn largest_magnitude(row: &[f32]) -> f32 {
    const MAGNITUDE: u32 = 0x7fff_ffff;
    // As whole numbers, since those of NaN are the largest.
    let mut largest = 0;
    for element in row {
        largest = largest.max(element.to_bits() & MAGNITUDE);
    }
    f32::from_bits(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_within_half_a_scale_and_rounding_twice_changes_nothing() {
        let rows = (0..3 * 41)
            .map(|index| ((index * 37 % 101) as f32 - 50.0) * 0.013)
            .collect::<Vec<_>>();
        let rounded = Int8Rows::new(&rows, 41);
        let floats = rounded.to_floats();
        for (row, scale) in rounded.scales.iter().enumerate() {
            for index in row * 41..(row + 1) * 41 {
                assert!((floats[index] - rows[index]).abs() <= 0.5001 * scale);
            }
        }
        assert_eq!(Int8Rows::new(&floats, 41), rounded);
    }

    #[test]
    fn halves_are_rounded_to_even_numbers() {
        for quarter in -508..=508 {
            let number = quarter as f32 / 4.0;
            assert_eq!(nearest(number) as i32, number.round_ties_even() as i32);
        }
        assert!(nearest(f32::NAN).is_nan());
    }

    #[test]
    fn rows_of_zeros_and_rows_that_are_not_finite_are_told() {
        let rounded = Int8Rows::new(&[0.0, 1e-38, 1.0, f32::NAN, f32::INFINITY, 1.0], 2);
        assert_eq!(rounded.values[..2], [0, 0]);
        assert_eq!(rounded.scales[0].to_bits(), 1.0_f32.to_bits());
        assert!(rounded.scales[1].is_nan() && rounded.scales[2].is_nan());
    }
}
