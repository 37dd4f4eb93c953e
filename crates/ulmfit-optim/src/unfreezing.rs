//! Which layer groups train in which epochs.

use serde::{Deserialize, Serialize};

use crate::{OptimError, ScheduleConfig};

/// The layer groups that train. In a recipe: `"all"`, `{ last = 2 }` or `{ only = 0 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trainable {
    /// Every group.
    All,
    /// The last `k` groups, which is fastai's `freeze_to(-k)`.
    Last(usize),
    /// One group, counted from the bottom.
    Only(usize),
}

/// Some epochs with the same groups in training.
///
/// The two optional settings make fastai's classifier recipe expressible, in which each stage is a
/// one-cycle of its own at its own rate. Without them a stage takes the schedule of the recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The groups that train.
    pub trainable: Trainable,
    /// For how many epochs.
    pub epochs: usize,
    /// A schedule for this stage alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleConfig>,
    /// Another highest rate for this stage, on its own schedule or on the recipe's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr_max: Option<f64>,
}

/// How the layer groups are unfrozen over a run. In a recipe: `"gradual"`, or
/// `{ explicit = [{ trainable = { last = 1 }, epochs = 1, lr_max = 0.02 }, ...] }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unfreezing {
    /// First the last group, then one more each epoch, then all to the end (paper, section 3.3).
    ///
    /// With `n` groups, epochs 1 to `n − 1` train the last 1 to `n − 1` groups. A run of fewer than
    /// `n` epochs never comes to train all of them. The paper's own script stops after two frozen
    /// epochs and unfreezes everything (fastai 0.7, `train_clas.py`); write that as [`Self::Explicit`].
    #[doc(alias = "GradualUnfreezing")]
    Gradual,
    /// One group at a time: the last (new) one, then each from the first to the one before the
    /// last, then all to the end (Felbo et al. 2017, section 3.3). An epoch each, as in fastai 0.7
    /// (`train_clas.py --chain-thaw`); Felbo et al. train each until validation stops improving. A
    /// run of fewer than `n + 1` epochs never comes to train all groups together.
    ///
    /// For its rates in the paper (0.001 for the last group, 0.0001 for the others) put
    /// `DiscriminativeLr::Explicit` multipliers of 0.1, and 1 for the last group, on 0.001.
    ChainThaw,
    /// The last group throughout: the paper's "Last" (section 5).
    LastOnly,
    /// All groups throughout: the paper's "Full" (section 5).
    Full,
    /// Stages written out. Their epochs must add up to those of the run.
    Explicit(Vec<Stage>),
}

impl Trainable {
    /// Whether `group`, counted from the bottom, trains.
    pub fn includes(self, group: usize, n_groups: usize) -> bool {
        match self {
            Self::All => group < n_groups,
            Self::Last(count) => group < n_groups && group + count >= n_groups,
            Self::Only(only) => group == only,
        }
    }

    /// Whether a model with this many groups has those that are to train.
    pub(crate) fn check(self, n_groups: usize) -> Result<(), OptimError> {
        let exists = match self {
            Self::All => true,
            Self::Last(count) => (1..=n_groups).contains(&count),
            Self::Only(only) => only < n_groups,
        };
        if exists {
            Ok(())
        } else {
            Err(OptimError::NoSuchGroup {
                trainable: self.to_string(),
                n_groups,
            })
        }
    }
}

impl std::fmt::Display for Trainable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => write!(formatter, "all"),
            Self::Last(count) => write!(formatter, "last = {count}"),
            Self::Only(only) => write!(formatter, "only = {only}"),
        }
    }
}

impl Stage {
    /// A stage on the recipe's schedule.
    pub fn new(trainable: Trainable, epochs: usize) -> Self {
        Self {
            trainable,
            epochs,
            schedule: None,
            lr_max: None,
        }
    }

