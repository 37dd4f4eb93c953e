//! What a fit is going to do, decided before anything takes time.

use ulmfit_data::{Direction, Document, TokenizedCorpus};

use super::decision::{self, Decision};
use super::drawn::Drawn;
use super::recipe::{self, Amount, Speed};
use super::{FitDocuments, FitOptions, check, sample};
use crate::error::TrainError;
use crate::prepare::others;
use crate::recipe::Recipe;
use crate::target::{Standardization, Target};
use crate::truth::Truth;

/// What a fit is going to do.
#[derive(Clone, Debug)]
pub struct FitPlan {
    /// All labeled documents, those to measure on included.
    pub documents: Vec<Document>,
    /// Documents for the language model alone.
    pub unlabeled: Vec<Document>,
    /// What the labels are to be.
    pub target: Target,
    /// The labels' names, sorted; none for numbers.
    pub labels: Vec<String>,
    /// Each labeled document's answer.
    pub truth: Truth,
    /// The documents to measure on, in rising order.
    pub held_out: Vec<usize>,
    /// Labeled documents without any text.
    pub blank: usize,
    /// How often a text that was there before occurs again among the labeled documents.
    pub repeated: usize,
    /// How often it does so with another label.
    pub contradicting: usize,
    /// How many of the documents that were given to measure on are among those to train on.
    pub leaked: usize,
    /// How many documents without labels were left out, since they have the text of one to measure on.
    pub withheld: usize,
    /// Labels of which no document is held out though others are, most often since they have too few.
    pub unmeasured_classes: Vec<String>,
    /// Labels that only documents to measure on have.
    pub untrained_classes: Vec<String>,
    /// How to train.
    pub recipe: Recipe,
    /// The stages in order.
    pub stages: Vec<PlannedStage>,
}

/// A stage that a fit is going to run.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStage {
    /// `finetune` or `classifier`.
    pub stage: &'static str,
    /// Which way it reads.
    pub direction: Direction,
    /// How often it reads its documents.
    pub epochs: usize,
    /// Documents that it reads.
    pub documents: usize,
    /// The seconds that it may take, where the machine's speed is known.
    pub seconds: Option<f64>,
}

/// Measures how fast a recipe is trained with.
pub type MeasureSpeed<'a> = dyn Fn(&Recipe) -> Result<Speed, TrainError> + 'a;

