use std::ops::Range;

/// How a batch of documents is cut into chunks of at most `bptt` tokens.
///
/// A document's chunks start at its own first token, so what a document's answer is does not
/// depend on its batch-mates. Documents are aligned at their last chunks: a shorter one joins the
/// batch later, with a state of zeros, and no padding is ever read before a document's end.
/// (fastai pads in front and decides from padding which rows are live, and so loses tokens:
/// fastai#3379.)
#[derive(Debug, PartialEq)]
pub(crate) struct ChunkPlan {
    /// The documents by their number of chunks, most first; ties in input order.
    pub(crate) order: Vec<usize>,
    /// The chunks, first to last.
    pub(crate) chunks: Vec<Chunk>,
}

/// One chunk of a batch.
#[derive(Debug, PartialEq)]
pub(crate) struct Chunk {
    /// The time steps of the chunk: the longest of `tokens`.
    pub(crate) seq_len: usize,
    /// The tokens that each row reads, as positions in its document; the rows are the first of
    /// [`ChunkPlan::order`].
    pub(crate) tokens: Vec<Range<usize>>,
    /// The positions of the chunk that are pooled, for each row; empty before its window.
    pub(crate) pooled: Vec<Range<usize>>,
}

impl Chunk {
    /// Whether any row pools from this chunk: gradients flow through these chunks alone.
    pub(crate) fn is_pooled(&self) -> bool {
        self.pooled.iter().any(|span| !span.is_empty())
    }
}

impl ChunkPlan {
    /// Plans these documents; an empty one is read as one word.
    ///
    /// # Panics
    ///
    /// Panics if there are none.
    pub(crate) fn of_documents(documents: &[&[u32]], bptt: usize, max_len: Option<usize>) -> Self {
        assert!(!documents.is_empty(), "there are documents to read");
        let lengths = documents.iter().map(|document| document.len().max(1));
        Self::new(&lengths.collect::<Vec<_>>(), bptt, max_len)
    }

    /// Plans documents of the given lengths, each at least 1.
    ///
    /// A document's window is made of its last chunks that start at most `max_len` tokens before
    /// its end, as in fastai; all of it without `max_len`.
    pub(crate) fn new(lengths: &[usize], bptt: usize, max_len: Option<usize>) -> Self {
        let n_chunks = |document: usize| lengths[document].div_ceil(bptt);
        let mut order = (0..lengths.len()).collect::<Vec<_>>();
        order.sort_by_key(|&document| std::cmp::Reverse(n_chunks(document)));
        let longest = order.first().map_or(0, |&document| n_chunks(document));
        let chunks = (1..=longest).rev().map(|remaining| {
            let rows = order
                .iter()
                .copied()
                .take_while(|&row| n_chunks(row) >= remaining);
            let tokens = rows
                .map(|row| {
                    let start = (n_chunks(row) - remaining) * bptt;
                    start..lengths[row].min(start + bptt)
                })
                .collect::<Vec<_>>();
            let pooled = order.iter().zip(&tokens).map(|(&row, span)| {
                let in_window = max_len.is_none_or(|max_len| lengths[row] - span.start <= max_len);
                0..if in_window { span.len() } else { 0 }
            });
            Chunk {
                seq_len: tokens.iter().map(Range::len).max().unwrap_or(0),
                pooled: pooled.collect(),
                tokens,
            }
        });
        let chunks = chunks.collect();
        Self { order, chunks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_end_together_and_chunks_start_at_their_own_first_token() {
        let plan = ChunkPlan::new(&[3, 10, 4], 4, None);
        assert_eq!(plan.order, [1, 0, 2]);
        let spans = |chunk: &Chunk| {
            let spans = chunk.tokens.iter().map(|span| (span.start, span.end));
            spans.collect::<Vec<_>>()
        };
        let tokens = plan.chunks.iter().map(spans).collect::<Vec<_>>();
        assert_eq!(
            tokens,
            [vec![(0, 4)], vec![(4, 8)], vec![(8, 10), (0, 3), (0, 4)]]
        );
        let seq_lens = plan
            .chunks
            .iter()
            .map(|chunk| chunk.seq_len)
            .collect::<Vec<_>>();
        assert_eq!(seq_lens, [4, 4, 4]);
    }

    #[test]
    fn the_window_is_the_last_chunks_that_start_within_max_len() {
        // Chunks start at 0, 9, 18, 27; 29 - 18 = 11 is within 18, 29 - 9 = 20 is not.
        let plan = ChunkPlan::new(&[29], 9, Some(18));
        let pooled = plan.chunks.iter().map(Chunk::is_pooled).collect::<Vec<_>>();
        assert_eq!(pooled, [false, false, true, true]);
    }

    #[test]
    fn no_documents_need_no_chunks() {
        assert_eq!(
            ChunkPlan::new(&[], 4, None),
            ChunkPlan {
                order: vec![],
                chunks: vec![]
            }
        );
    }
}
