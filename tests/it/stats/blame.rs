//! Drill-down on planted faults: breakdowns of real shape (Zipf sizes, dimensions that hang together,
//! rough days), and how often the planted parts are the ones that are named.

use std::collections::{BTreeMap, BTreeSet};

use truecount::stats::blame::{self, Row};

use super::Dice;

const DEVICES: usize = 3;
const BROWSERS: usize = 8;
const COUNTRIES: usize = 24;
/// Largest values of a dimension that a breakdown keeps.
const TOP: usize = 10;
/// Comparable days of the past.
const PAST: usize = 4;

type Cell = [usize; 3];

/// Expected counts of every device, browser and country together.
fn cube(dice: &mut Dice, total: f64) -> BTreeMap<Cell, f64> {
    let zipf = |dice: &mut Dice, size: usize| -> Vec<f64> {
        let slope = 0.8 + 0.8 * dice.share();
        (1..=size).map(|rank| (rank as f64).powf(-slope)).collect()
    };
    let countries = zipf(dice, COUNTRIES);
    let devices = zipf(dice, DEVICES);
    // Each device has browsers of its own liking, as Safari is of phones.
    let liking: Vec<Vec<f64>> = (0..DEVICES)
        .map(|_| {
            let sizes = zipf(dice, BROWSERS);
            sizes
                .iter()
                .map(|size| size * (0.1 + 3.0 * dice.share().powi(3)))
                .collect()
        })
        .collect();
    // And each country leans to some devices.
    let leaning: Vec<Vec<f64>> = (0..COUNTRIES)
        .map(|_| (0..DEVICES).map(|_| 0.3 + dice.share()).collect())
        .collect();
    let mut cells = BTreeMap::new();
    for device in 0..DEVICES {
        for (browser, liked) in liking[device].iter().enumerate() {
            for country in 0..COUNTRIES {
                let size = devices[device] * liked * countries[country] * leaning[country][device];
                cells.insert([device, browser, country], size);
            }
        }
    }
    let sum: f64 = cells.values().sum();
    for size in cells.values_mut() {
        *size *= total / sum;
    }
    cells
}

/// One of so many.
fn pick(dice: &mut Dice, many: usize) -> usize {
    let share = dice.share();
    (1..many)
        .take_while(|at| share >= *at as f64 / many as f64)
        .count()
}

/// About normal.
fn normal(dice: &mut Dice) -> f64 {
    (0..12).map(|_| dice.share()).sum::<f64>() - 6.0
}

/// A Poisson count.
fn count(dice: &mut Dice, mean: f64) -> f64 {
    if mean > 30.0 {
        return (mean + normal(dice) * mean.sqrt()).round().max(0.0);
    }
    let (limit, mut product, mut found) = ((-mean).exp(), dice.share(), 0.0);
    while product > limit {
        product *= dice.share();
        found += 1.0;
    }
    found
}

/// What a breakdown by these dimensions shows: the values and their rows, the largest ones only.
fn breakdown(days: &[BTreeMap<Cell, f64>], by: &[usize]) -> (Vec<Option<Vec<usize>>>, Vec<Row>) {
    let mut rows: BTreeMap<Vec<usize>, Vec<f64>> = BTreeMap::new();
    for (day, cells) in days.iter().enumerate() {
        for (cell, value) in cells {
            let key = by.iter().map(|at| cell[*at]).collect();
            rows.entry(key).or_insert_with(|| vec![0.0; days.len()])[day] += value;
        }
    }
    let mut ranked: Vec<_> = rows.into_iter().collect();
    ranked.sort_by(|a, b| b.1.iter().sum::<f64>().total_cmp(&a.1.iter().sum()));
    let most = TOP.pow(u32::try_from(by.len()).unwrap());
    let row = |values: &[f64], named| Row {
        observed: values[0],
        past: values[1..].to_vec(),
        named,
    };
    let (mut keys, mut found) = (Vec::new(), Vec::new());
    for (key, values) in ranked.iter().take(most) {
        keys.push(Some(key.clone()));
        found.push(row(values, true));
    }
    if ranked.len() > most {
        let mut rest = vec![0.0; days.len()];
        for (_, values) in &ranked[most..] {
            rest.iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += value);
        }
        keys.push(None);
        found.push(row(&rest, false));
    }
    (keys, found)
}

const BREAKDOWNS: [&[usize]; 6] = [&[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2]];

struct Planted {
    right: bool,
    named: bool,
    what: String,
}

