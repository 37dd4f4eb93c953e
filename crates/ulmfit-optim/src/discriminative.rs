//! Discriminative fine-tuning: each layer group at its own rate.

use serde::{Deserialize, Serialize};

use crate::{OptimError, error::check};

/// How the rates of the layer groups relate. In a recipe: `{ factor = 2.6 }`,
/// `{ explicit = [0.1, 0.1, 0.1, 0.1, 1.0] }` or `"uniform"`.
#[doc(alias = "lr_mult")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscriminativeLr {
    /// Each group's rate is that of the group above it, divided by this: 2.6 (paper, section 3.2).
    /// On `n` groups it is fastai's `slice(lr / 2.6 ** (n - 1), lr)`.
    Factor(f64),
    /// What each group's rate is multiplied by, bottom to top. fastai 0.7 fine-tunes the language
    /// model with `[1/6, 1/3, 1, 1/2]`; fastai's `slice(lr)` is 0.1 for all groups and 1 for the last.
    Explicit(Vec<f64>),
    /// The same rate for all groups.
    Uniform,
}

impl Default for DiscriminativeLr {
    /// The paper's factor.
    fn default() -> Self {
        Self::Factor(2.6)
    }
}

impl DiscriminativeLr {
    /// What the schedule's rate is multiplied by in each of `n_groups` layer groups, bottom to top.
    ///
    /// # Errors
    /// When the factor is not a positive number, a multiplier is negative, or there is not one
    /// multiplier for each group.
    pub fn multipliers(&self, n_groups: usize) -> Result<Vec<f64>, OptimError> {
        if n_groups == 0 {
            return Err(OptimError::NoGroups);
        }
        match self {
            Self::Factor(factor) => {
                check(
                    *factor > 0.0 && factor.is_finite(),
                    "factor",
                    *factor,
                    "more than 0",
                )?;
                let mut multipliers: Vec<f64> =
                    std::iter::successors(Some(1.0), |above| Some(above / factor))
                        .take(n_groups)
                        .collect();
                multipliers.reverse();
                Ok(multipliers)
            }
            Self::Explicit(multipliers) => {
                if multipliers.len() != n_groups {
                    return Err(OptimError::GroupCount {
                        what: "learning-rate multipliers",
                        found: multipliers.len(),
                        n_groups,
                    });
                }
                for multiplier in multipliers {
                    check(
                        *multiplier >= 0.0 && multiplier.is_finite(),
                        "explicit",
                        *multiplier,
                        "at least 0 in every group",
                    )?;
                }
                Ok(multipliers.clone())
            }
            Self::Uniform => Ok(vec![1.0; n_groups]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_factor_on_five_groups() {
        let multipliers = DiscriminativeLr::default().multipliers(5).unwrap();
        let expected = [
            0.021_882_987_290_361,
            0.056_895_766_954_939,
            0.147_928_994_082_840,
            0.384_615_384_615_385,
            1.0,
        ];
        assert_eq!(multipliers.len(), 5);
        for (found, expected) in multipliers.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-14,
                "{found} is not {expected}"
            );
        }
    }

    #[test]
    fn explicit_and_uniform_multipliers() {
        let explicit = DiscriminativeLr::Explicit(vec![1.0 / 6.0, 1.0 / 3.0, 1.0, 0.5]);
        assert_eq!(
            explicit.multipliers(4).unwrap(),
            [1.0 / 6.0, 1.0 / 3.0, 1.0, 0.5]
        );
        assert_eq!(
            DiscriminativeLr::Uniform.multipliers(3).unwrap(),
            [1.0, 1.0, 1.0]
        );
    }

    #[test]
    fn mistakes_are_named() {
        let message = |lr: DiscriminativeLr| lr.multipliers(4).unwrap_err().to_string();
        assert_eq!(
            message(DiscriminativeLr::Explicit(vec![1.0; 3])),
            "3 learning-rate multipliers for 4 layer groups: give one for each, bottom to top"
        );
        assert_eq!(
            message(DiscriminativeLr::Factor(0.0)),
            "`factor` is 0: it must be more than 0"
        );
        assert_eq!(
            message(DiscriminativeLr::Explicit(vec![1.0, -1.0, 1.0, 1.0])),
            "`explicit` is -1: it must be at least 0 in every group"
        );
    }

    #[test]
    fn recipe_forms() {
        for (text, lr) in [
            ("\"uniform\"", DiscriminativeLr::Uniform),
            ("{\"factor\":2.6}", DiscriminativeLr::default()),
            (
                "{\"explicit\":[0.5,1.0]}",
                DiscriminativeLr::Explicit(vec![0.5, 1.0]),
            ),
        ] {
            assert_eq!(serde_json::from_str::<DiscriminativeLr>(text).unwrap(), lr);
            assert_eq!(serde_json::to_string(&lr).unwrap(), text);
        }
    }
}
