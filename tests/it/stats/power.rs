//! What is promised to be found is found: planted in fresh series, by the detector that judges them.

use truecount::stats::power::{self, Sight};
use truecount::stats::{Cycle, Sensitivity, Series};

use super::{Dice, alarms, week};

const DAYS: usize = 180;

fn sight(values: &[f64]) -> Option<Sight> {
    let (usable, special) = (vec![true; values.len()], vec![0; values.len()]);
    let series = Series {
        values,
        usable: &usable,
        special: &special,
        cycle: Cycle::Daily(0),
    };
    power::of_count(&series, Sensitivity::Normal)
}

#[test]
fn a_promised_drop_is_found_in_time_in_series_that_were_not_looked_at() {
    for mean in [4.0, 40.0, 900.0] {
        let promised = sight(&week(mean, DAYS, 3)).unwrap();
        for (days, share) in promised.within {
            let Some(share) = share else {
                continue;
            };
            let days = usize::try_from(days).unwrap();
            let found = (100..130).filter(|&seed| {
                let mut values = week(mean, DAYS + days, seed);
                let mut dice = Dice::new(seed + 1_000);
                for value in &mut values[DAYS..] {
                    *value = dice.thin(*value, 1.0 - share);
                }
                !alarms(&values, DAYS).is_empty()
            });
            let found = found.count();
            assert!(
                found >= 21,
                "{mean}: {share} within {days} days: {found} of 30"
            );
        }
    }
}

#[test]
fn no_more_is_promised_than_chance_allows() {
    for mean in [1.0, 4.0, 40.0, 900.0] {
        let promised = sight(&week(mean, DAYS, 7)).unwrap();
        let usual = mean; // The week's shape has a mean of one.
        for ((days, share), (_, bound)) in
            promised.within.iter().zip(power::within(usual, 1.0, 0.0))
        {
            if let Some(share) = share {
                let bound = bound.unwrap_or(1.0);
                assert!(
                    *share >= 0.6 * bound,
                    "{mean}, {days} days: {share}, bound {bound}"
                );
            }
        }
        let sizes: Vec<f64> = promised
            .within
            .iter()
            .map(|(_, one)| one.unwrap_or(2.0))
            .collect();
        assert!(sizes.is_sorted_by(|a, b| a >= b), "{mean}: {promised:?}");
    }
    let busy = sight(&week(900.0, DAYS, 7)).unwrap();
    assert!(busy.half_after.is_some_and(|days| days <= 5), "{busy:?}");
    assert!(
        busy.within[2].1.is_some_and(|share| share <= 0.2),
        "{busy:?}"
    );
    assert_eq!(sight(&week(40.0, 60, 7)), None);
}
