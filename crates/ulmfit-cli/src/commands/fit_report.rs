//! What `ulmfit fit` says: what it is going to do, and how good it has become.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use humantime::format_duration;
use ulmfit_train::ClassificationReport;
use ulmfit_train::fit::{FitPlan, FitSummary};

use super::evaluate;
use crate::output::{percent, table};

const INFALLIBLE: &str = "a String takes every write";
/// Classes that are listed by name.
const MOST_CLASSES: usize = 10;

/// What is going to be done, before it is.
pub(super) fn intention(plan: &FitPlan, pretrained: bool) -> String {
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "{line}").expect(INFALLIBLE);
    say(format!(
        "{} labeled documents of {} classes ({}), {} more without labels; {} are held out",
        plan.documents.len(),
        plan.labels.len(),
        some(&plan.labels),
        plan.unlabeled.len(),
        plan.held_out.len()
    ));
    for warning in warnings(plan) {
        say(format!("warning: {warning}"));
    }
    if !pretrained {
        say(
            "warning: the language model starts from scratch, which costs accuracy with few \
             documents; --pretrained names a model to start from"
                .to_owned(),
        );
    }
    let mut total = Some(0.0);
    for stage in &plan.stages {
        let time = stage.seconds.map_or_else(String::new, about);
        total = total.zip(stage.seconds).map(|(sum, more)| sum + more);
        say(format!(
            "{} {}: {} of {}{time}",
            stage.stage,
            stage.direction,
            count(stage.epochs, "epoch", "epochs"),
            count(stage.documents, "document", "documents")
        ));
    }
    if let Some(total) = total {
        say(format!("in all{}", about(total)));
    }
    text
}

/// What a person should know about the data.
fn warnings(plan: &FitPlan) -> Vec<String> {
    let mut warnings = Vec::new();
    if plan.repeated > 0 {
        warnings.push(format!(
            "{} the text of another one, {} of them with another label; none is held out",
            count(plan.repeated, "document repeats", "documents repeat"),
            plan.contradicting
        ));
    }
    if plan.leaked > 0 {
        warnings.push(format!(
            "{} on are among those to train on; the figures will be too good",
            count(
                plan.leaked,
                "document to measure",
                "of the documents to measure"
            )
        ));
    }
    if !plan.lone_classes.is_empty() {
        warnings.push(format!(
            "{} one document ({}), which is trained on and never measured",
            count(plan.lone_classes.len(), "class has", "classes have each"),
            some(&plan.lone_classes)
        ));
    }
    if plan.held_out.is_empty() {
        warnings.push(
            "there are too few documents to hold any out; nothing will be measured".to_owned(),
        );
    }
    warnings
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn some(labels: &[String]) -> String {
    let mut text = labels[..labels.len().min(MOST_CLASSES)].join(", ");
    if labels.len() > MOST_CLASSES {
        text.push_str(", \u{2026}");
    }
    text
}

fn about(seconds: f64) -> String {
    format!(", about {}", duration(seconds))
}

fn duration(seconds: f64) -> String {
    format_duration(Duration::from_secs(seconds.ceil() as u64)).to_string()
}

/// The summary for a terminal.
pub(super) fn text(
    plan: &FitPlan,
    summary: &FitSummary,
    model: &Path,
    report_path: &Path,
    seconds: f64,
) -> String {
    let mut text = String::new();
    if let Some(report) = &summary.report {
        writeln!(text, "{}\n\n{}", headline(summary, report), classes(report)).expect(INFALLIBLE);
    }
    writeln!(
        text,
        "\nmodel {} after {}, summary {}\n{}",
        model.display(),
        duration(seconds),
        report_path.display(),
        next(plan, summary, model)
    )
    .expect(INFALLIBLE);
    text
}

/// The summary as a document.
pub(super) fn markdown(plan: &FitPlan, summary: &FitSummary, model: &Path, seconds: f64) -> String {
    let mut text = format!("# {}\n\n", file_name(model));
    let mut say = |line: String| writeln!(text, "{line}\n").expect(INFALLIBLE);
    say(format!(
        "Trained on {} labeled documents and {} without labels, in {}.",
        summary.trained_on,
        summary.unlabeled,
        duration(seconds)
    ));
    for warning in warnings(plan) {
        say(format!("- {warning}"));
    }
    if let Some(report) = &summary.report {
        say(format!(
            "## Measured on {} documents held out",
            report.documents
        ));
        say(format!(
            "{}.",
            headline(summary, report).replace('\n', ". ")
        ));
        say(format!("```text\n{}\n```", classes(report)));
    }
    say(next(plan, summary, model));
    text
}

/// The figures that matter most, a line each.
fn headline(summary: &FitSummary, report: &ClassificationReport) -> String {
    let mut lines = vec![format!("accuracy {}", percent(report.accuracy))];
    if let Some([low, high]) = summary.accuracy_interval {
        write!(
            lines[0],
            " (95 % interval {} to {}) on {} documents held out",
            percent(low),
            percent(high),
            report.documents
        )
        .expect(INFALLIBLE);
    }
    if let Some(baseline) = &summary.baseline {
        lines.push(format!(
            "TF-IDF with logistic regression on the same documents: {}",
            percent(baseline.accuracy)
        ));
    }
    if let Some(calibration) = &summary.calibration {
        lines.push(format!(
            "probabilities are off by {} on average, {} before they were calibrated",
            percent(calibration.error),
            percent(calibration.error_before)
        ));
    }
    lines.join("\n")
}

/// Figures of each class, and which is taken for which.
fn classes(report: &ClassificationReport) -> String {
    let confusion = evaluate::confusion_rows(report);
    format!(
        "{}\n\n{}",
        table(&evaluate::class_rows(report)),
        table(&confusion)
    )
}

/// What to do now.
fn next(plan: &FitPlan, summary: &FitSummary, model: &Path) -> String {
    let model = model.display();
    let worse = summary.report.as_ref().zip(summary.baseline.as_ref());
    let worse = worse.is_some_and(|(report, baseline)| report.accuracy < baseline.accuracy);
    if worse && plan.unlabeled.is_empty() {
        return format!(
            "It is below TF-IDF: give it more text of the same kind with --unlabeled, or a \
             pretrained model; then `ulmfit predict {model} new.csv` classifies."
        );
    }
    format!("Next: `ulmfit predict {model} new.csv > predictions.jsonl`")
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
