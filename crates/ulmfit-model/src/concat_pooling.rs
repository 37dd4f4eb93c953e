use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Concat pooling, `[last, max, mean]` over a document's positions (Howard and Ruder 2018,
/// section 3.3), fed chunk by chunk so that no more than a chunk is held.
///
/// Only the positions that a row's span names count, so that neither padding nor what lies before
/// the pooled window can reach the result.
#[doc(alias = "masked_concat_pool")]
#[derive(Debug, Default)]
pub struct ConcatPooling {
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    /// The last position so far, `[batch_size, features]`.
    last: Tensor<2>,
    /// The largest values so far, `[batch_size, features]`.
    max: Tensor<2>,
    /// The sum so far, `[batch_size, features]`.
    sum: Tensor<2>,
    /// How many positions were summed, for each row.
    counts: Vec<usize>,
}

impl ConcatPooling {
    /// Pooling of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a chunk; rows may join at the end from one chunk to the next.
    ///
    /// `spans` gives, for each row, the positions of the chunk that count; it may be empty, but
    /// not in the last chunk that is added.
    ///
    /// # Shapes
    ///
    /// - output: `[seq_len, batch_size, features]`
    pub fn add(&mut self, output: Tensor<3>, spans: &[Range<usize>]) {
        let [seq_len, batch_size, _] = output.dims();
        assert_eq!(spans.len(), batch_size, "one span for each row");
        let device = output.device();
        let last = last_positions(output.clone(), spans, &device);
        let whole = spans.iter().all(|span| *span == (0..seq_len));
        let (summed, ranked) = if whole {
            (output.clone(), output)
        } else {
            let mask = mask(spans, seq_len, &device); // [seq_len, batch_size, 1]
            let outside = mask.clone().equal_elem(0.0).expand(output.shape());
            (
                output.clone() * mask,
                output.mask_fill(outside, f32::NEG_INFINITY),
            )
        };
        let sum = summed.sum_dim(0).squeeze_dim(0); // [batch_size, features]
        let max = ranked.max_dim(0).squeeze_dim(0);
        self.running = Some(match self.running.take() {
            None => Running {
                last,
                max,
                sum,
                counts: spans.iter().map(Range::len).collect(),
            },
            Some(earlier) => earlier.joined(last, max, sum, spans),
        });
    }

    /// The pooled features, `[batch_size, 3 * features]`: last, max, mean.
    ///
    /// # Panics
    ///
    /// Panics if nothing was added.
    pub fn finish(self) -> Tensor<2> {
        let Running {
            last,
            max,
            sum,
            counts,
        } = self.running.expect("a chunk was added");
        let batch_size = counts.len();
        let scales = counts
            .iter()
            .map(|&count| 1.0 / count.max(1) as f32)
            .collect::<Vec<_>>();
        let scales = Tensor::from_data(TensorData::new(scales, [batch_size, 1]), &sum.device());
        Tensor::cat(vec![last, max, sum * scales], 1)
    }
}

impl Running {
    fn joined(
        self,
        last: Tensor<2>,
        max: Tensor<2>,
        sum: Tensor<2>,
        spans: &[Range<usize>],
    ) -> Self {
        let [batch_size, features] = sum.dims();
        let device = sum.device();
        let joining = batch_size - self.counts.len();
        let grown = |tensor: Tensor<2>, value: f32| {
            if joining == 0 {
                return tensor;
            }
            Tensor::cat(
                vec![tensor, Tensor::full([joining, features], value, &device)],
                0,
            )
        };
        let earlier = self.counts.into_iter().chain(std::iter::repeat(0));
        Self {
            last,
            max: grown(self.max, f32::NEG_INFINITY).max_pair(max),
            sum: grown(self.sum, 0.0) + sum,
            counts: spans
                .iter()
                .zip(earlier)
                .map(|(span, count)| count + span.len())
                .collect(),
        }
    }
}

/// The output at the last position of each span; at the first position where the span is empty.
fn last_positions(output: Tensor<3>, spans: &[Range<usize>], device: &Device) -> Tensor<2> {
    let [seq_len, batch_size, features] = output.dims();
    let rows = spans.iter().enumerate();
    let indices = rows
        .map(|(row, span)| (span.end.saturating_sub(1) * batch_size + row) as i64)
        .collect::<Vec<_>>();
    let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [batch_size]), device);
    output
        .reshape([seq_len * batch_size, features])
        .select(0, indices)
}

/// One where a position counts, else zero, `[seq_len, batch_size, 1]`.
fn mask(spans: &[Range<usize>], seq_len: usize, device: &Device) -> Tensor<3> {
    let values = (0..seq_len)
        .flat_map(|step| {
            spans
                .iter()
                .map(move |span| f32::from(u8::from(span.contains(&step))))
        })
        .collect::<Vec<_>>();
    Tensor::from_data(TensorData::new(values, [seq_len, spans.len(), 1]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_positions_in_the_spans_count_and_rows_may_join() {
        let device = Device::flex();
        // [seq_len 2, batch_size 1, features 2], of which only the second position counts.
        let first = Tensor::<3>::from_data([[[9.0, 9.0]], [[1.0, -2.0]]], &device);
        // [seq_len 2, batch_size 2, features 2]; the second row has one position and padding.
        let second = Tensor::<3>::from_data(
            [[[3.0, -4.0], [5.0, 6.0]], [[2.0, -6.0], [7.0, 7.0]]],
            &device,
        );
        let mut pooling = ConcatPooling::new();
        pooling.add(first, std::slice::from_ref(&(1..2)));
        pooling.add(second, &[0..2, 0..1]);
        let pooled: Vec<f32> = pooling.finish().into_data().try_to_vec().unwrap();
        assert_eq!(pooled[..6], [2.0, -6.0, 3.0, -2.0, 2.0, -4.0]);
        assert_eq!(pooled[6..], [5.0, 6.0, 5.0, 6.0, 5.0, 6.0]);
    }
}
