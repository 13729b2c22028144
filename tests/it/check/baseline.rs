//! Which days teach: what is said to be left out of a baseline is what a judgement does not learn from.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use truecount::check::{self, Evidence};
use truecount::model::{
    Baseline, Bucket, Flag, Grain, LeftOut, Name, Quality, Question, Trouble, Window,
};
use truecount::render::omitted;

use super::bench::{Bench, noise, of};

const PLAN: &str = r#"
[project]
name = "Shop"
timezone = "Europe/Berlin"
country = "DE"
ignore = ["2026-10-08"]
[source.web]
type = "files"
path = "web.csv"
[event.purchase]
"#;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Three days at a third of the usual, in an October otherwise quiet; `by` changes single days.
fn counted(bucket: &Bucket, by: impl Fn(NaiveDate) -> f64) -> Option<f64> {
    let day = bucket.date();
    let weekend = day.weekday().num_days_from_monday() >= 5;
    let usual = if weekend { 600.0 } else { 1000.0 };
    let lost = (date("2026-10-12")..=date("2026-10-14")).contains(&day);
    let value = usual + 12.0 * noise(i64::from(day.num_days_from_ce()));
    let value = if lost { value / 3.0 } else { value };
    let known = bucket.grain == Grain::Day && day >= date("2026-05-01");
    known.then(|| (value * by(day)).round())
}

/// The incident that covers the three days.
fn troubled(bench: &Bench, real: bool, put_back: bool) -> BTreeMap<Name, Vec<Trouble>> {
    let mut windows = BTreeMap::new();
    bench.with_evidence(
        PLAN,
        |_, _| None,
        |evidence| {
            let day = |text: &str| evidence.calendar.day(date(text));
            let window = Window {
                from: day("2026-10-12").start,
                to: day("2026-10-14").end,
            };
            let trouble = Trouble {
                window,
                number: Some(7),
                real,
                put_back,
            };
            windows.insert(Name::clean("purchase.volume"), vec![trouble]);
        },
    );
    windows
}

fn baseline(evidence: &Evidence<'_>) -> Baseline {
    let plan = super::resolved(PLAN).0;
    let checks = check::checks(&plan);
    let volume = checks
        .iter()
        .find(|one| one.label().name.as_str() == "purchase.volume")
        .unwrap();
    volume.baseline(evidence).unwrap()
}

/// What is left out since a day, in words.
fn since(baseline: &Baseline, from: &str) -> Vec<String> {
    let newer = baseline.left_out.iter();
    newer
        .filter(|one| one.first.date() >= date(from))
        .map(omitted::line)
        .collect()
}

fn bench() -> Bench {
    Bench::at("2026-11-06T09:00:00Z")
}

#[test]
fn each_reason_is_named_and_a_label_puts_the_days_back() {
    let bench = bench();
    let value = |_: &Question, bucket: &Bucket| counted(bucket, |_| 1.0);
    for (real, said) in [
        (false, "12 to 14 Oct, incident 7"),
        (true, "12 to 14 Oct, incident 7 (real)"),
    ] {
        let troubled = troubled(&bench, real, false);
        bench.with_evidence(PLAN, value, |evidence| {
            let evidence = Evidence {
                troubled: &troubled,
                ..evidence.clone()
            };
            let found = baseline(&evidence);
            let wanted = [
                "2 Oct, day before a public holiday",
                "3 Oct, public holiday",
                "8 Oct, ignored by the plan",
                said,
                // One good day does not end a run yet.
                "15 Oct, in a run of trouble, not confirmed",
            ];
            assert_eq!(since(&found, "2026-10-01"), wanted);
            assert_eq!(
                omitted::remedy(&found).unwrap(),
                "`truecount incident label 7 expected` (or noise) puts its days back"
            );
            assert_eq!(found.new_normal, None);
        });
    }
    // What stands out by itself may not teach at once either, and says so; whoever calls it expected
    // or noise puts it back, and the baseline moves towards it.
    let expected = |troubled: &BTreeMap<Name, Vec<Trouble>>| {
        let mut found = None;
        bench.with_evidence(PLAN, value, |evidence| {
            let evidence = Evidence {
                troubled,
                ..evidence.clone()
            };
            let known = baseline(&evidence);
            let lines = since(&known, "2026-10-09");
            found = Some((judged(&evidence), lines, omitted::remedy(&known)));
        });
        found.unwrap()
    };
    let (alone, lines, remedy) = expected(&BTreeMap::new());
    assert_eq!(lines, ["12 to 15 Oct, in a run of trouble, not confirmed"]);
    assert_eq!(remedy, None);
    let (confirmed, ..) = expected(&troubled(&bench, true, false));
    assert_eq!(confirmed.to_bits(), alone.to_bits());
    let (back, lines, remedy) = expected(&troubled(&bench, false, true));
    assert_eq!(lines, ["15 Oct, in a run of trouble, not confirmed"]);
    assert_eq!(remedy, None);
    assert!(back < alone - 0.1, "{back} {alone}");
}

