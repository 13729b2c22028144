//! What more than one number a day is worth: the same faults in the daily count alone, with the hours
//! of the same event, and beside a second system that counts the same events.

use std::path::Path;

use anyhow::{Context as _, ensure};
use truecount::stats::grade::{self, Case, Counting, Fault, Grade};
use truecount::stats::{Cycle, Paired, Sensitivity, Series, count, pair};

use super::made::{Base, Deck, KINDS, Made, Planted, bases};

/// Draws of the faults; the hourly series are few and short.
const DRAWS_OF_DAYS: u64 = 12;
const DRAWS_OF_HOURS: u64 = 64;

/// Shorter series have no room for faults after 90 days.
const LEAST_DAYS: usize = 160;

/// Alarms are placed in the hour in which the bucket ends that made them.
const BY_HOUR: Counting = Counting {
    merge: 3 * 24,
    renew: 14 * 24,
    cool: 14 * 24,
    year: 8766.0,
    budget: 1.0,
};

/// One way to look at all series, with the kind of each fault.
struct Way {
    name: &'static str,
    cases: Vec<Case>,
    kinds: Vec<Vec<&'static str>>,
}

impl Way {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            cases: Vec::new(),
            kinds: Vec::new(),
        }
    }

    fn add(&mut self, scores: Vec<Option<f64>>, from: usize, faults: &[Planted], day: usize) {
        self.kinds
            .push(faults.iter().map(|fault| fault.kind).collect());
        let faults = faults.iter().map(|fault| Fault {
            first: fault.first,
            // A day is judged when it is over.
            last: (fault.last / day * day + day - 1).min(scores.len() - 1),
        });
        self.cases.push(Case {
            from,
            faults: faults.collect(),
            scores,
        });
    }

    /// The same cases with the faults of one kind only; false alarms of it mean nothing.
    fn of_kind(&self, kind: &str) -> Vec<Case> {
        let cases = self.cases.iter().zip(&self.kinds);
        cases
            .map(|(case, kinds)| Case {
                faults: case
                    .faults
                    .iter()
                    .zip(kinds)
                    .filter(|(_, other)| **other == kind)
                    .map(|(fault, _)| *fault)
                    .collect(),
                ..case.clone()
            })
            .collect()
    }
}

/// Prints both tables.
pub(crate) fn more(folder: &Path) -> anyhow::Result<()> {
    let all = bases(folder)?;
    let long = |base: &&Base| base.days() >= LEAST_DAYS;
    let (hourly, daily): (Vec<&Base>, Vec<&Base>) =
        all.iter().filter(long).partition(|base| base.hourly);
    ensure!(
        !hourly.is_empty() && !daily.is_empty(),
        "{} has no series of {LEAST_DAYS} days",
        folder.display()
    );
    println!(
        "recall, mean days from the beginning of a fault to the end of the bucket that alarms; at 1 false alarm a series-year\n"
    );
    println!(
        "{} hourly series, {DRAWS_OF_HOURS} draws (left out as too short: {}):\n",
        hourly.len(),
        left_out(&all)
    );
    table(&by_hour(&hourly)?, &BY_HOUR, 24.0)?;
    println!("\n{} daily series, {DRAWS_OF_DAYS} draws:\n", daily.len());
    let days = Counting {
        merge: 3,
        renew: 14,
        cool: 14,
        year: 365.25,
        budget: 1.0,
    };
    table(&by_day(&daily), &days, 1.0)
}

fn left_out(all: &[Base]) -> String {
    let short = all.iter().filter(|base| base.days() < LEAST_DAYS);
    let short: Vec<&str> = short.map(|base| base.id.as_str()).collect();
    short.join(", ")
}

fn table(ways: &[Way], counting: &Counting, day: f64) -> anyhow::Result<()> {
    let names: Vec<&str> = ways.iter().map(|way| way.name).collect();
    println!("| fault | many | {} |", names.join(" | "));
    println!("| --- | --- |{}", " --- |".repeat(ways.len()));
    let grades: Vec<Grade> = ways
        .iter()
        .map(|way| grade::at_budget(&way.cases, counting).context("no level keeps the budget"))
        .collect::<anyhow::Result<_>>()?;
    let cell = |grade: &Grade| {
        let wait = (grade.delay + 1.0) / day;
        if grade.found == 0 {
            format!("{:.2}", grade.recall())
        } else {
            format!("{:.2}, {wait:.1}", grade.recall())
        }
    };
    for kind in KINDS {
        let cells: Vec<Grade> = ways
            .iter()
            .zip(&grades)
            .map(|(way, at)| grade::at_level(&way.of_kind(kind), at.level, counting))
            .collect();
        let many = cells.first().map_or(0, |grade| grade.faults);
        let cells: Vec<String> = cells.iter().map(cell).collect();
        println!("| {kind} | {many} | {} |", cells.join(" | "));
    }
    let all: Vec<String> = grades.iter().map(cell).collect();
    println!("| all | {} | {} |", grades[0].faults, all.join(" | "));
    let rest = |show: &dyn Fn(&Grade) -> String| -> String {
        grades.iter().map(show).collect::<Vec<_>>().join(" | ")
    };
    println!("| F1 | | {} |", rest(&|one| format!("{:.2}", one.f1())));
    println!(
        "| score that keeps the budget | | {} |",
        rest(&|one| format!("{:.2}", one.level))
    );
    println!(
        "| series-years | | {} |",
        rest(&|one| format!("{:.0}", one.years))
    );
    Ok(())
}

