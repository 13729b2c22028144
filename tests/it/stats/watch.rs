//! A kept state says, bit by bit, what a replay of the whole history says.

use proptest::prelude::*;
use truecount::stats::{
    Cycle, Judgement, Paired, Point, Sensitivity, Series, TooFew, Watch, count, pair, ratio,
};

/// What is compared: floats by their bits, so that nothing is equal by rounding.
fn bits(judged: Result<Judgement, TooFew>) -> Result<Vec<u64>, TooFew> {
    judged.map(|judged| {
        let sums = [judged.now, judged.total]
            .into_iter()
            .flat_map(|part| [part.observed, part.expected, part.low, part.high]);
        let more = [judged.p, judged.score];
        let mut all: Vec<u64> = sums.chain(more).map(f64::to_bits).collect();
        all.push(judged.since as u64);
        all.push(u64::from(judged.alarm));
        all.push(u64::from(judged.weight));
        all
    })
}

/// Days with gaps, stops, doublings and holidays, so that runs open, end, are accepted and return.
fn points() -> impl Strategy<Value = Vec<Point>> {
    let value = prop_oneof![
        30 => (30_u32..60).prop_map(f64::from),
        1 => Just(f64::NAN),
    ];
    let flags = prop_oneof![
        30 => Just((true, 0_u8)),
        1 => Just((true, 1)),
        1 => Just((false, 0)),
    ];
    let trouble = (
        0_usize..120,
        1_usize..40,
        prop_oneof![Just(0.0), Just(0.4), Just(2.0)],
    );
    let many = 70_usize..130;
    let days = many.prop_flat_map(move |many| {
        prop::collection::vec((value.clone(), 0.2_f64..1.0, flags.clone()), many)
    });
    (days, prop::collection::vec(trouble, 0..3)).prop_map(|(days, troubles)| {
        let mut points: Vec<Point> = days
            .into_iter()
            .map(|(value, share, (usable, special))| Point {
                first: (value * share).round(),
                second: value,
                usable,
                special,
            })
            .collect();
        for (from, length, factor) in troubles {
            for point in points.iter_mut().skip(from).take(length) {
                point.first = (point.first * factor).round();
            }
        }
        points
    })
}

fn replay(kind: usize, points: &[Point], cycle: Cycle) -> Result<Judgement, TooFew> {
    let first: Vec<f64> = points.iter().map(|point| point.first).collect();
    let second: Vec<f64> = points.iter().map(|point| point.second).collect();
    let usable: Vec<bool> = points.iter().map(|point| point.usable).collect();
    let special: Vec<u8> = points.iter().map(|point| point.special).collect();
    let at = points.len() - 1;
    let paired = Paired {
        first: &first,
        second: &second,
        usable: &usable,
        special: &special,
        cycle,
    };
    match kind {
        0 => {
            let series = Series {
                values: &first,
                usable: &usable,
                special: &special,
                cycle,
            };
            count::judge(&series, at, Sensitivity::Normal)
        }
        1 => ratio::judge(&paired, at, Sensitivity::Normal),
        _ => pair::judge(&paired, at, Sensitivity::Normal),
    }
}

fn empty(kind: usize, cycle: Cycle) -> Watch {
    match kind {
        0 => Watch::count(cycle),
        1 => Watch::ratio(cycle),
        _ => Watch::pair(cycle),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_more_bucket_on_a_kept_state_is_the_full_replay(
        points in points(),
        kind in 0_usize..3,
        weekday in 0_u8..7,
        weekly in any::<bool>(),
    ) {
        let cycle = if weekly { Cycle::Plain } else { Cycle::Daily(weekday) };
        let mut watch = empty(kind, cycle);
        prop_assert!(watch.is_empty());
        for (at, point) in points.iter().enumerate() {
            // A clone goes on like the original, and the original is not touched by it.
            let mut copy = watch.clone();
            copy.push(*point);
            watch.push(*point);
            let want = bits(replay(kind, &points[..=at], cycle));
            prop_assert_eq!(bits(watch.judge(Sensitivity::Normal)), want.clone());
            prop_assert_eq!(bits(copy.judge(Sensitivity::Normal)), want);
        }
        prop_assert_eq!(watch.len(), points.len());
    }
}

#[test]
fn a_kept_state_is_small_and_grows_in_proportion() {
    for kind in 0..3 {
        let (day, besides) = empty(kind, Cycle::Daily(0)).bytes();
        assert!(day <= 136, "{day} bytes a day");
        assert!(besides <= 8 * 1024, "{besides} bytes besides");
    }
    let mut watch = Watch::pair(Cycle::Daily(0));
    let before = watch.bytes();
    for _ in 0..50 {
        let point = Point {
            first: 9.0,
            second: 10.0,
            usable: true,
            special: 0,
        };
        watch.push(point);
    }
    assert_eq!(
        watch.bytes(),
        before,
        "the figures are for a bucket and for none"
    );
}
