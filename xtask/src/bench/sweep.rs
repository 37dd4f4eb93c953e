//! Training throughput over batch sizes, sequence lengths and threads: is there a cliff?

use crate::bench::measured::{Measured, grouped};
use crate::markdown;
use crate::ulmfit::Ulmfit;

const BATCH_SIZES: [usize; 4] = [16, 32, 64, 128];
const SEQUENCE_LENGTHS: [usize; 3] = [35, 70, 140];

/// One size on some threads.
#[derive(Debug)]
pub(crate) struct Point {
    batch_size: usize,
    bptt: usize,
    threads: usize,
    measured: Measured,
}

/// Measures every size on one thread and on `threads`.
pub(crate) fn run(ulmfit: &Ulmfit, steps: usize, threads: usize) -> anyhow::Result<Vec<Point>> {
    let mut points = vec![];
    let mut counts = vec![1, threads];
    counts.dedup();
    for batch_size in BATCH_SIZES {
        for bptt in SEQUENCE_LENGTHS {
            for &threads in &counts {
                let arguments = format!(
                    "train-lm --vocab 10000 --emb 200 --hid 512 --layers 3 --bs {batch_size} \
                     --bptt {bptt} --steps {steps} --threads {threads}"
                );
                let arguments: Vec<_> = arguments.split(' ').map(str::to_owned).collect();
                points.push(Point {
                    batch_size,
                    bptt,
                    threads,
                    measured: ulmfit.bench(&arguments)?,
                });
            }
        }
    }
    Ok(points)
}

pub(crate) fn table(points: &[Point]) -> String {
    let row = |point: &Point| {
        let Measured {
            tokens_per_second,
            gflops,
            ..
        } = point.measured;
        [
            point.batch_size.to_string(),
            point.bptt.to_string(),
            point.threads.to_string(),
            grouped(tokens_per_second),
            gflops.map(grouped).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = points.iter().map(row).collect();
    markdown::table(["bs", "bptt", "threads", "tokens/s", "GFLOP/s"], &rows)
}