/// Looks at the documents, and decides what is held out and with which recipe to train. `pretrained`
/// says whether the language models start from pretrained ones, and `speed` measures how fast a recipe
/// is trained with; a plan of which the times do not matter needs none.
///
/// # Errors
///
/// [`TrainError::Unusable`] when the labels are not of the target, the labeled texts are all alike, there
/// is too little of anything or too little time, or no direction or one twice; [`TrainError::RunDir`] when
/// the folder holds the fit of something else; what [`Recipe::validate`] says of the recipe, and what `speed` says.
pub fn plan(
    documents: FitDocuments,
    pretrained: bool,
    speed: Option<&MeasureSpeed<'_>>,
    options: &FitOptions,
) -> Result<FitPlan, TrainError> {
    let directions = &options.directions;
    if directions.is_empty()
        || (1..directions.len()).any(|i| directions[..i].contains(&directions[i]))
    {
        return Err(TrainError::Unusable(
            "`directions` names each way to read once, and one at least".to_owned(),
        ));
    }
    let drawn = Drawn::new(documents, options)?;
    let Drawn {
        labeled,
        mut unlabeled,
        labels,
        truth,
        held_out,
        ..
    } = drawn;
    if let Truth::Classes(_) = &truth {
        check::labels(&labels, labeled.len())?;
    }
    let blank = check::texts(&labeled)?;
    let train = others(&held_out, labeled.len());
    let counts = truth.counts(labels.len());
    let trained_on = truth.select(&train);
    let trained = trained_on.counts(labels.len());
    check::differ(&trained_on, &labels, &trained)?;
    Standardization::of_truth(&truth, &train)?;
    let labels_where = |holds: &dyn Fn(usize) -> bool| {
        let places = (0..labels.len()).filter(|&label| holds(label));
        places.map(|label| labels[label].clone()).collect()
    };
    let unmeasured_classes =
        labels_where(&|label| !held_out.is_empty() && trained[label] == counts[label]);
    let untrained_classes = labels_where(&|label| trained[label] == 0);

    let lengths = lengths(&unlabeled, options);
    let amount = Amount {
        // The weights of several labels would make each more probable than it is.
        skew: match &truth {
            Truth::Classes(_) => skew(&trained),
            Truth::LabelSets(_) | Truth::Numbers(_) => 1.0,
        },
        ..amount(&labeled, &held_out, &lengths, options)
    };
    let digest = decision::digest_of(&labeled, &unlabeled, &held_out, pretrained, options);
    let decided = Decision::read(&options.work_dir, &digest)?;
    let mut recipe = match (&decided, &options.recipe) {
        (Some(decided), _) => decided.recipe.clone(),
        (None, Some(recipe)) => recipe.clone(),
        (None, None) => recipe::choose(&amount, pretrained),
    };
    if let Some(size) = options.max_vocab {
        recipe.vocab.max_size = size;
    }
    recipe.validate()?;
    recipe.text = options.tokenizer.config().clone();
    let speed = speed.map(|measure| measure(&recipe)).transpose()?;
    let Decision {
        recipe,
        unlabeled_tokens,
        ..
    } = match decided {
        Some(decided) => decided,
        None => Decision::new(recipe, &amount, speed, digest, options)?,
    };
    let chosen = sample::chosen(&lengths, unlabeled_tokens, options.seed);
    let pairs = lengths.iter().zip(&chosen).filter(|it| *it.1);
    let read = Amount {
        text_documents: amount.documents + pairs.clone().count(),
        text_tokens: amount.labeled_tokens + pairs.map(|it| it.0).sum::<usize>(),
        directions: 1,
        ..amount
    };
    let mut chosen = chosen.into_iter();
    unlabeled.retain(|_| chosen.next() == Some(true));
    let directions = options.directions.iter();
    Ok(FitPlan {
        stages: directions
            .flat_map(|&direction| stages(direction, &recipe, &read, speed))
            .collect(),
        documents: labeled,
        unlabeled,
        target: options.target.clone(),
        labels,
        truth,
        held_out,
        blank,
        repeated: drawn.duplicates.repeated,
        contradicting: drawn.duplicates.contradicting,
        leaked: drawn.leaked,
        withheld: drawn.withheld,
        unmeasured_classes,
        untrained_classes,
        recipe,
    })
}

impl FitPlan {
    /// The text that the language model reads: all but what is held out, with labels or without.
    pub(super) fn text(&self) -> Vec<Document> {
        let train = self.train();
        let labeled = train.into_iter().map(|index| self.documents[index].clone());
        labeled.chain(self.unlabeled.iter().cloned()).collect()
    }

    /// The labeled documents that are not held out.
    pub(super) fn train(&self) -> Vec<usize> {
        others(&self.held_out, self.documents.len())
    }

    /// The documents to measure on, with their answers.
    pub(super) fn held_out(&self) -> (Vec<Document>, Truth) {
        let documents = self
            .held_out
            .iter()
            .map(|&index| self.documents[index].clone());
        (documents.collect(), self.truth.select(&self.held_out))
    }
}

/// The stages of a direction.
fn stages(
    direction: Direction,
    recipe: &Recipe,
    read: &Amount,
    speed: Option<Speed>,
) -> [PlannedStage; 2] {
    let seconds = speed.map(|speed| recipe::seconds(recipe, read, speed));
    [
        PlannedStage {
            stage: "finetune",
            direction,
            epochs: recipe.finetune.training.epochs,
            documents: read.text_documents,
            seconds: seconds.map(|[finetune, _]| finetune),
        },
        PlannedStage {
            stage: "classifier",
            direction,
            epochs: recipe.classifier.training.epochs,
            documents: read.documents,
            seconds: seconds.map(|[_, classifier]| classifier),
        },
    ]
}

/// `unlabeled` is the length of each of those documents in tokens.
fn amount(
    labeled: &[Document],
    held_out: &[usize],
    unlabeled: &[usize],
    options: &FitOptions,
) -> Amount {
    let tokens = |places: &[usize]| {
        let documents = places.iter().map(|&place| labeled[place].clone());
        let lengths = lengths(&documents.collect::<Vec<_>>(), options);
        lengths.iter().sum::<usize>()
    };
    let train = others(held_out, labeled.len());
    let labeled_tokens = tokens(&train);
    Amount {
        documents: train.len(),
        labeled_tokens,
        held_out: held_out.len(),
        held_out_tokens: tokens(held_out),
        text_tokens: labeled_tokens + unlabeled.iter().sum::<usize>(),
        text_documents: train.len() + unlabeled.len(),
        directions: options.directions.len(),
        skew: 1.0,
    }
}