/// Daily series: alone and beside the second system.
fn by_day(bases: &[&Base]) -> Vec<Way> {
    let (mut alone, mut beside) = (
        Way::new("daily count alone"),
        Way::new("with a second system"),
    );
    for draw in 0..DRAWS_OF_DAYS {
        let mut deck = Deck::default();
        for (number, base) in (0_u64..).zip(bases) {
            let made = base.make(1000 * (draw + 1) + number, &mut deck);
            let count = counted(&made.seen, base.cycle);
            let gap = paired(&made.seen, &made.truth, base.cycle);
            alone.add(count, base.from(), &made.faults, 1);
            beside.add(gap, base.from(), &made.faults, 1);
        }
    }
    vec![alone, beside]
}

/// Hourly series: as days alone, days and hours, and both of these beside the second system.
fn by_hour(bases: &[&Base]) -> anyhow::Result<Vec<Way>> {
    let mut ways = [
        "daily count alone",
        "with hours",
        "with a second system",
        "with a second system by hour",
    ]
    .map(Way::new);
    let (day, hour) = budgets(bases)?;
    for draw in 0..DRAWS_OF_HOURS {
        let mut deck = Deck::default();
        for (number, base) in (0_u64..).zip(bases) {
            let made = base.make(1000 * (draw + 1) + number, &mut deck);
            let many = made.seen.len();
            let (seen, truth) = (days(&made.seen), days(&made.truth));
            // A score is minus the logarithm of a chance over the budget: brought to that of days, where
            // an hour is one of 24.
            let as_days = |score: f64| ((score * hour - 24.0_f64.ln()) / day).max(0.0);
            let days_of = |scores: Vec<Option<f64>>| spread(&scores, many);
            let hours_of = |scores: Vec<Option<f64>>| -> Vec<Option<f64>> {
                scores.into_iter().map(|one| one.map(as_days)).collect()
            };
            let count = days_of(counted(&seen, base.daily()));
            let gap = days_of(paired(&seen, &truth, base.daily()));
            let hours = hours_of(counted(&made.seen, base.cycle));
            let gaps = hours_of(paired(&made.seen, &made.truth, base.cycle));
            let each = [
                count.clone(),
                louder(&count, &hours),
                gap.clone(),
                louder(&gap, &gaps),
            ];
            for (way, scores) in ways.iter_mut().zip(each) {
                way.add(scores, base.from(), &made.faults, 24);
            }
        }
    }
    Ok(ways.into())
}

/// Sums of 24 hours; a day that lacks one is not known.
fn days(hours: &[f64]) -> Vec<f64> {
    hours
        .chunks_exact(24)
        .map(|day| day.iter().sum::<f64>())
        .collect()
}

/// The score of each day in its last hour.
fn spread(days: &[Option<f64>], hours: usize) -> Vec<Option<f64>> {
    let at = |hour: usize| (hour % 24 == 23).then(|| days[hour / 24]).flatten();
    (0..hours).map(at).collect()
}

fn louder(one: &[Option<f64>], other: &[Option<f64>]) -> Vec<Option<f64>> {
    one.iter()
        .zip(other)
        .map(|(one, other)| one.iter().chain(other).copied().reduce(f64::max))
        .collect()
}

fn counted(values: &[f64], cycle: Cycle) -> Vec<Option<f64>> {
    let (usable, special) = (vec![true; values.len()], vec![0; values.len()]);
    let series = Series {
        values,
        usable: &usable,
        special: &special,
        cycle,
    };
    let mut out = Vec::with_capacity(values.len());
    count::sweep(&series, 0, &mut out);
    out.into_iter()
        .map(|one| one.map(|one| one.score))
        .collect()
}

fn paired(first: &[f64], second: &[f64], cycle: Cycle) -> Vec<Option<f64>> {
    let (usable, special) = (vec![true; first.len()], vec![0; first.len()]);
    let series = Paired {
        first,
        second,
        usable: &usable,
        special: &special,
        cycle,
    };
    let mut out = Vec::with_capacity(first.len());
    pair::sweep(&series, 0, &mut out);
    out.into_iter()
        .map(|one| one.map(|one| one.score))
        .collect()
}

/// Minus the logarithm of the chance that makes a score of one, of days and of hours, read off
/// judgements.
fn budgets(bases: &[&Base]) -> anyhow::Result<(f64, f64)> {
    let mut deck = Deck::default();
    let of = |values: &[f64], cycle: Cycle| {
        let (usable, special) = (vec![true; values.len()], vec![0; values.len()]);
        let series = Series {
            values,
            usable: &usable,
            special: &special,
            cycle,
        };
        let judged = (0..values.len())
            .rev()
            .filter_map(|at| count::judge(&series, at, Sensitivity::Normal).ok());
        let loud = judged.into_iter().find(|one| one.score > 0.1)?;
        Some(-loud.p.ln() / loud.score)
    };
    let made: Vec<(&Base, Made)> = bases
        .iter()
        .map(|base| (*base, base.make(7, &mut deck)))
        .collect();
    let day = made
        .iter()
        .find_map(|(base, made)| of(&days(&made.seen), base.daily()));
    let hour = made
        .iter()
        .find_map(|(base, made)| of(&made.seen, base.cycle));
    Ok((
        day.context("no day is odd")?,
        hour.context("no hour is odd")?,
    ))
}
