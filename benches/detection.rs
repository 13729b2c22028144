//! Judges every series of a labelled benchmark online, writes the scores and says how long it took:
//! `cargo bench --bench detection -- DIR OUT`.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context as _, anyhow, bail};
use truecount::stats::trial::{self, Trial};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let [folder, out] = arguments.as_slice() else {
        bail!("usage: cargo bench --bench detection -- DIR OUT");
    };
    let folder = Path::new(folder);
    let labels = trial::labels(&fs::read_to_string(labels_file(folder)?)?)?;
    let mut scores = trial::HEADER.to_owned();
    let mut took = Duration::ZERO;
    let (mut buckets, mut series) = (0, 0);
    for (id, label) in &labels {
        let file = folder.join(format!("{id}.csv"));
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let trial = Trial::parse(&text, label).with_context(|| file.display().to_string())?;
        #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
        let start = Instant::now();
        let lines = trial.scores(id);
        took += start.elapsed();
        buckets += trial.buckets();
        series += 1;
        scores.push_str(&lines);
    }
    fs::write(out, scores).with_context(|| format!("cannot write {out}"))?;
    let each = took.as_secs_f64() / f64::from(u32::try_from(buckets)?.max(1));
    println!(
        "{series} series, {buckets} buckets, {:.3} s judging",
        took.as_secs_f64()
    );
    println!(
        "{:.2} µs a bucket: a history of 180 buckets is judged {:.0} times a second",
        each * 1e6,
        1.0 / (each * 180.0)
    );
    Ok(())
}

/// `labels.json` beside the series, or one folder up.
fn labels_file(folder: &Path) -> anyhow::Result<PathBuf> {
    let places = [Some(folder), folder.parent()];
    places
        .into_iter()
        .flatten()
        .map(|place| place.join("labels.json"))
        .find(|file| file.exists())
        .ok_or_else(|| anyhow!("no labels.json in {} or its parent", folder.display()))
}