/// One made-up company, one fault, one day; `None` where the fault is too small to be seen at all.
fn plant(seed: u64) -> Option<Planted> {
    let mut dice = Dice::new(seed);
    let total = [400.0, 2_000.0, 10_000.0, 60_000.0][pick(&mut dice, 4)];
    let rough = 0.02 + 0.06 * dice.share();
    let tide = 0.02 + 0.04 * dice.share();
    let cube = cube(&mut dice, total);
    let by = BREAKDOWNS[pick(&mut dice, 6)];
    let sizes = [DEVICES, BROWSERS, COUNTRIES];
    let two = by.len() == 1 && by[0] != 0 && dice.share() < 0.3;
    let mut planted: BTreeSet<Vec<usize>> = BTreeSet::new();
    while planted.len() < 1 + usize::from(two) {
        // Any of the larger values.
        planted.insert(
            by.iter()
                .map(|at| pick(&mut dice, sizes[*at].min(6)))
                .collect(),
        );
    }
    let loss = 0.4 + 0.6 * dice.share();
    let hit = |cell: &Cell| planted.contains(&by.iter().map(|at| cell[*at]).collect::<Vec<_>>());
    let inside: f64 = cube
        .iter()
        .filter(|(cell, _)| hit(cell))
        .map(|(_, mean)| mean)
        .sum();
    // The day as a whole must leave its own range, else nobody asks where; and what is half of the
    // business is not a part of it.
    let spread = (total + (tide * total).powi(2)).sqrt();
    if inside * loss < 3.0 * spread || inside > 0.5 * total {
        return None;
    }
    let days: Vec<BTreeMap<Cell, f64>> = (0..=PAST)
        .map(|day| {
            let swell = 1.0 + tide * normal(&mut dice);
            let each = |(cell, mean): (&Cell, &f64)| {
                let kept = if day == 0 && hit(cell) {
                    1.0 - loss
                } else {
                    1.0
                };
                let wobble = (1.0 + rough * normal(&mut dice)).max(0.0);
                (*cell, count(&mut dice, mean * kept * swell * wobble))
            };
            cube.iter().map(each).collect()
        })
        .collect();
    let tables: Vec<_> = BREAKDOWNS.iter().map(|by| breakdown(&days, by)).collect();
    let rows: Vec<Vec<Row>> = tables.iter().map(|(_, rows)| rows.clone()).collect();
    let found = blame::search(&rows);
    let accused: BTreeSet<Cell> = found.as_ref().map_or_else(BTreeSet::new, |found| {
        let keys = &tables[found.table].0;
        let values: BTreeSet<&Vec<usize>> = found
            .parts
            .iter()
            .filter_map(|part| keys[part.segment].as_ref())
            .collect();
        let by = BREAKDOWNS[found.table];
        let mine =
            |cell: &&Cell| values.contains(&by.iter().map(|at| cell[*at]).collect::<Vec<_>>());
        cube.keys().filter(mine).copied().collect()
    });
    // The right part, or another name for the same events: nine tenths of both lie in both.
    let size = |test: &dyn Fn(&Cell) -> bool| -> f64 {
        cube.iter()
            .filter(|(cell, _)| test(cell))
            .map(|(_, mean)| mean)
            .sum()
    };
    let both = size(&|cell| hit(cell) && accused.contains(cell));
    let either = size(&|cell| hit(cell) || accused.contains(cell));
    Some(Planted {
        right: both >= 0.9 * either,
        named: found.is_some(),
        what: format!(
            "{seed}: of {total} by {by:?} {planted:?} lost {loss:.2}, share {:.3}; named {:?} {:?}",
            inside / total,
            found.as_ref().map(|found| BREAKDOWNS[found.table]),
            found.as_ref().map(|found| found
                .parts
                .iter()
                .map(|part| tables[found.table].0[part.segment]
                    .clone()
                    .unwrap_or_default())
                .collect::<Vec<_>>())
        ),
    })
}

#[test]
fn the_planted_parts_are_named() {
    let planted = 3_000;
    let seen: Vec<Planted> = (0..planted)
        .filter_map(|seed| plant(seed * 104_729 + 1))
        .collect();
    let right = seen.iter().filter(|case| case.right).count();
    let silent = seen.iter().filter(|case| !case.named).count();
    println!(
        "drill-down: {right} of {} faults that could be seen were named rightly ({:.1}%), {silent} not named, {} wrongly; {planted} were planted",
        seen.len(),
        100.0 * right as f64 / seen.len() as f64,
        seen.len() - right - silent,
    );
    for case in seen.iter().filter(|case| !case.right) {
        println!("  missed {}", case.what);
    }
    assert!(seen.len() >= 300, "{} detectable faults", seen.len());
    assert!(right * 100 >= seen.len() * 95, "{right} of {}", seen.len());
}

#[test]
fn when_everything_falls_no_part_is_named() {
    let mut named = 0;
    for seed in 0..200 {
        let mut dice = Dice::new(seed * 31 + 5);
        let cube = cube(&mut dice, 8_000.0);
        let days: Vec<BTreeMap<Cell, f64>> = (0..=PAST)
            .map(|day| {
                let kept = if day == 0 { 0.6 } else { 1.0 };
                let each = |(cell, mean): (&Cell, &f64)| (*cell, count(&mut dice, mean * kept));
                cube.iter().map(each).collect()
            })
            .collect();
        let rows: Vec<Vec<Row>> = BREAKDOWNS.iter().map(|by| breakdown(&days, by).1).collect();
        named += usize::from(blame::search(&rows).is_some());
    }
    println!("drill-down: of 200 falls everywhere {named} were blamed on a part");
    assert!(named <= 4, "{named} of 200");
}

/// Four fifths of the volume cannot explain 1.5 times their share: they stand out because the rest held.
#[test]
fn a_part_that_is_most_of_the_volume_is_named_when_the_rest_held() {
    let rows = |most: f64, rest: f64, small: f64| {
        let row = |observed: f64, past: f64| Row {
            observed,
            past: vec![past * 0.98, past, past * 1.02, past],
            named: true,
        };
        vec![row(most, 800.0), row(rest, 120.0), row(small, 80.0)]
    };
    let found = blame::search(&[rows(300.0, 121.0, 80.0)]).expect("the large part is named");
    let named: Vec<usize> = found.parts.iter().map(|part| part.segment).collect();
    assert_eq!(named, [0]);
    // The rest fell too, if less: then the change is everywhere.
    let everywhere = [rows(400.0, 70.0, 50.0)];
    let spread = blame::search(&everywhere);
    assert!(spread.is_none(), "{spread:?}");
}
