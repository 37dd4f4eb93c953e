//! The work that is measured against the peers.

use std::path::Path;

use clap::ValueEnum;

use crate::bench::peer::Peer;

/// A row of the comparison's table for each of its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Train at the paper's sizes
    TrainPaper,
    /// Train at two thirds of them
    TrainMiddle,
    /// Train at sizes for a laptop
    TrainSmall,
    /// The same on batches of 16 rows: few tokens, many updates
    TrainSmallBs16,
    /// Classify 64 documents side by side, at the paper's sizes
    ClassifyBatch,
    /// Classify one document after the other
    ClassifyOne,
    /// Classify 64 documents side by side with weights in eight bits
    ClassifyBatchInt8,
    /// Classify one document after the other with weights in eight bits
    ClassifyOneInt8,
    /// Classify texts, tokenization included, at the paper's sizes; needs --texts
    Predict,
    /// Cut texts in tokens, on all cores; needs --texts
    Tokenize,
}

impl Work {
    /// The line of the table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::TrainPaper => "train-lm, 30000/400/1152/3, bs 64, bptt 70",
            Self::TrainMiddle => "train-lm, 15000/256/768/3, bs 64, bptt 70",
            Self::TrainSmall => "train-lm, 10000/200/512/3, bs 64, bptt 70",
            Self::TrainSmallBs16 => "train-lm, 10000/200/512/3, bs 16, bptt 70",
            Self::ClassifyBatch => "classify, 30000/400/1152/3, bs 64, 280 tokens",
            Self::ClassifyOne => "classify, 30000/400/1152/3, bs 1, 280 tokens",
            Self::ClassifyBatchInt8 => "classify, 30000/400/1152/3, bs 64, 280 tokens, int8",
            Self::ClassifyOneInt8 => "classify, 30000/400/1152/3, bs 1, 280 tokens, int8",
            Self::Predict => "predict, 30000/400/1152/3, 500 documents",
            Self::Tokenize => "tokenize, 1000 documents",
        }
    }

    /// Whether it reads real texts.
    pub(crate) const fn needs_texts(self) -> bool {
        matches!(self, Self::Predict | Self::Tokenize)
    }

    /// Who else does it.
    pub(crate) const fn peers(self) -> &'static [Peer] {
        match self {
            Self::TrainPaper | Self::TrainMiddle | Self::TrainSmall | Self::TrainSmallBs16 => {
                &[Peer::Fastai]
            }
            Self::Predict | Self::Tokenize => &[Peer::Fastai],
            Self::ClassifyBatch | Self::ClassifyOne => &[Peer::Fastai, Peer::Onnxruntime],
            Self::ClassifyBatchInt8 | Self::ClassifyOneInt8 => {
                &[Peer::Fastai, Peer::OnnxruntimeInt8]
            }
        }
    }

    /// What `ulmfit bench` is told beside that; fastai has no weights in eight bits.
    pub(crate) const fn own_arguments(self) -> &'static [&'static str] {
        match self {
            Self::ClassifyBatchInt8 | Self::ClassifyOneInt8 => &["--int8"],
            _ => &[],
        }
    }

    /// The arguments, which `ulmfit bench` and the scripts both understand; `texts` is the folder of
    /// what there is to tokenize.
    pub(crate) fn arguments(
        self,
        steps: usize,
        threads: usize,
        texts: Option<&Path>,
    ) -> Vec<String> {
        let sizes = match self {
            Self::TrainPaper => lm(30_000, 400, 1152, 64),
            Self::TrainMiddle => lm(15_000, 256, 768, 64),
            Self::TrainSmall => lm(10_000, 200, 512, 64),
            Self::TrainSmallBs16 => lm(10_000, 200, 512, 16),
            Self::ClassifyBatch | Self::ClassifyBatchInt8 => classifier(64, 64),
            Self::ClassifyOne | Self::ClassifyOneInt8 => classifier(1, 8),
            Self::Predict => {
                "predict --vocab 30000 --emb 400 --hid 1152 --layers 3 --docs 500".to_owned()
            }
            Self::Tokenize => "tokenize --docs 1000".to_owned(),
        };
        let mut arguments: Vec<_> = format!("{sizes} --steps {steps} --threads {threads}")
            .split(' ')
            .map(str::to_owned)
            .collect();
        if let (true, Some(texts)) = (self.needs_texts(), texts) {
            arguments.extend(["--texts".to_owned(), texts.display().to_string()]);
        }
        arguments
    }
}

fn lm(vocab: usize, emb: usize, hid: usize, bs: usize) -> String {
    format!("train-lm --vocab {vocab} --emb {emb} --hid {hid} --layers 3 --bs {bs} --bptt 70")
}

fn classifier(bs: usize, docs: usize) -> String {
    format!(
        "classify --vocab 30000 --emb 400 --hid 1152 --layers 3 --bs {bs} --docs {docs} \
         --doc-len 280 --classes 2"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_say_what_the_arguments_do() {
        for work in Work::value_variants() {
            let texts = Path::new("some texts");
            let arguments = work.arguments(5, 2, Some(texts));
            let value = |name: &str| {
                let place = arguments.iter().position(|word| word == name);
                place.map_or("", |place| arguments[place + 1].as_str())
            };
            assert_eq!((value("--steps"), value("--threads")), ("5", "2"));
            if *work == Work::Tokenize {
                let title = format!("tokenize, {} documents", value("--docs"));
                assert_eq!((work.title(), value("--texts")), (&*title, "some texts"));
                continue;
            }
            let [vocab, emb, hid, layers] = ["--vocab", "--emb", "--hid", "--layers"].map(value);
            if *work == Work::Predict {
                let docs = value("--docs");
                let title = format!("predict, {vocab}/{emb}/{hid}/{layers}, {docs} documents");
                assert_eq!((work.title(), value("--texts")), (&*title, "some texts"));
                continue;
            }
            let length = match arguments[0].as_str() {
                "train-lm" => format!("bptt {}", value("--bptt")),
                _ => format!("{} tokens", value("--doc-len")),
            };
            let own = work.own_arguments().concat();
            let title = format!(
                "{}, {vocab}/{emb}/{hid}/{layers}, bs {}, {length}{}",
                arguments[0],
                value("--bs"),
                own.replace("--", ", ")
            );
            assert_eq!(work.title(), title);
        }
    }
}