/// Each document's length in tokens.
fn lengths(documents: &[Document], options: &FitOptions) -> Vec<usize> {
    let corpus = TokenizedCorpus::from_documents(&options.tokenizer, documents);
    corpus.places().lengths()
}

/// How many times the rarest class that there is the most frequent one is.
fn skew(counts: &[usize]) -> f64 {
    let there = counts.iter().filter(|count| **count > 0);
    let [most, least] = [there.clone().max(), there.min()];
    most.copied().unwrap_or(1) as f64 / least.copied().unwrap_or(1).max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use burn::tensor::Device;

    use super::*;
    use crate::fit::{held_out, text_to_train_on};
    use crate::recipe::ClassWeights;

    fn planned(documents: FitDocuments, target: Target) -> Result<FitPlan, TrainError> {
        let folder = tempfile::tempdir().expect("a folder");
        let options = FitOptions {
            target,
            ..FitOptions::new(folder.path(), Device::flex())
        };
        plan(documents, true, None, &options)
    }

    fn labeled(rows: impl IntoIterator<Item = (usize, &'static str)>) -> Vec<Document> {
        let document = |(number, label)| Document::labeled(format!("Text {number}"), label);
        rows.into_iter().map(document).collect()
    }

    fn of_two_classes(numbers: std::ops::Range<usize>) -> Vec<Document> {
        labeled(numbers.map(|number| (number, ["no", "yes"][number % 2])))
    }

    #[test]
    fn no_text_that_is_measured_on_is_read_without_its_label() {
        let documents = FitDocuments {
            labeled: of_two_classes(0..40),
            unlabeled: (0..60)
                .map(|i| Document::new(format!("text  {i}")))
                .collect(),
            validation: Vec::new(),
        };
        let plan = planned(documents, Target::SingleLabel).unwrap();
        assert_eq!(plan.held_out.len(), 4);
        assert_eq!([plan.withheld, plan.unlabeled.len()], [4, 56]);
        let read = held_out::texts(&plan.text());
        let measured = held_out::texts(&plan.held_out().0);
        assert!(read.is_disjoint(&measured));
    }

    #[test]
    fn a_time_budget_reads_a_share_of_the_tokens_from_all_parts_of_the_texts() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = FitOptions {
            time_budget: Some(Duration::from_secs(50)),
            ..FitOptions::new(folder.path(), Device::flex())
        };
        let measure = |_: &Recipe| -> Result<Speed, TrainError> {
            Ok(Speed {
                tokens_per_second: 100.0,
            })
        };
        let words: Vec<String> = (0..100).map(|number| format!("word{number}")).collect();
        let text = |number: usize| {
            let n_words = if number < 60 { 100 } else { 5 };
            Document::new(format!("{} {number}", words[..n_words].join(" ")))
        };
        let planned = || {
            let documents = FitDocuments {
                labeled: of_two_classes(0..40),
                unlabeled: (0..660).map(text).collect(),
                validation: Vec::new(),
            };
            plan(documents, true, Some(&measure), &options).unwrap()
        };
        let first = planned();
        let seconds: f64 = first.stages.iter().filter_map(|stage| stage.seconds).sum();
        assert!((45.0..=50.01).contains(&seconds), "{seconds}");
        let is_long = |document: &&Document| document.fields[0].len() > 100;
        let long = first.unlabeled.iter().filter(is_long).count();
        assert!((1..60).contains(&long), "{long}");
        assert!(first.unlabeled.len() > long);
        // What was decided is gone on with.
        assert_eq!(planned().unlabeled, first.unlabeled);
    }

    #[test]
    fn nothing_of_others_is_removed_with_the_work_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = FitOptions::new(folder.path(), Device::flex());
        let documents = || FitDocuments {
            labeled: of_two_classes(0..40),
            ..FitDocuments::default()
        };
        let notes = folder.path().join("classifier-forward/notes.txt");
        std::fs::create_dir(notes.parent().unwrap()).unwrap();
        std::fs::write(&notes, "").unwrap();
        let error = plan(documents(), true, None, &options).unwrap_err();
        assert!(error.to_string().contains("has something in it"), "{error}");
        std::fs::remove_file(&notes).unwrap();
        plan(documents(), true, None, &options).unwrap();
    }

    #[test]
    fn what_is_trained_on_must_differ() {
        let documents = |numbers: &'static [&'static str]| FitDocuments {
            labeled: labeled((0..).zip(numbers[1..].iter().copied())),
            validation: labeled([(90, numbers[0])]),
            ..FitDocuments::default()
        };
        let refused = |labels, target| planned(documents(labels), target).unwrap_err().to_string();
        let message = refused(&["a", "b", "b", "b"], Target::SingleLabel);
        assert!(
            message.contains("to train on has the label \"b\""),
            "{message}"
        );
        let message = refused(&["1", "2", "2", "2"], Target::Regression);
        assert!(
            message.contains("to train on has the number 2"),
            "{message}"
        );
    }

    #[test]
    fn labels_of_one_side_alone_are_told() {
        let documents = FitDocuments {
            labeled: labeled([
                (0, "a"),
                (1, "a"),
                (2, "b"),
                (3, "b"),
                (4, "once"),
                (5, "also"),
            ]),
            validation: labeled([(6, "a"), (7, "also"), (8, "new")]),
            ..FitDocuments::default()
        };
        let plan = planned(documents, Target::SingleLabel).unwrap();
        assert_eq!(plan.unmeasured_classes, ["b", "once"]);
        assert_eq!(plan.untrained_classes, ["new"]);
    }

    #[test]
    fn class_weights_are_chosen_by_what_is_trained_on() {
        let documents = FitDocuments {
            labeled: of_two_classes(0..40),
            validation: labeled((100..140).map(|i| (i, "no")).chain([(140, "strange")])),
            ..FitDocuments::default()
        };
        let plan = planned(documents, Target::SingleLabel).unwrap();
        assert_eq!(plan.recipe.classifier.class_weights, ClassWeights::None);
        let skewed = (0..40).map(|i| (i, if i < 4 { "yes" } else { "no" }));
        let documents = FitDocuments {
            labeled: labeled(skewed),
            validation: of_two_classes(100..140),
            ..FitDocuments::default()
        };
        let plan = planned(documents, Target::SingleLabel).unwrap();
        assert_ne!(plan.recipe.classifier.class_weights, ClassWeights::None);
    }

    #[test]
    fn what_is_wrong_with_the_options_or_a_number_is_said_before_any_work() {
        let folder = tempfile::tempdir().expect("a folder");
        for directions in [vec![], vec![Direction::Forward; 2]] {
            let options = FitOptions {
                directions,
                ..FitOptions::new(folder.path(), Device::flex())
            };
            let documents = FitDocuments {
                labeled: of_two_classes(0..40),
                ..FitDocuments::default()
            };
            let error = plan(documents, true, None, &options).unwrap_err();
            assert!(error.to_string().contains("`directions`"), "{error}");
        }
        let number = |i: usize| Document::labeled(format!("Text {i}"), (i % 5).to_string());
        let documents = FitDocuments {
            labeled: (0..40).map(number).collect(),
            validation: labeled([(90, "1e20"), (91, "2")]),
            ..FitDocuments::default()
        };
        let error = planned(documents, Target::Regression).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("the number 100000000000000000000 is too far"),
            "{message}"
        );
    }

    #[test]
    fn subwords_may_be_learned_from_all_but_what_is_measured_on() {
        let documents = || FitDocuments {
            labeled: of_two_classes(0..40),
            unlabeled: (0..60)
                .map(|i| Document::new(format!("text  {i}")))
                .collect(),
            validation: Vec::new(),
        };
        let folder = tempfile::tempdir().expect("a folder");
        let options = FitOptions::new(folder.path(), Device::flex());
        let texts = text_to_train_on(documents(), &options).unwrap();
        let plan = plan(documents(), true, None, &options).unwrap();
        assert_eq!(texts, plan.text());
    }

    #[test]
    fn labels_that_never_repeat_are_no_classes_but_may_be_sets() {
        let label = |i: usize| format!("{i};{}", i / 2);
        let documents = || FitDocuments {
            labeled: (0..60)
                .map(|i| Document::labeled(format!("Text {i}"), label(i)))
                .collect(),
            ..FitDocuments::default()
        };
        let message = planned(documents(), Target::SingleLabel).unwrap_err();
        assert!(
            message.to_string().contains("too many for classes"),
            "{message}"
        );
        let separator = Some(";".to_owned());
        let plan = planned(documents(), Target::MultiLabel { separator }).unwrap();
        assert_eq!(plan.labels.len(), 60);
    }
}
