//! The dropouts of AWD-LSTM, and where their masks come from.

mod embedding;
mod locked;
mod rng;
mod weight_drop;

pub use embedding::EmbeddingDropout;
pub use locked::LockedDropout;
pub use rng::DropoutRng;
pub use weight_drop::WeightDrop;
