//! Layer groups, bottom to top, and which of them train.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamGroup},
    tensor::Tensor,
};

use crate::{OptimError, Trainable, path::ParamPath};

/// The layer groups of a model, bottom to top, resolved to the paths of its parameters.
///
/// ULMFiT's are `[rnn 0] [rnn 1] [rnn 2] [embedding and decoder]` for the language model and
/// `[embedding] [rnn 0] [rnn 1] [rnn 2] [head]` for the classifier (fastai 0.7, v1 and v2).
///
/// Paths, unlike burn's parameter ids, are the same in every copy of a model, so one `LayerGroups`
/// serves a model and the one that a checkpoint is loaded into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerGroups {
    /// The group of each parameter, by path.
    group_of: BTreeMap<String, usize>,
    n_groups: usize,
}

impl LayerGroups {
    /// Resolves `groups`, bottom to top, against the model they were made from.
    ///
    /// # Errors
    /// When there are no groups, one matches no parameter, a parameter is in two, or a parameter
    /// that requires gradients is in none. Buffers, such as the running statistics of batch
    /// normalization, may be in one or in none.
    pub fn new<M: Module>(model: &M, groups: Vec<ParamGroup>) -> Result<Self, OptimError> {
        if groups.is_empty() {
            return Err(OptimError::NoGroups);
        }
        let n_groups = groups.len();
        let mut resolver = Resolver {
            groups,
            path: ParamPath::default(),
            group_of: BTreeMap::new(),
            error: None,
        };
        model.visit(&mut resolver);
        if let Some(error) = resolver.error {
            return Err(error);
        }
        let group_of = resolver.group_of;
        match (0..n_groups).find(|index| !group_of.values().any(|group| group == index)) {
            Some(index) => Err(OptimError::EmptyGroup { index }),
            None => Ok(Self { group_of, n_groups }),
        }
    }

    /// The number of groups; never zero.
    #[expect(
        clippy::len_without_is_empty,
        reason = "there is always a group, so that `is_empty` would be a constant"
    )]
    pub fn len(&self) -> usize {
        self.n_groups
    }

    /// The group, counted from the bottom, of the parameter at `path`.
    pub fn group_of(&self, path: &str) -> Option<usize> {
        self.group_of.get(path).copied()
    }

    /// The paths of a group's parameters, in alphabetical order.
    pub fn paths(&self, group: usize) -> impl Iterator<Item = &str> {
        self.group_of
            .iter()
            .filter(move |(_, of)| **of == group)
            .map(|(path, _)| path.as_str())
    }
}

/// Lets the chosen groups, and no others, require gradients.
///
/// This is freezing in the ULMFiT sense, burn's `set_require_grad_group` for all groups at once.
/// Frozen layers keep their dropout and batch normalization goes on counting; burn's `freeze_group`
/// would turn both off. Parameters in no group are left as they are.
///
/// # Errors
/// When the model has no such groups.
#[doc(alias = "freeze_to")]
pub fn unfreeze<M: Module>(
    model: M,
    groups: &LayerGroups,
    trainable: Trainable,
) -> Result<M, OptimError> {
    trainable.check(groups.len())?;
    Ok(model.map(&mut Unfreezer {
        groups,
        trainable,
        path: ParamPath::default(),
    }))
}

struct Resolver {
    groups: Vec<ParamGroup>,
    path: ParamPath,
    group_of: BTreeMap<String, usize>,
    error: Option<OptimError>,
}

impl ModuleVisitor for Resolver {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join();
        let mut matching = self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, group)| group.matches(&param.id, Some(&path)))
            .map(|(index, _)| index);
        match (matching.next(), matching.next()) {
            (Some(first), Some(second)) => {
                self.error.get_or_insert(OptimError::OverlappingGroups {
                    path,
                    first,
                    second,
                });
            }
            (Some(index), None) => {
                self.group_of.insert(path, index);
            }
            (None, _) if param.is_require_grad() => {
                self.error
                    .get_or_insert(OptimError::UngroupedParameter { path });
            }
            (None, _) => {}
        }
    }
}

struct Unfreezer<'a> {
    groups: &'a LayerGroups,
    trainable: Trainable,
    path: ParamPath,
}

