//! ulmfit and its peers in turn.

use std::path::Path;

use crate::bench::measured::{Measured, grouped, median};
use crate::bench::peer::{Peer, Python};
use crate::bench::work::Work;
use crate::markdown;
use crate::ulmfit::Ulmfit;

/// How often, and on how many threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Processes of each program for a piece of work.
    pub(crate) runs: usize,
    /// Times that a process does the work; its figure is their median.
    pub(crate) steps: usize,
    pub(crate) threads: usize,
}

/// What the runs of one piece of work gave.
#[derive(Debug)]
pub(crate) struct Comparison {
    work: Work,
    ours: Vec<Measured>,
    /// As many of each, in the order of our own.
    theirs: Vec<(Peer, Vec<Measured>)>,
}

const HEAD: [&str; 8] = [
    "work",
    "peer",
    "ulmfit, tokens/s",
    "peer, tokens/s",
    "ratio (of single runs)",
    "of a large product",
    "ulmfit, memory",
    "peer, memory",
];

impl Comparison {
    /// Runs ulmfit, then each of the peers, and all of them again: what drifts, drifts for all.
    pub(crate) fn run(
        work: Work,
        peers: &[Peer],
        extent: Extent,
        texts: Option<&Path>,
        ulmfit: &Ulmfit,
        python: &Python,
    ) -> anyhow::Result<Self> {
        let arguments = work.arguments(extent.steps, extent.threads, texts);
        let own = work.own_arguments().iter().copied().map(str::to_owned);
        let our_arguments = arguments.iter().cloned().chain(own).collect::<Vec<_>>();
        let mut ours = vec![];
        let mut theirs: Vec<_> = peers.iter().map(|&peer| (peer, vec![])).collect();
        for _ in 0..extent.runs {
            ours.push(ulmfit.bench(&our_arguments)?);
            for (peer, results) in &mut theirs {
                results.push(python.run(*peer, &arguments)?);
            }
        }
        Ok(Self { work, ours, theirs })
    }

    /// A row for each peer.
    fn rows(&self) -> impl Iterator<Item = [String; HEAD.len()]> {
        let our_speed = median(self.ours.iter().map(|run| run.tokens_per_second));
        let share = median(self.ours.iter().filter_map(Measured::share_of_peak));
        self.theirs.iter().map(move |(peer, theirs)| {
            let their_speed = median(theirs.iter().map(|run| run.tokens_per_second));
            let ratio = our_speed
                .zip(their_speed)
                .map(|(ours, theirs)| ours / theirs);
            let speed = |speed: Option<f64>| speed.map(grouped).unwrap_or_default();
            [
                self.work.title().to_owned(),
                peer.name().to_owned(),
                speed(our_speed),
                speed(their_speed),
                ratio
                    .map(|ratio| format!("**{ratio:.2}** ({})", self.spread(theirs)))
                    .unwrap_or_default(),
                share
                    .map(|share| format!("{:.0} %", 100.0 * share))
                    .unwrap_or_default(),
                memory(&self.ours),
                memory(theirs),
            ]
        })
    }

    /// The least and the greatest ratio of runs that followed each other.
    fn spread(&self, theirs: &[Measured]) -> String {
        let pairs = self.ours.iter().zip(theirs);
        let ratios = pairs.map(|(ours, theirs)| ours.tokens_per_second / theirs.tokens_per_second);
        let (least, greatest) = ratios
            .fold((f64::INFINITY, 0.0_f64), |(least, greatest), ratio| {
                (least.min(ratio), greatest.max(ratio))
            });
        format!("{least:.2} to {greatest:.2}")
    }
}

pub(crate) fn table(comparisons: &[Comparison]) -> String {
    let rows: Vec<_> = comparisons.iter().flat_map(Comparison::rows).collect();
    markdown::table(HEAD, &rows)
}

/// The most that a run had resident.
fn memory(runs: &[Measured]) -> String {
    let most = runs.iter().filter_map(|run| run.peak_rss_bytes).max();
    most.map_or_else(
        || "not told".to_owned(),
        |bytes| format!("{} MB", grouped(bytes as f64 / 1e6)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(tokens_per_second: f64, bytes: Option<u64>) -> Measured {
        Measured {
            tokens_per_second,
            gflops: Some(tokens_per_second / 100.0),
            peak_gflops: Some(20.0),
            peak_rss_bytes: bytes,
        }
    }

    #[test]
    fn the_table_has_ratios_of_medians() {
        let ours = [1200.0, 1000.0, 1100.0].map(|speed| measured(speed, Some(2_000_000)));
        let theirs = [1000.0, 2000.0, 500.0].map(|speed| measured(speed, None));
        let comparison = Comparison {
            work: Work::TrainPaper,
            ours: ours.to_vec(),
            theirs: vec![(Peer::Fastai, theirs.to_vec())],
        };
        let expected = "| train-lm, 30000/400/1152/3, bs 64, bptt 70 | fastai | 1,100 | 1,000 | \
                        **1.10** (0.50 to 2.20) | 55 % | 2 MB | not told |";
        let table = table(&[comparison]);
        assert_eq!(table.lines().nth(2), Some(expected));
    }
}