    /// The schedule of this stage, given the recipe's.
    pub fn schedule(&self, recipe: &ScheduleConfig) -> ScheduleConfig {
        let schedule = self.schedule.as_ref().unwrap_or(recipe).clone();
        match self.lr_max {
            Some(lr_max) => schedule.with_lr_max(lr_max),
            None => schedule,
        }
    }
}

impl Unfreezing {
    /// The stages of a run of `n_epochs` with `n_groups` layer groups. Their epochs add up to
    /// `n_epochs`, and no stage is empty.
    ///
    /// # Errors
    /// When there are no groups, or explicit stages name groups that the model does not have or
    /// take another number of epochs.
    pub fn stages(&self, n_groups: usize, n_epochs: usize) -> Result<Vec<Stage>, OptimError> {
        if n_groups == 0 {
            return Err(OptimError::NoGroups);
        }
        let one_epoch_each: Vec<Trainable> = match self {
            Self::Gradual => (1..n_groups).map(Trainable::Last).collect(),
            Self::ChainThaw => std::iter::once(Trainable::Last(1))
                .chain((0..n_groups - 1).map(Trainable::Only))
                .collect(),
            Self::LastOnly | Self::Full => Vec::new(),
            Self::Explicit(stages) => return explicit(stages, n_groups, n_epochs),
        };
        let afterwards = match self {
            Self::LastOnly => Trainable::Last(1),
            _ => Trainable::All,
        };
        let mut stages: Vec<Stage> = one_epoch_each
            .into_iter()
            .take(n_epochs)
            .map(|trainable| Stage::new(trainable, 1))
            .collect();
        let rest = n_epochs - stages.len();
        if rest > 0 {
            stages.push(Stage::new(afterwards, rest));
        }
        Ok(stages)
    }
}

