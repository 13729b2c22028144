//! Figures from labelled benchmarks, one folder a draw of the faults; means are over the draws.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::NaiveDateTime;
use serde::Deserialize;
use truecount::stats::grade::{self, Case, Counting, DAYS, Fault, HOURS};
use truecount::stats::trial::{Freq, Kind, Label, Trial};
use truecount::stats::{Scored, Sensitivity};

/// Longest windows that are tried.
const LONGEST: [usize; 8] = [1, 2, 3, 5, 7, 10, 14, 28];

/// Families of base series that are one half; all others are the other.
const FIRST_HALF: [&str; 5] = ["chi", "fhv", "taxi", "dep", "ped"];

#[derive(Deserialize)]
struct Labels {
    series: BTreeMap<String, Labelled>,
}

#[derive(Deserialize)]
struct Labelled {
    #[serde(flatten)]
    label: Label,
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    start: NaiveDateTime,
    end: NaiveDateTime,
}

#[derive(Deserialize)]
struct Manifest {
    cases: Vec<Made>,
}

#[derive(Deserialize)]
struct Made {
    id: String,
    base: String,
}

/// A series of a benchmark with its faults by place.
struct Known {
    kind: Kind,
    trial: Trial,
    from: usize,
    faults: Vec<Fault>,
    /// Whether its base series belongs to the first half of the families.
    first: bool,
}

impl Known {
    fn case(&self, scored: Vec<Option<Scored>>) -> Case {
        Case {
            scores: scored
                .into_iter()
                .map(|one| one.map(|one| one.score))
                .collect(),
            from: self.from,
            faults: self.faults.clone(),
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(file: &Path) -> anyhow::Result<T> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| file.display().to_string())
}

fn draw(folder: &Path) -> anyhow::Result<Vec<Known>> {
    let labels: Labels = read(&folder.join("labels.json"))?;
    let manifest: Manifest = read(&folder.join("manifest.json"))?;
    let bases: BTreeMap<String, String> = manifest
        .cases
        .into_iter()
        .map(|case| (case.id, case.base))
        .collect();
    let series = labels.series.into_iter();
    series
        .map(|(id, labelled)| {
            let file = folder.join("series").join(format!("{id}.csv"));
            let base = bases
                .get(&id)
                .with_context(|| format!("manifest.json in {} lacks {id}", folder.display()))?;
            known(&file, &labelled, base).with_context(|| file.display().to_string())
        })
        .collect()
}

fn known(file: &Path, labelled: &Labelled, base: &str) -> anyhow::Result<Known> {
    let text = fs::read_to_string(file)?;
    let trial = Trial::parse(&text, &labelled.label)?;
    let first = text
        .lines()
        .nth(1)
        .and_then(|line| line.split(',').next())
        .context("it has no rows")?
        .parse::<NaiveDateTime>()?;
    let place = |time: NaiveDateTime| {
        let after = time - first;
        let buckets = match labelled.label.freq {
            Freq::D => after.num_days(),
            Freq::H => after.num_hours(),
        };
        usize::try_from(buckets).unwrap_or(0)
    };
    let faults = labelled.events.iter().map(|event| Fault {
        first: place(event.start),
        last: place(event.end).min(trial.buckets().saturating_sub(1)),
    });
    Ok(Known {
        kind: labelled.label.kind,
        from: place(labelled.label.score_from.parse()?),
        faults: faults.collect(),
        first: FIRST_HALF
            .iter()
            .any(|family| base.starts_with(&format!("{family}_"))),
        trial,
    })
}

fn draws(folders: &[PathBuf]) -> anyhow::Result<Vec<Vec<Known>>> {
    folders.iter().map(|folder| draw(folder)).collect()
}

fn counting(kind: Kind) -> &'static Counting {
    if kind == Kind::CountHourly {
        &HOURS
    } else {
        &DAYS
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// What longer windows are worth: F1 at the budget, and recall and days to the alarm as shipped.
pub(crate) fn windows(folders: &[PathBuf]) -> anyhow::Result<()> {
    let draws = draws(folders)?;
    println!(
        "daily counts, {} draws: longest window down, F1 at the budget, as shipped: recall, mean days to the alarm",
        draws.len()
    );
    for longest in LONGEST {
        let (mut f1, mut recall, mut delay) = (Vec::new(), Vec::new(), Vec::new());
        for draw in &draws {
            let daily = draw.iter().filter(|known| known.kind == Kind::CountDaily);
            let cases: Vec<Case> = daily
                .map(|known| known.case(known.trial.judge_within(longest)))
                .collect();
            f1.push(grade::at_budget(&cases, &DAYS).map_or(0.0, |grade| grade.f1()));
            let shipped = grade::at_level(&cases, Sensitivity::Normal.level(), &DAYS);
            recall.push(shipped.recall());
            delay.push(shipped.delay);
        }
        println!(
            "{longest:3} days  {:.3}  {:.3}  {:.2}",
            mean(&f1),
            mean(&recall),
            mean(&delay)
        );
    }
    Ok(())
}

/// Whether the constants fit some series only: F1 at the budget by halves of the families.
pub(crate) fn halves(folders: &[PathBuf]) -> anyhow::Result<()> {
    let draws = draws(folders)?;
    println!(
        "{} draws: F1 at the budget, by draw and mean: {} and thinned ones; all others",
        draws.len(),
        FIRST_HALF.join(", ")
    );
    for (name, kind) in Kind::ALL {
        for half in [true, false] {
            let each: Vec<f64> = draws
                .iter()
                .map(|draw| {
                    let those = draw
                        .iter()
                        .filter(|known| known.kind == kind && known.first == half);
                    let cases: Vec<Case> =
                        those.map(|known| known.case(known.trial.judge())).collect();
                    grade::at_budget(&cases, counting(kind)).map_or(0.0, |grade| grade.f1())
                })
                .collect();
            let all: Vec<String> = each.iter().map(|one| format!("{one:.3}")).collect();
            let side = if half { "first" } else { "other" };
            println!(
                "{name:13} {side} {}  mean {:.3}",
                all.join(" "),
                mean(&each)
            );
        }
    }
    Ok(())
}

/// False alarms before the faults begin, as shipped: from the first bucket that is judged to the one
/// from which the benchmark counts.
pub(crate) fn first_weeks(folders: &[PathBuf]) -> anyhow::Result<()> {
    let draws = draws(folders)?;
    println!(
        "{} draws, the time before the benchmark counts, as shipped:",
        draws.len()
    );
    for (name, kind) in Kind::ALL {
        let counting = counting(kind);
        let (mut alarms, mut years) = (0, 0.0);
        for known in draws.iter().flatten().filter(|known| known.kind == kind) {
            let mut case = known.case(known.trial.judge());
            case.scores.truncate(known.from);
            case.faults.clear();
            case.from = case
                .scores
                .iter()
                .position(Option::is_some)
                .unwrap_or(known.from);
            let grade = grade::at_level(&[case], Sensitivity::Normal.level(), counting);
            alarms += grade.false_alarms;
            years += grade.years;
        }
        println!(
            "{name:13} {alarms} false alarms in {years:.1} series-years: {:.2} a year",
            alarms as f64 / years
        );
    }
    Ok(())
}
