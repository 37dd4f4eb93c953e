//! What `ulmfit fit` says: what it is going to do, and how good it has become.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use humantime::format_duration;
use ulmfit_train::Truth;
use ulmfit_train::fit::{Calibration, FitPlan, FitSummary, Measured};

use super::evaluate;
use crate::output::percent;

const INFALLIBLE: &str = "a String takes every write";
/// Classes that are listed by name.
const MOST_CLASSES: usize = 10;

/// What is going to be done, before it is.
pub(super) fn intention(plan: &FitPlan, pretrained: bool) -> String {
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "{line}").expect(INFALLIBLE);
    say(format!(
        "{} labeled documents {}, {} more without labels; {} are held out",
        plan.documents.len(),
        answers(plan),
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

/// What the documents' labels are.
fn answers(plan: &FitPlan) -> String {
    let (count, names) = (plan.labels.len(), some(&plan.labels));
    match &plan.truth {
        Truth::Classes(_) => format!("of {count} classes ({names})"),
        Truth::LabelSets(sets) => {
            let mean = sets.iter().map(Vec::len).sum::<usize>() as f64 / sets.len().max(1) as f64;
            format!("with {mean:.1} of {count} labels ({names}) each")
        }
        Truth::Numbers(numbers) => {
            let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            format!("with numbers from {least} to {most}")
        }
    }
}

/// What a person should know about the data.
fn warnings(plan: &FitPlan) -> Vec<String> {
    let mut warnings = Vec::new();
    if plan.blank > 0 {
        warnings.push(format!(
            "{} no text",
            count(plan.blank, "labeled document has", "labeled documents have")
        ));
    }
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
    if plan.withheld > 0 {
        warnings.push(format!(
            "{} the text of one to measure on, and is not read",
            count(
                plan.withheld,
                "document without a label has",
                "documents without labels have"
            )
        ));
    }
    if !plan.untrained_classes.is_empty() {
        warnings.push(format!(
            "{} only among the documents to measure on ({}), where every such answer will be wrong",
            count(plan.untrained_classes.len(), "label is", "labels are"),
            some(&plan.untrained_classes)
        ));
    }
    if plan.recipe.classifier.training.heeds_validation() && !plan.held_out.is_empty() {
        warnings.push(
            "the recipe chooses the classifier's last epoch, or when its weights are averaged, by the \
             documents that are measured on; the figures will be too good"
                .to_owned(),
        );
    }
    if !plan.unmeasured_classes.is_empty() {
        warnings.push(format!(
            "{} trained on and never measured ({}), since no document of theirs is held out",
            count(plan.unmeasured_classes.len(), "label is", "labels are"),
            some(&plan.unmeasured_classes)
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

/// The names of some labels, of which not all are listed where they are many.
pub(super) fn some(labels: &[String]) -> String {
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
    if let Some(measured) = &summary.measured {
        let figures = format!("{}\n\n{}", headline(measured), tables(measured));
        writeln!(text, "{}", figures.trim_end()).expect(INFALLIBLE);
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
    if let Some(measured) = &summary.measured {
        say(format!(
            "## Measured on {} documents held out",
            plan.held_out.len()
        ));
        say(format!("{}.", headline(measured).replace('\n', ". ")));
        let tables = tables(measured);
        if !tables.is_empty() {
            say(format!("```text\n{tables}\n```"));
        }
    }
    say(next(plan, summary, model));
    text
}

/// The figures that matter most, a line each.
fn headline(measured: &Measured) -> String {
    let mut lines = Vec::new();
    match measured {
        Measured::SingleLabel {
            report,
            accuracy_interval,
            baseline,
            calibration,
        } => {
            lines.push(format!(
                "accuracy {} ({}) on {} documents held out",
                percent(report.accuracy),
                interval(accuracy_interval.map(percent)),
                report.documents
            ));
            lines.push(format!(
                "TF-IDF with logistic regression on the same documents: {}",
                percent(baseline.accuracy)
            ));
            lines.push(reliability(calibration));
        }
        Measured::MultiLabel {
            report,
            micro_f1_interval,
            baseline,
            calibration,
        } => {
            lines.push(format!(
                "micro F1 {} ({}), macro F1 {}, all labels right in {} of {} documents held out",
                figure(report.micro_f1),
                interval(micro_f1_interval.map(figure)),
                figure(report.macro_f1),
                percent(report.exact_match),
                report.documents
            ));
            lines.push(format!(
                "TF-IDF with a logistic regression for each label on the same documents: micro F1 {}, \
                 macro F1 {}",
                figure(baseline.micro_f1),
                figure(baseline.macro_f1)
            ));
            lines.push(reliability(calibration));
        }
        Measured::Regression {
            report,
            r2_interval,
            baseline,
        } => {
            lines.push(format!(
                "R\u{b2} {} ({}) on {} documents held out",
                figure(report.r2),
                interval(r2_interval.map(figure)),
                report.documents
            ));
            lines.push(evaluate::errors(report));
            lines.push(format!(
                "TF-IDF with ridge regression on the same documents: R\u{b2} {}, {}",
                figure(baseline.r2),
                evaluate::errors(baseline)
            ));
        }
    }
    lines.join("\n")
}

fn figure(figure: f64) -> String {
    format!("{figure:.4}")
}

fn interval([low, high]: [String; 2]) -> String {
    format!("95 % interval {low} to {high}")
}

fn reliability(calibration: &Calibration) -> String {
    format!(
        "probabilities are off by {} on average, {} before they were calibrated",
        percent(calibration.error),
        percent(calibration.error_before)
    )
}

/// Figures of each class or label, and which class is taken for which.
fn tables(measured: &Measured) -> String {
    match measured {
        Measured::SingleLabel { report, .. } => evaluate::class_tables(report),
        Measured::MultiLabel { report, .. } => evaluate::label_table(report),
        Measured::Regression { .. } => String::new(),
    }
}

/// What to do now.
fn next(plan: &FitPlan, summary: &FitSummary, model: &Path) -> String {
    let model = model.display();
    let worse = summary.measured.as_ref().is_some_and(|measured| {
        let [ours, baseline] = measured.headline();
        ours < baseline
    });
    if worse {
        let remedy = if plan.unlabeled.is_empty() {
            "give it more text of the same kind with --unlabeled, or a pretrained model"
        } else {
            "more labels help most"
        };
        return format!(
            "It is below TF-IDF: {remedy}; then `ulmfit predict {model} new.csv` classifies."
        );
    }
    format!("Next: `ulmfit predict {model} new.csv > predictions.jsonl`")
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
