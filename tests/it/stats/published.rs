//! Each formula against a number that its source, or a well-known table, prints.

use truecount::stats::many;
use truecount::stats::maturity::Curve;
use truecount::stats::{blame, power, rare, ratio, tail};

fn near(got: f64, want: f64, within: f64) {
    assert!(
        (got - want).abs() <= within,
        "got {got}, want {want} within {within}"
    );
}

#[test]
fn wilson_and_exact_intervals_are_those_of_newcombe_1998() {
    // Newcombe, Statistics in Medicine 17 (1998), table I, 95%: methods 3 and 5.
    let table = [
        (81.0, 263.0, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15.0, 148.0, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0.0, 20.0, (0.0, 0.1611), (0.0, 0.1684)),
        (1.0, 29.0, (0.0061, 0.1718), (0.0009, 0.1776)),
    ];
    for (k, n, score, exact) in table {
        let (low, high) = ratio::wilson(k, n, 1.959_964).unwrap();
        near(low, score.0, 6e-5);
        near(high, score.1, 6e-5);
        let (low, high) = ratio::exact(k, n, 0.05).unwrap();
        near(low, exact.0, 6e-5);
        near(high, exact.1, 6e-5);
    }
    assert!(ratio::interval(0.0, 0.0).is_none());
}

#[test]
fn a_target_is_missed_for_certain_only_when_the_binomial_tail_is_small() {
    // Ten tosses of a fair coin: 11 of 1024 sequences have at most one head.
    near(ratio::below_target(1.0, 10.0, 0.5), 11.0 / 1024.0, 1e-12);
    near(ratio::below_target(10.0, 10.0, 0.5), 1.0, 0.0);
}

#[test]
fn poisson_tails_are_those_of_the_garwood_limits() {
    // Garwood (1936): 10 events seen, 95% limits 4.795 and 18.39.
    near(tail::at_least(10.0, 4.795, 1.0), 0.025, 2e-5);
    near(tail::at_most(10.0, 18.39, 1.0), 0.025, 2e-5);
}

#[test]
fn a_range_holds_all_but_what_may_lie_outside() {
    // Poisson tables, mean 10: P(X <= 2) = .0028, P(X <= 3) = .0103, P(X >= 19) = .0072, P(X >= 20) = .0035.
    assert_eq!(tail::middle(10.0, 1.0, 0.005), (3.0, 19.0));
    assert_eq!(tail::middle(0.001, 1.0, 0.005), (0.0, 0.0));
    let (low, high) = tail::middle(50.0, 1e6, 0.005);
    assert!(low.abs() < 1e-12 && high.is_finite());
}

#[test]
fn negative_binomial_is_the_red_mite_fit_of_bliss_and_fisher_1953() {
    // Biometrics 9, table 1: mean 1.14667, k 1.02459, expected of 150 leaves 69.49, 37.60, 20.10, 10.70.
    let (mean, k) = (1.146_67, 1.024_59);
    let dispersion = 1.0 + mean / k;
    let mut sum = 0.0;
    for (mites, leaves) in [69.49, 37.60, 20.10, 10.70].into_iter().enumerate() {
        sum += leaves / 150.0;
        near(tail::at_most(mites as f64, mean, dispersion), sum, 1.5e-4);
        near(
            tail::at_least(mites as f64 + 1.0, mean, dispersion),
            1.0 - sum,
            1.5e-4,
        );
    }
}

#[test]
fn normal_quantiles_are_the_familiar_ones() {
    near(tail::normal_quantile(0.025), 1.959_964, 1e-6);
    near(tail::normal_quantile(0.001), 3.090_232, 1e-6);
}

#[test]
fn benjamini_and_hochberg_reject_four_of_their_fifteen() {
    // J. R. Statist. Soc. B 57 (1995), section 3.2: Bonferroni finds three, their rule the fourth.
    let chances = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
        0.5719, 0.6528, 0.7590, 1.0,
    ];
    assert_eq!(many::cut(&chances, 0.05), Some(0.0095));
    assert_eq!(many::cut(&[0.5, 0.9], 0.05), None);
}

#[test]
fn waits_are_as_long_as_the_rate_is_low() {
    // At a rate of r a day, nothing for 6.9 / r days has a chance of one in a thousand.
    near(rare::wait_for(3.0, 0.001), 2.303, 1e-3);
    near(rare::wait_for(1.0, 0.001), 6.908, 1e-3);
    // A rate that is known from few events is known badly: (T / (T + t)) ^ n.
    near(
        rare::waiting(10.0, 10.0, 6.908),
        (10.0_f64 / 16.908).powi(10),
        1e-12,
    );
    near(rare::waiting(1e6, 1e6, 6.908), 0.001, 1e-6);
    // The geometric law: one event in an exposure of one, k in another, is 1 / 2 ^ (k + 1).
    near(rare::at_most(2.0, 1.0, 1.0, 1.0), 0.875, 1e-12);
}

