//! Documents read by an encoder, chunk by chunk.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::awd_lstm::{AwdLstm, AwdLstmOutput};
use crate::awd_lstm_state::AwdLstmState;
use crate::chunk_plan::{Chunk, ChunkPlan};
use crate::classifier_head::ClassifierHead;
use crate::concat_pooling::ConcatPooling;
use crate::dropout::DropoutRng;

/// Scores of the classes before the softmax, `[documents, classes]`, in input order.
pub(crate) fn classify(
    documents: &[&[u32]],
    plan: &ChunkPlan,
    mut encoder: impl Encode,
    head: &ClassifierHead,
) -> Tensor<2> {
    let mut reader = Reader::new(documents, &plan.order);
    let mut pooling = ConcatPooling::new();
    for chunk in &plan.chunks {
        let output = reader.read(chunk, &mut encoder);
        if chunk.is_pooled() {
            pooling.add(output, &chunk.pooled);
        }
    }
    in_input_order(head.forward(pooling.finish()), &plan.order)
}

/// An encoder as it reads a chunk.
pub(crate) trait Encode {
    /// Where it computes.
    fn device(&self) -> Device;

    /// The state before any text, for `batch_size` rows.
    fn zeros(&self, batch_size: usize) -> AwdLstmState;

    /// Encodes tokens, `[batch_size, seq_len]`, continuing from `state`.
    fn encode(&mut self, tokens: Tensor<2, Int>, state: AwdLstmState) -> AwdLstmOutput;
}

/// An encoder under dropout, or without.
pub(crate) struct WithDropout<'a> {
    pub(crate) encoder: &'a AwdLstm,
    pub(crate) dropout: Option<&'a mut DropoutRng>,
}

impl Encode for WithDropout<'_> {
    fn device(&self) -> Device {
        self.encoder.embedding.val().device()
    }

    fn zeros(&self, batch_size: usize) -> AwdLstmState {
        AwdLstmState::zeros(self.encoder, batch_size, &self.device())
    }

    fn encode(&mut self, tokens: Tensor<2, Int>, state: AwdLstmState) -> AwdLstmOutput {
        self.encoder
            .forward(tokens, state, self.dropout.as_deref_mut())
    }
}

/// Reads a batch of documents chunk by chunk, carrying the state.
pub(crate) struct Reader<'a> {
    rows: Vec<&'a [u32]>,
    state: Option<AwdLstmState>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(documents: &[&'a [u32]], order: &[usize]) -> Self {
        // A word has to be read; which one id 0 is, only the vocabulary knows.
        const EMPTY: &[u32] = &[0];
        let rows = order.iter().map(|&document| match documents[document] {
            [] => EMPTY,
            tokens => tokens,
        });
        Self {
            rows: rows.collect(),
            state: None,
        }
    }

    /// The encoder's output for the chunk, `[seq_len, batch_size, d_embedding]`.
    pub(crate) fn read(&mut self, chunk: &Chunk, encoder: &mut impl Encode) -> Tensor<3> {
        let device = encoder.device();
        let batch_size = chunk.tokens.len();
        let state = match self.state.take() {
            Some(state) => state.grown_to(batch_size),
            None => encoder.zeros(batch_size),
        };
        let tokens = tokens(&self.rows, &chunk.tokens, chunk.seq_len, &device);
        let AwdLstmOutput { output, state } = encoder.encode(tokens, state);
        self.state = Some(state);
        output
    }
}

/// The rows' spans, padded at the end to `seq_len`: `[batch_size, seq_len]`.
///
/// What is read past a document's end never counts: only the batch's last chunk is padded, and
/// its state is not used again.
fn tokens(
    rows: &[&[u32]],
    spans: &[Range<usize>],
    seq_len: usize,
    device: &Device,
) -> Tensor<2, Int> {
    let mut ids = Vec::with_capacity(spans.len() * seq_len);
    for (row, span) in rows.iter().zip(spans) {
        ids.extend(row[span.clone()].iter().map(|&id| i64::from(id)));
        ids.resize(ids.len() + seq_len - span.len(), 0);
    }
    Tensor::from_data(TensorData::new(ids, [spans.len(), seq_len]), device)
}

/// The rows in the order of the documents.
pub(crate) fn in_input_order(logits: Tensor<2>, order: &[usize]) -> Tensor<2> {
    let mut position = vec![0_i64; order.len()];
    for (row, &document) in order.iter().enumerate() {
        position[document] = row as i64;
    }
    let position = TensorData::new(position, [order.len()]);
    let device = logits.device();
    logits.select(0, Tensor::<1, Int>::from_data(position, &device))
}
