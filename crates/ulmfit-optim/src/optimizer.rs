//! One optimizer of the three, for a training loop that does not mind which.

use burn::module::Module;
use serde::{Deserialize, Serialize};

use crate::{
    Adam, AdamConfig, NtAsgd, NtAsgdConfig, OptimError, OptimizerState, ScaledGradients, Sgd,
    SgdConfig, StepRates,
};

/// The optimizer of a recipe, where `kind` says which:
/// `{ kind = "adam", beta_1 = 0.7, beta_2 = 0.99, epsilon = 1e-8, weight_decay = 0.01 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OptimizerConfig {
    /// See [`Adam`].
    Adam(AdamConfig),
    /// See [`Sgd`].
    Sgd(SgdConfig),
    /// See [`NtAsgd`].
    NtAsgd(NtAsgdConfig),
}

/// An optimizer with its state.
#[derive(Debug, Clone)]
pub enum Optimizer {
    /// See [`Adam`].
    Adam(Adam),
    /// See [`Sgd`].
    Sgd(Sgd),
    /// See [`NtAsgd`].
    NtAsgd(NtAsgd),
}

impl OptimizerConfig {
    /// Builds the optimizer, without any state.
    ///
    /// # Errors
    /// When a number is outside its range.
    pub fn init(&self) -> Result<Optimizer, OptimError> {
        Ok(match self {
            Self::Adam(config) => Optimizer::Adam(config.init()?),
            Self::Sgd(config) => Optimizer::Sgd(config.init()?),
            Self::NtAsgd(config) => Optimizer::NtAsgd(config.init()?),
        })
    }
}

impl From<AdamConfig> for OptimizerConfig {
    fn from(config: AdamConfig) -> Self {
        Self::Adam(config)
    }
}

impl From<SgdConfig> for OptimizerConfig {
    fn from(config: SgdConfig) -> Self {
        Self::Sgd(config)
    }
}

impl From<NtAsgdConfig> for OptimizerConfig {
    fn from(config: NtAsgdConfig) -> Self {
        Self::NtAsgd(config)
    }
}

impl Optimizer {
    /// Updates every parameter that has a gradient; the others, and their state, stay as they are.
    /// `require_grad` flags survive.
    ///
    /// # Panics
    /// When a parameter with a gradient is in none of the layer groups of `rates`.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradients: impl Into<ScaledGradients>,
        rates: &StepRates<'_>,
    ) -> M {
        match self {
            Self::Adam(optimizer) => optimizer.step(model, gradients, rates),
            Self::Sgd(optimizer) => optimizer.step(model, gradients, rates),
            Self::NtAsgd(optimizer) => optimizer.step(model, gradients, rates),
        }
    }

    /// Takes the validation loss of an epoch, and says whether the optimizer changes its ways for
    /// it: [`NtAsgd::record_validation`]. The others do not listen.
    pub fn record_validation(&mut self, loss: f64) -> bool {
        match self {
            Self::Adam(_) | Self::Sgd(_) => false,
            Self::NtAsgd(optimizer) => optimizer.record_validation(loss),
        }
    }

    /// The model to evaluate and to save: with averaged weights under [`NtAsgd`], and otherwise as
    /// it is. Training goes on with the model that was passed in.
    pub fn averaged<M: Module>(&self, model: M) -> M {
        match self {
            Self::Adam(_) | Self::Sgd(_) => model,
            Self::NtAsgd(optimizer) => optimizer.averaged(model),
        }
    }

    /// The state, to be loaded by [`Self::load_state`]. Reads all its tensors back from the device.
    pub fn state(&self) -> OptimizerState {
        match self {
            Self::Adam(optimizer) => optimizer.state(),
            Self::Sgd(optimizer) => optimizer.state(),
            Self::NtAsgd(optimizer) => optimizer.state(),
        }
    }

    /// Replaces the state by one that was saved, on the devices of the model's parameters.
    ///
    /// # Errors
    /// When the state is of another optimizer, or does not fit the model to the last name and shape.
    /// The optimizer then keeps the state it had.
    pub fn load_state<M: Module>(
        &mut self,
        model: &M,
        state: OptimizerState,
    ) -> Result<(), OptimError> {
        match self {
            Self::Adam(optimizer) => optimizer.load_state(model, state),
            Self::Sgd(optimizer) => optimizer.load_state(model, state),
            Self::NtAsgd(optimizer) => optimizer.load_state(model, state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_model::{ThreeLayers, device};

    fn configs() -> [OptimizerConfig; 3] {
        [
            AdamConfig::default().into(),
            SgdConfig::default().into(),
            NtAsgdConfig {
                nonmono: 0,
                ..NtAsgdConfig::default()
            }
            .into(),
        ]
    }

    #[test]
    fn recipe_forms_round_trip() {
        for config in configs() {
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(
                serde_json::from_str::<OptimizerConfig>(&text).unwrap(),
                config
            );
        }
        let adam: OptimizerConfig = serde_json::from_str(r#"{"kind":"adam"}"#).unwrap();
        assert_eq!(adam, AdamConfig::default().into());
        let misspelled = r#"{"kind":"adam","beta1":0.8}"#;
        assert!(serde_json::from_str::<OptimizerConfig>(misspelled).is_err());
    }

    #[test]
    fn every_kind_resumes_bit_for_bit() {
        for config in configs() {
            let train = |optimizer: &mut Optimizer, mut model: ThreeLayers, steps| {
                for step in steps {
                    let gradients = model.gradients(step);
                    model = optimizer.step(model, gradients, &StepRates::uniform(0.02));
                    optimizer.record_validation(1.0 + step as f64);
                }
                model
            };
            let mut optimizer = config.init().unwrap();
            let whole = train(&mut optimizer, ThreeLayers::new(&device()), 0..10);

            let mut first = config.init().unwrap();
            let half = train(&mut first, ThreeLayers::new(&device()), 0..5);
            let fresh = ThreeLayers::new(&device()).with_values_of(&half);
            let mut second = config.init().unwrap();
            second.load_state(&fresh, first.state()).unwrap();
            let resumed = train(&mut second, fresh, 5..10);
            assert_eq!(resumed.bits(), whole.bits());
            assert_eq!(
                second.averaged(resumed).bits(),
                optimizer.averaged(whole).bits()
            );
        }
    }

    #[test]
    fn states_of_other_kinds_are_refused() {
        let model = ThreeLayers::new(&device());
        for (index, config) in configs().iter().enumerate() {
            for (other, state) in configs().iter().enumerate() {
                let state = state.init().unwrap().state();
                let loaded = config.init().unwrap().load_state(&model, state);
                assert_eq!(loaded.is_ok(), index == other);
            }
        }
    }
}
