//! What is shown of work under way: a bar on a terminal, a line an epoch elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use ulmfit_data::EncodeProgress;
use ulmfit_train::{Event, Observer, Validation};

/// Weight of the newest loss in the smoothed one.
const NEWEST: f64 = 0.3;
/// How often a bar that nobody moves is drawn again.
const TICK: Duration = Duration::from_millis(200);

/// Shows a stage.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    quiet: bool,
    unit: &'static str,
    n_epochs: usize,
    /// Tokens or documents since the stage was started or resumed.
    items: usize,
    started: Instant,
    /// The smoothed training loss of the stage.
    loss: Option<f64>,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            quiet,
            unit: "tokens",
            n_epochs: 0,
            items: 0,
            started: Instant::now(),
            loss: None,
        }
    }

    fn start(&mut self, stage: &'static str, step: u64, n_steps: u64, n_epochs: usize) {
        self.bar.finish_and_clear();
        self.unit = if stage == "classifier" {
            "documents"
        } else {
            "tokens"
        };
        self.n_epochs = n_epochs;
        self.items = 0;
        self.started = Instant::now();
        self.loss = None;
        self.bar = bar(n_steps, stage, self.quiet);
        self.bar.set_position(step);
        self.bar.reset_eta();
    }

    fn step(&mut self, step: u64, items: usize) {
        self.items += items;
        self.bar.set_position(step);
        let rate = self.items as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        let loss = self
            .loss
            .map(|loss| format!(", loss {loss:.3}"))
            .unwrap_or_default();
        self.bar
            .set_message(format!("{rate:.0} {}/s{loss}", self.unit));
    }

    fn epoch(&self, epoch: usize, validation: Option<&Validation>) {
        let mut parts = vec![format!("epoch {epoch} of {}", self.n_epochs)];
        if let Some(loss) = self.loss {
            parts.push(format!("training loss {loss:.3}"));
        }
        if let Some(validation) = validation {
            parts.push(format!("validation loss {:.3}", validation.loss));
            if self.unit == "tokens" {
                parts.push(format!("perplexity {:.1}", validation.perplexity()));
            }
            if let Some(accuracy) = validation.accuracy {
                parts.push(format!("accuracy {:.1} %", 100.0 * accuracy));
            }
        }
        self.line(&parts.join(", "));
    }

    fn line(&self, line: &str) {
        if self.quiet {
            return;
        }
        if self.bar.is_hidden() {
            drop(writeln!(std::io::stderr(), "{line}"));
        } else {
            self.bar.println(line);
        }
    }
}

impl Observer for Progress {
    fn observe(&mut self, event: &Event) {
        match *event {
            Event::StageStarted {
                stage,
                step,
                n_steps,
                n_epochs,
            } => {
                self.start(stage, step, n_steps, n_epochs);
            }
            Event::Step { step, items } => self.step(step, items),
            Event::TrainingLoss { loss, .. } => {
                self.loss = Some(match self.loss {
                    Some(smoothed) => smoothed + NEWEST * (loss - smoothed),
                    None => loss,
                });
            }
            Event::EpochEnded {
                epoch,
                ref validation,
            } => self.epoch(epoch, validation.as_ref()),
            Event::StageFinished { stage, elapsed } => {
                self.bar.finish_and_clear();
                // A bar that is cleared prints lines without their ends.
                self.bar = ProgressBar::hidden();
                self.line(&format!("{stage} took {}", duration(elapsed)));
            }
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn duration(elapsed: Duration) -> String {
    if elapsed < Duration::from_mins(1) {
        format!("{:.1} seconds", elapsed.as_secs_f64())
    } else {
        HumanDuration(elapsed).to_string()
    }
}

/// A bar over a known number of things.
pub(crate) fn bar(count: u64, name: &'static str, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count).with_prefix(name);
    let template = "{prefix} [{bar:24}] {human_pos}/{human_len}  {msg}  {eta} left";
    bar.set_style(style(template).progress_chars("=> "));
    bar
}

fn spinner(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.set_style(style("{spinner} {msg}"));
    bar.enable_steady_tick(TICK);
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well-formed")
}

/// Shows how much of the text was tokenized, and how long the rest will take.
#[derive(Debug)]
pub(crate) struct EncodingBar {
    bar: ProgressBar,
    started: bool,
}

impl EncodingBar {
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = bar(0, "encode", quiet);
        let template = "{prefix} [{bar:24}] {percent:>3} %  {msg}  {eta} left";
        bar.set_style(style(template).progress_chars("=> "));
        Self {
            bar,
            started: false,
        }
    }

    pub(crate) fn show(&mut self, progress: EncodeProgress) {
        self.bar.set_length(progress.bytes);
        self.bar.set_position(progress.bytes_read);
        if !self.started {
            // What an earlier run did says nothing about the speed of this one.
            self.bar.reset_eta();
            self.started = true;
        }
        self.bar.set_message(format!(
            "{} documents, {} tokens",
            HumanCount(progress.documents),
            HumanCount(progress.tokens)
        ));
    }
}

impl Drop for EncodingBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Shows how many things there were so far, when nobody knows how many there will be.
#[derive(Debug)]
pub(crate) struct Count {
    bar: ProgressBar,
    things: &'static str,
}

impl Count {
    /// `things` is what is counted, such as `documents read`.
    pub(crate) fn new(things: &'static str, quiet: bool) -> Self {
        Self {
            bar: spinner(quiet),
            things,
        }
    }

    pub(crate) fn set(&self, count: usize) {
        self.bar.set_message(format!("{count} {}", self.things));
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_its_own_training_loss() {
        let mut progress = Progress::new(true);
        for (stage, loss) in [("finetune", 4.5), ("classifier", 0.75)] {
            progress.observe(&Event::StageStarted {
                stage,
                step: 0,
                n_steps: 1,
                n_epochs: 1,
            });
            progress.observe(&Event::TrainingLoss {
                step: 1,
                loss,
                learning_rate: 0.01,
            });
            assert_eq!(progress.loss, Some(loss));
        }
    }
}