#[test]
fn the_events_needed_to_see_a_loss_are_known() {
    // Poisson, one in a thousand, 90% power.
    for (share, events) in [
        (1.0, 10.0),
        (0.5, 64.0),
        (0.3, 193.0),
        (0.2, 449.0),
        (0.1, 1854.0),
    ] {
        near(power::events_needed(share, 1.0), events, 0.5);
    }
    let found = power::within(20.0, 1.0, 0.0);
    assert_eq!(found.map(|(days, _)| days), [1, 7, 28]);
    near(power::events_needed(found[1].1.unwrap(), 1.0), 140.0, 0.01);
    assert!(
        power::smallest_drop(3.0, 1.0, 0.0, 1).is_none(),
        "a stop of 3 a day takes days to see"
    );
    let drifting = power::smallest_drop(1000.0, 1.0, 0.1, 28).unwrap();
    assert!(
        drifting > 0.3,
        "a level that wanders by 10% hides a loss of {drifting}"
    );
}

#[test]
fn simes_has_exactly_the_level_that_it_says() {
    // The fifteen of Benjamini and Hochberg: the least of 15 p / rank is 15 * 0.0001.
    let chances = [
        0.0201, 0.0001, 0.0004, 0.0019, 0.0095, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
        0.5719, 0.6528, 0.7590, 1.0,
    ];
    near(many::simes(&chances), 0.0015, 1e-12);
    near(many::simes(&[0.04, f64::NAN, 0.03]), 0.04, 1e-12);
    assert!(many::simes(&[]).is_nan());
    // Biometrika 73 (1986), theorem 1: for independent tests it is as small as a with chance a. Of
    // two tests in 200 equally likely steps each, one pair in ten is at or below a tenth.
    let step = |at: u32| (f64::from(at) + 0.5) / 200.0;
    let pairs = (0..200).flat_map(|one| (0..200).map(move |two| [step(one), step(two)]));
    let small = pairs.filter(|pair| many::simes(pair) <= 0.1).count();
    assert_eq!(small, 4_000);
}

#[test]
fn a_tree_of_tests_is_walked_by_hand() {
    // Two groups of four leaves; 0.16 alarms are promised, and a fifth of what is told may be false.
    let tree = |chances: [f64; 8]| {
        let leaf = |(at, chance)| many::Leaf {
            chance,
            group: at / 4,
            family: at / 2,
        };
        let leaves: Vec<many::Leaf> = chances.into_iter().enumerate().map(leaf).collect();
        many::nested(&leaves, 0.16, 0.2)
    };
    let gates = tree([0.03, 0.04, 0.021, 0.9, 0.025, 0.5, 0.6, 0.7]);
    // The first group: least of 4 * 0.021, 2 * 0.03, 4/3 * 0.04 = 0.0533, limit 0.16 * 4/8 = 0.08.
    // Chosen groups hold half the leaves: level 0.1. Families: 0.04 <= 0.1, 0.042 <= 0.1, both.
    // Leaves at 0.1: 0.04 and 0.03 pass; of the second 0.021 passes and 0.9 does not: it would
    // have to be the second of two, below 0.1.
    assert_eq!(gates[..3], [many::Gate::Passed; 3]);
    let own = many::Gate::Own {
        chance: 0.9,
        limit: 0.1,
    };
    assert_eq!(gates[3], own);
    // The second group: 4 * 0.025 = 0.1 > 0.08.
    let group = |gate: &many::Gate| match gate {
        many::Gate::Group { chance, limit } => Some((*chance, *limit)),
        _ => None,
    };
    for gate in &gates[4..] {
        let (chance, limit) = group(gate).unwrap();
        near(chance, 0.1, 1e-12);
        near(limit, 0.08, 1e-12);
    }
    // One leaf below 0.16 / 8 lifts its group; the other family has nothing of its own.
    let gates = tree([0.01, 0.3, 0.2, 0.9, 0.5, 0.5, 0.5, 0.5]);
    assert_eq!(gates[0], many::Gate::Passed);
    let family = many::Gate::Family {
        chance: 0.4,
        limit: 0.1,
    };
    assert_eq!(gates[2..4], [family; 2]);
}

#[test]
fn the_smallest_set_that_explains_a_loss_is_named() {
    // Germany stopped; the others only wobble.
    let segments = [(480.0, 500.0), (0.0, 300.0), (205.0, 200.0), (99.0, 100.0)];
    let named: Vec<usize> = blame::explain(&segments)
        .iter()
        .map(|part| part.segment)
        .collect();
    assert_eq!(named, [1]);
    let shares: f64 = blame::parts(&segments).iter().map(|part| part.share).sum();
    near(shares, 1.0, 1e-12);
    // Everything lost a third: no segment is to blame.
    let even = [(400.0, 600.0), (200.0, 300.0), (66.0, 100.0)];
    assert!(blame::explain(&even).is_empty());
}

#[test]
fn a_curve_learns_how_a_number_fills_up() {
    let mut readings = Vec::new();
    for day in 0..30 {
        let last = 100.0 + f64::from(day);
        for (age, share) in [
            (6.0, 0.4),
            (24.0, 0.8),
            (48.0, 0.96),
            (72.0, 1.0),
            (96.0, 1.0),
        ] {
            readings.push((age, last * share, last));
        }
    }
    let curve = Curve::learn(&readings);
    near(curve.share(24.0).unwrap().1, 0.8, 1e-9);
    near(curve.share(60.0).unwrap().1, 0.98, 1e-9);
    near(curve.share(1000.0).unwrap().1, 1.0, 1e-9);
    assert!(curve.share(2.0).is_none(), "younger than anything seen");
    assert_eq!(curve.settles_after(), Some(72.0));
    assert!(
        Curve::learn(&readings[..20]).share(24.0).is_none(),
        "too few vintages"
    );
}
