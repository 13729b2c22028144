//! What the noise of siblings is worth to a young count, on real series: those of one family are taken for
//! the events of one source.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::ensure;
use truecount::stats::{Series, count};

use super::alarms::alarms;
use super::made::{Base, Dice, bases};

/// Days that a series is young, and the day on which a fault begins.
const YOUNG: usize = 60;
const BEGINS: usize = 30;

/// Days within which a fault must be told.
const PATIENCE: usize = 14;

/// Siblings that must be known; see `src/check/sibling.rs`.
const LEAST: usize = 3;

/// Beginnings of a young series in each base series, this many days apart.
const APART: usize = 40;

/// What faults leave of all.
const KEPT: [f64; 4] = [0.0, 0.5, 0.75, 2.0];

/// What became of one fault.
#[derive(Default)]
struct Told {
    many: usize,
    found: usize,
    days: usize,
}

/// Prints false alarms and faults told, alone and with siblings.
pub(crate) fn siblings(folder: &Path) -> anyhow::Result<()> {
    let all = bases(folder)?;
    let mut families: BTreeMap<&str, Vec<&Base>> = BTreeMap::new();
    for base in all.iter().filter(|base| !base.hourly) {
        let family = base.id.split('_').next().unwrap_or(&base.id);
        families.entry(family).or_default().push(base);
    }
    families.retain(|_, members| members.len() > LEAST);
    ensure!(!families.is_empty(), "no family has {} series", LEAST + 1);
    let names: Vec<&str> = families.keys().copied().collect();
    println!("families: {}", names.join(", "));
    for steady in [true, false] {
        let mut tally = Tally {
            told: KEPT.iter().map(|_| Default::default()).collect(),
            ..Tally::default()
        };
        for members in families.values() {
            for (own, base) in members.iter().enumerate() {
                let noise = typical(members, own);
                if let Some(noise) = noise.filter(|noise| (*noise < count::USUAL) == steady) {
                    tally.add(base, noise);
                }
            }
        }
        tally.print(steady);
    }
    Ok(())
}

/// What became of all young series, alone and with siblings.
#[derive(Default)]
struct Tally {
    series: usize,
    young: usize,
    alarms: [usize; 2],
    /// By the share that is left.
    told: Vec<[Told; 2]>,
}

impl Tally {
    fn add(&mut self, base: &Base, noise: f64) {
        self.series += 1;
        let values = base.values();
        for from in (0..values.len().saturating_sub(YOUNG)).step_by(APART) {
            self.young += 1;
            let part = &values[from..from + YOUNG];
            let cycle = base.cycle.shifted(from);
            let each = [None, Some(noise)];
            for (many, noise) in self.alarms.iter_mut().zip(each) {
                *many += runs(&alarms(part, cycle, noise));
            }
            for (told, keeps) in self.told.iter_mut().zip(KEPT) {
                let spoilt = spoil(part, keeps, from as u64);
                for (told, noise) in told.iter_mut().zip(each) {
                    told.many += 1;
                    let found = alarms(&spoilt, cycle, noise);
                    let within = BEGINS..BEGINS + PATIENCE;
                    if let Some(at) = found.iter().find(|at| within.contains(at)) {
                        told.found += 1;
                        told.days += at + 1 - BEGINS;
                    }
                }
            }
        }
    }

    fn print(&self, steady: bool) {
        let years = self.young as f64 * (YOUNG - 21) as f64 / 365.25;
        let which = if steady {
            "steadier than usual, so that noise is borrowed"
        } else {
            "as noisy as usual or more, so that nothing is"
        };
        println!(
            "{} series with siblings {which}; {} young ones, alone and with siblings:",
            self.series, self.young
        );
        if self.young == 0 {
            return;
        }
        let [alone, beside] = self.alarms.map(|many| many as f64 / years);
        println!("  false alarms a series-year, days 22 to {YOUNG}: {alone:.2} {beside:.2}");
        for (told, keeps) in self.told.iter().zip(KEPT) {
            let shown = told.each_ref().map(|told| {
                let mean = told.days as f64 / told.found.max(1) as f64;
                let share = told.found as f64 / told.many as f64;
                format!("{share:.2} in {mean:.1} days")
            });
            let shown = shown.join(", ");
            println!("  {keeps} of all is left from day {BEGINS} on: {shown}");
        }
    }
}

/// The middle noise of the others of a family.
fn typical(members: &[&Base], own: usize) -> Option<f64> {
    let others = members
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != own);
    let mut known: Vec<f64> = others
        .filter_map(|(_, base)| {
            let values = base.values();
            let (usable, special) = (vec![true; values.len()], vec![0; values.len()]);
            let series = Series {
                values,
                usable: &usable,
                special: &special,
                cycle: base.cycle,
            };
            count::noise(&series, values.len() - 1)
        })
        .collect();
    known.sort_by(f64::total_cmp);
    (known.len() >= LEAST).then(|| known[known.len() / 2])
}

fn spoil(values: &[f64], keeps: f64, seed: u64) -> Vec<f64> {
    let mut dice = Dice::new(seed);
    let fresh = |(at, &value): (usize, &f64)| {
        if at < BEGINS {
            value
        } else if keeps > 1.0 {
            value * keeps
        } else if keeps > 0.0 {
            dice.thin(value, keeps)
        } else {
            0.0 * value
        }
    };
    values.iter().enumerate().map(fresh).collect()
}

/// Alarms more than three days after the last.
fn runs(alarms: &[usize]) -> usize {
    let apart = alarms.windows(2).filter(|pair| pair[1] - pair[0] > 3);
    apart.count() + usize::from(!alarms.is_empty())
}
