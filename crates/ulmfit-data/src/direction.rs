//! Which way a language model reads.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// The reading direction of a language model. The paper's results average one of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the first token to the last.
    #[default]
    Forward,
    /// From the last token to the first: each document is reversed whole, its `xxbos` included, as
    /// fastai's `reverse_text` does.
    #[doc(alias = "backwards")]
    #[doc(alias = "reverse_text")]
    Backward,
}

impl Direction {
    /// Both directions, forward first.
    pub const ALL: [Self; 2] = [Self::Forward, Self::Backward];

    /// The name used in files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Direction {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|direction| direction.as_str() == name)
            .ok_or_else(|| DataError::InvalidSetting {
                name: "direction",
                value: format!("\"{name}\""),
                expected: "\"forward\" or \"backward\"",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for direction in Direction::ALL {
            assert_eq!(
                direction.to_string().parse::<Direction>().unwrap(),
                direction
            );
            let json = serde_json::to_string(&direction).unwrap();
            assert_eq!(json, format!("\"{direction}\""));
        }
        let message = "sideways".parse::<Direction>().unwrap_err().to_string();
        assert_eq!(
            message,
            "direction is \"sideways\", but it must be \"forward\" or \"backward\""
        );
    }
}