impl ModuleMapper for Unfreezer<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.groups.group_of(&self.path.join()) {
            Some(group) => {
                let trains = self.trainable.includes(group, self.groups.len());
                param.set_require_grad(trains)
            }
            None => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Param,
        nn::{BatchNorm, BatchNormConfig},
        tensor::{Device, Distribution},
    };

    use super::*;
    use crate::test_model::{ThreeLayers, device};

    #[test]
    fn groups_are_resolved_to_paths() {
        let model = ThreeLayers::new(&device());
        let groups = LayerGroups::new(&model, model.layer_groups()).unwrap();
        assert_eq!(groups.len(), 3);
        assert_eq!(groups.group_of("layers.0.weight"), Some(0));
        assert_eq!(groups.group_of("layers.1.bias"), Some(1));
        assert_eq!(groups.group_of("head.bias"), Some(2));
        assert_eq!(groups.group_of("head"), None);
        assert_eq!(
            groups.paths(1).collect::<Vec<_>>(),
            ["layers.1.bias", "layers.1.weight"]
        );
        // A fresh model has other ids and the same groups.
        let fresh = ThreeLayers::new(&device());
        assert_eq!(
            LayerGroups::new(&fresh, fresh.layer_groups()).unwrap(),
            groups
        );
    }

    #[test]
    fn groups_that_do_not_partition_the_model_are_refused() {
        let model = ThreeLayers::new(&device());
        let groups = |edit: fn(&mut Vec<ParamGroup>)| {
            let mut groups = model.layer_groups();
            edit(&mut groups);
            LayerGroups::new(&model, groups)
        };
        assert_eq!(groups(Vec::clear), Err(OptimError::NoGroups));
        assert_eq!(
            groups(|groups| {
                groups.remove(1);
            }),
            Err(OptimError::UngroupedParameter {
                path: "layers.1.weight".to_string()
            })
        );
        assert_eq!(
            groups(|groups| groups.push(ParamGroup::from_path("head.bias"))),
            Err(OptimError::OverlappingGroups {
                path: "head.bias".to_string(),
                first: 2,
                second: 3
            })
        );
        assert_eq!(
            groups(|groups| groups.insert(0, ParamGroup::from_path("embedding"))),
            Err(OptimError::EmptyGroup { index: 0 })
        );
    }

    #[test]
    fn only_the_chosen_groups_require_gradients() {
        let model = ThreeLayers::new(&device());
        let groups = LayerGroups::new(&model, model.layer_groups()).unwrap();
        let cases = [
            (Trainable::Last(1), [false, false, true]),
            (Trainable::Last(2), [false, true, true]),
            (Trainable::Only(0), [true, false, false]),
            (Trainable::All, [true, true, true]),
        ];
        for (trainable, expected) in cases {
            let model = unfreeze(model.clone(), &groups, trainable).unwrap();
            assert_eq!(model.require_grad(), expected, "{trainable:?}");
        }
        assert!(unfreeze(model, &groups, Trainable::Last(4)).is_err());
    }

    #[test]
    fn dropout_stays_on_in_frozen_layers() {
        let model = ThreeLayers::new(&device()).with_dropout(0.5);
        let groups = LayerGroups::new(&model, model.layer_groups()).unwrap();
        let model = unfreeze(model, &groups, Trainable::Last(1)).unwrap();
        let dropped = model.dropout(Tensor::ones([1, 1_000], &device()));
        let zeros = dropped.equal_scalar(0.0).int().sum().into_scalar::<i64>();
        assert!((300..700).contains(&zeros), "{zeros} of 1000 were dropped");
    }

    #[derive(Module, Debug)]
    struct Normalized {
        norm: BatchNorm,
        scale: Param<Tensor<1>>,
    }

    #[test]
    fn running_statistics_can_be_in_a_group_and_stay_buffers() {
        let device = device();
        let model = Normalized {
            norm: BatchNormConfig::new(3).init(&device),
            scale: Param::from_data([1.0f32, 2.0, 3.0], &device),
        };
        let batch = |device: &Device| Tensor::<2>::random([4, 3], Distribution::Default, device);
        let groups = vec![
            ParamGroup::ids_from_module(model.norm.clone()),
            ParamGroup::ids_from_module(model.scale.clone()),
        ];
        let groups = LayerGroups::new(&model, groups).unwrap();
        for trainable in [Trainable::All, Trainable::Last(1), Trainable::All] {
            // A forward between the two, so that the running statistics have a pending update.
            let model = unfreeze(model.clone(), &groups, trainable).unwrap();
            let output = model.norm.forward(batch(&device)) * model.scale.val().unsqueeze();
            let gradients = output.sum().backward();
            assert!(model.scale.val().grad(&gradients).is_some());
            assert!(!model.norm.running_mean.value().is_require_grad());
        }
    }
}