fn explicit(stages: &[Stage], n_groups: usize, n_epochs: usize) -> Result<Vec<Stage>, OptimError> {
    for stage in stages {
        stage.trainable.check(n_groups)?;
    }
    let epochs: usize = stages.iter().map(|stage| stage.epochs).sum();
    if epochs != n_epochs {
        return Err(OptimError::EpochCount {
            stages: epochs,
            epochs: n_epochs,
        });
    }
    Ok(stages
        .iter()
        .filter(|stage| stage.epochs > 0)
        .cloned()
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OneCycleConfig;

    fn stages(
        unfreezing: &Unfreezing,
        n_groups: usize,
        n_epochs: usize,
    ) -> Vec<(Trainable, usize)> {
        let stages = unfreezing.stages(n_groups, n_epochs).unwrap();
        stages
            .into_iter()
            .map(|stage| (stage.trainable, stage.epochs))
            .collect()
    }

    #[test]
    fn gradual_unfreezes_one_more_group_each_epoch() {
        use Trainable::{All, Last};
        assert_eq!(
            stages(&Unfreezing::Gradual, 5, 50),
            [
                (Last(1), 1),
                (Last(2), 1),
                (Last(3), 1),
                (Last(4), 1),
                (All, 46)
            ]
        );
        assert_eq!(
            stages(&Unfreezing::Gradual, 5, 3),
            [(Last(1), 1), (Last(2), 1), (Last(3), 1)]
        );
        assert_eq!(stages(&Unfreezing::Gradual, 1, 2), [(All, 2)]);
    }

    #[test]
    fn chain_thaw_trains_the_last_then_each_then_all() {
        use Trainable::{All, Last, Only};
        assert_eq!(
            stages(&Unfreezing::ChainThaw, 5, 10),
            [
                (Last(1), 1),
                (Only(0), 1),
                (Only(1), 1),
                (Only(2), 1),
                (Only(3), 1),
                (All, 5)
            ]
        );
        assert_eq!(
            stages(&Unfreezing::ChainThaw, 5, 2),
            [(Last(1), 1), (Only(0), 1)]
        );
    }

    #[test]
    fn last_only_and_full_are_one_stage() {
        assert_eq!(
            stages(&Unfreezing::LastOnly, 5, 7),
            [(Trainable::Last(1), 7)]
        );
        assert_eq!(stages(&Unfreezing::Full, 5, 7), [(Trainable::All, 7)]);
        assert_eq!(stages(&Unfreezing::Full, 5, 0), []);
        assert_eq!(Unfreezing::Full.stages(0, 7), Err(OptimError::NoGroups));
    }

    #[test]
    fn the_recipe_of_fastai_v2_is_expressible() {
        // `38_tutorial.text`: freeze_to(-1), (-2), (-3), unfreeze, each a one-cycle of its own.
        let text = r#"{"explicit":[
            {"trainable":{"last":1},"epochs":1,"lr_max":0.02},
            {"trainable":{"last":2},"epochs":1,"lr_max":0.01},
            {"trainable":{"last":3},"epochs":1,"lr_max":0.005},
            {"trainable":"all","epochs":2,"lr_max":0.001}]}"#;
        let unfreezing: Unfreezing = serde_json::from_str(text).unwrap();
        let stages = unfreezing.stages(5, 5).unwrap();
        let recipe = ScheduleConfig::from(OneCycleConfig::new(1.0));
        let expected = [
            (Trainable::Last(1), 1, 0.02),
            (Trainable::Last(2), 1, 0.01),
            (Trainable::Last(3), 1, 0.005),
            (Trainable::All, 2, 0.001),
        ];
        for (stage, (trainable, epochs, lr_max)) in stages.iter().zip(expected) {
            assert_eq!((stage.trainable, stage.epochs), (trainable, epochs));
            let schedule = ScheduleConfig::from(OneCycleConfig::new(lr_max));
            assert_eq!(stage.schedule(&recipe), schedule);
        }
    }

    #[test]
    fn a_stage_may_have_its_own_schedule() {
        // fastai 0.7: use_clr (8, 3) in a frozen epoch.
        let text = r#"{"trainable":{"last":1},"epochs":1,"lr_max":0.01,
            "schedule":{"kind":"slanted-triangular","lr_max":1.0,"cut_frac":0.3333,"ratio":8}}"#;
        let stage: Stage = serde_json::from_str(text).unwrap();
        let recipe = ScheduleConfig::from(OneCycleConfig::new(1.0));
        let schedule = stage.schedule(&recipe);
        assert!(matches!(schedule, ScheduleConfig::SlantedTriangular(_)));
        assert!((schedule.lr_max() - 0.01).abs() < 1e-15);
        assert_eq!(Stage::new(Trainable::All, 1).schedule(&recipe), recipe);
    }

    #[test]
    fn explicit_stages_that_do_not_fit_are_refused() {
        let explicit = |trainable| Unfreezing::Explicit(vec![Stage::new(trainable, 2)]);
        for trainable in [Trainable::Last(0), Trainable::Last(6), Trainable::Only(5)] {
            let error = explicit(trainable).stages(5, 2).unwrap_err();
            assert!(matches!(error, OptimError::NoSuchGroup { .. }), "{error}");
        }
        assert_eq!(
            explicit(Trainable::All)
                .stages(5, 3)
                .unwrap_err()
                .to_string(),
            "the stages take 2 epochs and the run 3: make the two agree"
        );
    }

    #[test]
    fn policies_read_as_words() {
        for (word, unfreezing) in [
            ("\"gradual\"", Unfreezing::Gradual),
            ("\"chain-thaw\"", Unfreezing::ChainThaw),
            ("\"last-only\"", Unfreezing::LastOnly),
            ("\"full\"", Unfreezing::Full),
        ] {
            assert_eq!(
                serde_json::from_str::<Unfreezing>(word).unwrap(),
                unfreezing
            );
            assert_eq!(serde_json::to_string(&unfreezing).unwrap(), word);
        }
    }
}
