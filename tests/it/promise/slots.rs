//! P7 and P8: every due slot runs once, through both changes of the clock and after an absence.
//! P10: a clock that steps runs no slot twice and drops none.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use truecount::daemon::{Due, Job, due};
use truecount::model::{Schedule, Timestamp};

use super::super::made::at;
use super::oracle;

fn slots(text: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let zone: chrono_tz::Tz = zone.parse().unwrap();
    let schedule = Schedule::parse(text, zone).unwrap();
    let mut now: Timestamp = from.parse().unwrap();
    let mut found = Vec::new();
    for _ in 0..count {
        now = schedule.next(now).unwrap();
        found.push(now.with_timezone(&zone).format("%m-%d %H:%M%z").to_string());
    }
    found
}

#[test]
fn the_table_of_changed_clocks_holds() {
    // Schedule, zone, asked from, expected: a fixed time in a gap runs at the first instant after
    // it, a fixed time in a fold once, an interval follows real time.
    let table: &[(&str, &str, &str, &[&str])] = &[
        (
            "daily 02:30",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            &["03-29 03:00+0200", "03-30 02:30+0200"],
        ),
        (
            "every 15 minutes",
            "Europe/Berlin",
            "2026-03-29T00:30:00Z",
            &["03-29 01:45+0100", "03-29 03:00+0200"],
        ),
        (
            "daily 02:30",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            &["10-25 02:30+0200", "10-26 02:30+0100"],
        ),
        (
            "daily 03:00",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            &["10-25 03:00+0100", "10-26 03:00+0100"],
        ),
        (
            "every 15 minutes",
            "Europe/Berlin",
            "2026-10-24T23:59:00Z",
            &[
                "10-25 02:00+0200",
                "10-25 02:15+0200",
                "10-25 02:30+0200",
                "10-25 02:45+0200",
                "10-25 02:00+0100",
                "10-25 02:15+0100",
                "10-25 02:30+0100",
                "10-25 02:45+0100",
            ],
        ),
        // The clock is in the second pass.
        (
            "daily 02:30",
            "Europe/Berlin",
            "2026-10-25T01:15:00Z",
            &["10-26 02:30+0100"],
        ),
        (
            "daily 00:00",
            "Africa/Cairo",
            "2026-04-23T12:00:00Z",
            &["04-24 01:00+0300"],
        ),
        (
            "daily 00:00",
            "America/Havana",
            "2026-03-07T12:00:00Z",
            &["03-08 01:00-0400"],
        ),
        (
            "daily 02:15",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            &["10-04 02:30+1100"],
        ),
        (
            "daily 01:45",
            "Australia/Lord_Howe",
            "2026-04-04T00:00:00Z",
            &["04-05 01:45+1100", "04-06 01:45+1030"],
        ),
        (
            "Sunday 02:30",
            "America/New_York",
            "2026-03-07T12:00:00Z",
            &["03-08 03:00-0400", "03-15 02:30-0400"],
        ),
    ];
    for (text, zone, from, expected) in table {
        assert_eq!(
            slots(text, zone, from, expected.len()),
            *expected,
            "{text} in {zone}"
        );
    }
}

#[test]
fn answers_in_every_zone_are_those_of_an_oracle_that_walks_minute_by_minute() {
    let report = oracle::compare(50_000, 20_261_126);
    assert!(report.answers >= 50_000 && report.zones > 590, "{report:?}");
    assert!(report.near > 5_000, "near changes of the clock: {report:?}");
    assert_eq!(report.differ, 0, "{:#?}", report.wrong);
}

fn hourly() -> Vec<Job> {
    vec![Job {
        name: "pull:web".to_owned(),
        schedule: Schedule::parse("every 60 minutes", chrono_tz::UTC).unwrap(),
        jitter: TimeDelta::zero(),
        deadline: None,
    }]
}

#[test]
fn an_absence_of_a_day_and_a_half_is_one_catch_up() {
    let jobs = hourly();
    let last = BTreeMap::from([("pull:web".to_owned(), at("2026-10-21 10:00"))]);
    let (found, wake) = due(&jobs, &last, at("2026-10-22 22:20"));
    let expected = Due {
        job: 0,
        slot: at("2026-10-22 22:00"),
        only_remember: false,
    };
    assert_eq!(found, [expected], "the newest of 36 slots, once");
    assert_eq!(wake, Some(at("2026-10-22 23:00")));
}

#[test]
fn no_slot_runs_twice_and_none_is_dropped_whatever_the_clock_does() {
    let jobs = hourly();
    for step in [-24 * 60, -60, -1, 1, 60, 24 * 60] {
        let mut last: BTreeMap<String, Timestamp> = BTreeMap::new();
        let mut ran: Vec<Timestamp> = Vec::new();
        let mut now = at("2026-10-21 10:00");
        // Two and a half days in looks of 30 s, with one step of the wall clock in between.
        for look in 0..7_200 {
            if look == 400 {
                now += TimeDelta::minutes(step);
            }
            for one in due(&jobs, &last, now).0 {
                ran.push(one.slot);
                last.insert("pull:web".to_owned(), one.slot);
            }
            now += TimeDelta::seconds(30);
        }
        assert!(
            ran.windows(2).all(|two| two[0] < two[1]),
            "{step}: later each time"
        );
        let hours = |from: Timestamp, to: Timestamp| (to - from).num_minutes();
        for two in ran.windows(2).skip(1) {
            let gap = hours(two[0], two[1]);
            let leap = step > 60 && gap <= step + 60;
            assert!(gap == 60 || leap, "{step}: {gap} minutes between slots");
        }
        assert!(
            *ran.last().unwrap() > now - TimeDelta::minutes(61),
            "{step}: up to now"
        );
    }
}
