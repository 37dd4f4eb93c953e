//! When to start averaging.

/// awd-lstm-lm's trigger: a validation loss above the best of all before it but the last `nonmono`.
#[derive(Debug, Clone)]
pub(super) struct Trigger {
    nonmono: usize,
    /// The losses up to the one that fired it.
    pub(super) losses: Vec<f64>,
    pub(super) fired: bool,
}

impl Trigger {
    pub(super) fn new(nonmono: usize) -> Self {
        Self {
            nonmono,
            losses: Vec::new(),
            fired: false,
        }
    }

    /// Takes the loss of an epoch and says whether this one fires. It does so once.
    pub(super) fn record(&mut self, loss: f64) -> bool {
        if self.fired {
            return false;
        }
        // Not infinity, which JSON does not have.
        let loss = if loss.is_finite() { loss } else { f64::MAX };
        let compared = self.losses.len().saturating_sub(self.nonmono);
        self.fired = self.losses[..compared]
            .iter()
            .any(|earlier| loss > *earlier);
        self.losses.push(loss);
        self.fired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_switches_at_the_first_loss_above_the_best_of_all_but_the_last_five() {
        let mut trigger = Trigger::new(5);
        // Losses 3 to 7 are no better than loss 2, which loss 8 is the first to be compared with:
        // by then the last five are losses 3 to 7.
        let losses = [5.0, 4.0, 4.5, 4.4, 4.3, 4.2, 4.1, 4.05, 9.0];
        let switched = losses.map(|loss| trigger.record(loss));
        let expected = [false, false, false, false, false, false, false, true, false];
        assert_eq!(switched, expected);
        assert!(trigger.fired);
    }

    #[test]
    fn steady_improvement_never_switches() {
        let mut trigger = Trigger::new(5);
        for epoch in 0..100 {
            assert!(!trigger.record(100.0 - f64::from(epoch)));
        }
        // An equal loss is not above the best.
        let mut trigger = Trigger::new(5);
        assert!((0..20).all(|_| !trigger.record(4.0)));
    }

    #[test]
    fn a_diverged_loss_switches_once_it_is_compared() {
        let mut trigger = Trigger::new(1);
        let switched = [f64::NAN, 3.0, 2.0, f64::NAN].map(|loss| trigger.record(loss));
        assert_eq!(switched, [false, false, false, true]);
        assert!(trigger.losses.iter().all(|loss| loss.is_finite()));
    }
}
