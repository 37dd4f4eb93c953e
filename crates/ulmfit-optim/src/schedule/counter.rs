//! A schedule for burn's own training loop, which asks for one rate after the other.

use burn::lr_scheduler::{LrScheduler, LrSchedulerRecord};

use super::Schedule;

/// The key of the step number in the record.
const STEP: &str = "step";

/// A [`Schedule`] with a counter, as burn's `LrScheduler`: put it into a `ModuleLrScheduler`.
///
/// This crate's own optimizers have no use for it, since they take the step number. It carries the
/// learning rate only; burn's optimizers keep their momentum fixed.
#[derive(Debug, Clone)]
pub struct ScheduleCounter {
    schedule: Schedule,
    step: usize,
}

impl From<Schedule> for ScheduleCounter {
    fn from(schedule: Schedule) -> Self {
        Self { schedule, step: 0 }
    }
}

impl LrScheduler for ScheduleCounter {
    fn step(&mut self) -> f64 {
        let rate = self.schedule.rate(self.step);
        self.step += 1;
        rate
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new().with_scalar(STEP, self.step)
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        if let Some(step) = record.scalar(STEP) {
            self.step = step;
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::{lr_scheduler::module_lr_scheduler::ModuleLrScheduler, module::ParamId};

    use super::*;
    use crate::{OneCycleConfig, ScheduleConfig, SlantedTriangularLrConfig};

    #[test]
    fn stopped_midway_and_resumed_it_gives_the_same_list() {
        let configs: [ScheduleConfig; 2] = [
            SlantedTriangularLrConfig::new(0.01).into(),
            OneCycleConfig::new(0.01).into(),
        ];
        for config in configs {
            let schedule = config.init(20).unwrap();
            let expected: Vec<f64> = (0..20).map(|step| schedule.rate(step)).collect();

            let mut first = ScheduleCounter::from(schedule.clone());
            let mut rates: Vec<f64> = (0..7).map(|_| first.step()).collect();
            let bytes = first.to_record().into_bytes().unwrap();

            let mut second = ScheduleCounter::from(schedule);
            second.load_record(LrSchedulerRecord::from_bytes(bytes).unwrap());
            rates.extend((7..20).map(|_| second.step()));

            assert_eq!(rates, expected);
        }
    }

    #[test]
    fn it_fits_into_burns_module_scheduler() {
        let schedule = ScheduleConfig::from(SlantedTriangularLrConfig::new(0.01));
        let schedule = schedule.init(20).unwrap();
        let mut module = ModuleLrScheduler::from(ScheduleCounter::from(schedule.clone()));
        for step in 0..20 {
            let rate = module.step().lr_from_param(ParamId::new(), None);
            assert!((rate - schedule.rate(step)).abs() < 1e-15);
        }
    }
}