/// What is expected of the newest day.
fn judged(evidence: &Evidence<'_>) -> f64 {
    let checks = check::checks(&super::resolved(PLAN).0);
    let seen: Vec<_> = checks
        .iter()
        .flat_map(|one| one.evaluate(evidence))
        .collect();
    of(&seen, "purchase.volume")
        .outcome
        .finding()
        .unwrap()
        .now
        .expected
}

#[test]
fn what_is_left_out_changes_no_expectation_and_what_is_not_does() {
    let bench = bench();
    let troubled = troubled(&bench, true, false);
    let expected = |day: Option<NaiveDate>| {
        let by = |one: NaiveDate| if Some(one) == day { 1.03 } else { 1.0 };
        let mut found = None;
        bench.with_evidence(
            PLAN,
            |_, bucket| counted(bucket, by),
            |evidence| {
                let evidence = Evidence {
                    troubled: &troubled,
                    ..evidence.clone()
                };
                found = Some((judged(&evidence), baseline(&evidence)));
            },
        );
        found.unwrap()
    };
    let (usual, known) = expected(None);
    let mut taught = 0;
    for day in date("2026-10-01")
        .iter_days()
        .take_while(|day| *day < date("2026-11-05"))
    {
        let left_out = known
            .left_out
            .iter()
            .any(|one| one.first.date() <= day && day <= one.last.date());
        let (moved, _) = expected(Some(day));
        if left_out {
            assert_eq!(
                moved.to_bits(),
                usual.to_bits(),
                "{day} is left out and teaches"
            );
        } else {
            assert!(
                (moved - usual).abs() > 1e-6,
                "{day} is not left out and teaches nothing"
            );
            taught += 1;
        }
    }
    assert_eq!(taught, 35 - 7);
}

#[test]
fn a_lasting_change_is_the_new_normal_and_teaches_again() {
    let halved = |day: NaiveDate| if day >= date("2026-09-22") { 0.5 } else { 1.0 };
    let value = |_: &Question, bucket: &Bucket| counted(bucket, halved);
    bench().with_evidence(PLAN, value, |evidence| {
        let found = baseline(evidence);
        let since = found.new_normal.unwrap().date();
        assert_eq!(since, date("2026-09-22"), "{found:#?}");
        let odd = |one: &&truecount::model::Omission| {
            one.why == LeftOut::Odd && one.last.date() < date("2026-10-12")
        };
        assert_eq!(found.left_out.iter().find(odd), None, "{found:#?}");
    });
    // Two weeks in it is still a run of trouble.
    let early = Bench::at("2026-10-02T09:00:00Z");
    early.with_evidence(PLAN, value, |evidence| {
        let found = baseline(evidence);
        assert_eq!(found.new_normal, None);
        assert_eq!(
            since(&found, "2026-09-10"),
            ["22 Sep to 1 Oct, in a run of trouble, not confirmed"]
        );
    });
}

#[test]
fn what_the_source_doubts_and_what_is_young_is_left_out() {
    let mut bench = bench();
    bench.settles = chrono::TimeDelta::days(2);
    let value = |_: &Question, bucket: &Bucket| counted(bucket, |_| 1.0);
    bench.with_evidence(PLAN, value, |evidence| {
        let mut history = evidence.history.clone();
        for reading in history
            .values_mut()
            .flatten()
            .flat_map(|line| &mut line.readings)
        {
            if reading.bucket.date() == date("2026-10-20") {
                reading.quality = Quality {
                    flags: vec![Flag::Sampled(0.4)],
                };
            }
        }
        let evidence = Evidence {
            history: &history,
            vintages: &history,
            ..evidence.clone()
        };
        assert_eq!(
            since(&baseline(&evidence), "2026-10-15"),
            [
                "20 Oct, sampled: 40% of the events were read",
                "5 Nov, not final yet"
            ]
        );
        // The same where no past of the same age is known: all that is younger is not final.
        let none = BTreeMap::new();
        let evidence = Evidence {
            vintages: &none,
            ..evidence
        };
        let lines = since(&baseline(&evidence), "2026-10-21");
        assert_eq!(lines, ["4 to 5 Nov, not final yet"]);
    });
}
