//! `backtest`: rehearse the statistics on series of a folder, online, in the daemon's own code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::stats::trial::{self, Trial};

use super::{Exit, Global, Screen, validate};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A folder of CSV files: timestamp,value[,total]
    #[arg(long, value_name = "DIR")]
    series: PathBuf,
    /// Where the scores are written, a CSV file with a line for each judged bucket
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[expect(clippy::unused_async, reason = "commands share one form")]
pub(super) async fn run(options: &Options, _: &Global, screen: &Screen) -> anyhow::Result<Exit> {
    let labels = labels(&options.series)?;
    let mut out = trial::HEADER.to_owned();
    let mut count = 0;
    for (id, about) in &labels {
        let path = options.series.join(format!("{id}.csv"));
        if !path.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let trial = Trial::parse(&text, about).with_context(|| path.display().to_string())?;
        out.push_str(&trial.scores(id));
        count += 1;
    }
    if count == 0 {
        bail!(
            "no series of labels.json lies in {}",
            options.series.display()
        );
    }
    validate::write_whole(&options.out, &out)?;
    screen.say(&format!(
        "{count} series scored into {}",
        options.out.display()
    ));
    Ok(Exit::Clean)
}

/// `labels.json` is sought in the folder, then above it.
fn labels(folder: &Path) -> anyhow::Result<BTreeMap<String, trial::Label>> {
    let found = [Some(folder), folder.parent()]
        .into_iter()
        .flatten()
        .map(|one| one.join("labels.json"))
        .find(|path| path.is_file());
    let path = found.with_context(|| {
        format!(
            "there is no labels.json in {} or above it",
            folder.display()
        )
    })?;
    let text = std::fs::read_to_string(&path)?;
    trial::labels(&text).with_context(|| path.display().to_string())
}
