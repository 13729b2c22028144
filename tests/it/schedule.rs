//! Schedules through gaps and folds, in the words people use.

use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;
use proptest::prelude::*;
use truecount::model::{Schedule, ScheduleError, Timestamp};

fn at(text: &str) -> Timestamp {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn slots(text: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let zone: Tz = zone.parse().unwrap();
    let schedule = Schedule::parse(text, zone).unwrap();
    let mut now = at(from);
    (0..count)
        .map(|_| {
            now = schedule.next(now).unwrap();
            now.with_timezone(&zone).to_rfc3339()
        })
        .collect()
}

#[test]
fn a_fixed_time_in_a_gap_runs_at_the_first_instant_after_it() {
    assert_eq!(
        slots(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00+01:00",
            2
        ),
        ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    );
    assert_eq!(
        slots(
            "daily 00:00",
            "Africa/Cairo",
            "2026-04-23T12:00:00+02:00",
            1
        ),
        ["2026-04-24T01:00:00+03:00"]
    );
    assert_eq!(
        slots(
            "Sunday 02:30",
            "America/New_York",
            "2026-03-07T12:00:00-05:00",
            2
        ),
        ["2026-03-08T03:00:00-04:00", "2026-03-15T02:30:00-04:00"]
    );
    assert_eq!(
        slots(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00+10:30",
            1
        ),
        ["2026-10-04T02:30:00+11:00"]
    );
}

#[test]
fn a_fixed_time_in_a_fold_runs_once() {
    assert_eq!(
        slots(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00+02:00",
            2
        ),
        ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
    // The clock stands in the second pass after a restart: the next day comes next.
    assert_eq!(
        slots(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T02:15:00+01:00",
            1
        ),
        ["2026-10-26T02:30:00+01:00"]
    );
    assert_eq!(
        slots("0 3 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", 1),
        ["2026-10-25T03:00:00+01:00"]
    );
}

#[test]
fn an_interval_follows_real_time_in_order() {
    assert_eq!(
        slots(
            "every 15 minutes",
            "Europe/Berlin",
            "2026-10-25T01:59:00+02:00",
            9
        ),
        [
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:15:00+02:00",
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:45:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T02:15:00+01:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T02:45:00+01:00",
            "2026-10-25T03:00:00+01:00",
        ]
    );
    assert_eq!(
        slots(
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25T02:10:00+02:00",
            2
        ),
        ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]
    );
    assert_eq!(
        slots(
            "*/15 * * * *",
            "Europe/Berlin",
            "2026-03-29T01:40:00+01:00",
            2
        ),
        ["2026-03-29T01:45:00+01:00", "2026-03-29T03:00:00+02:00"]
    );
}

#[test]
fn weekdays_are_unix_weekdays() {
    for text in [
        "0 8 * * 1",
        "0 8 * * MON",
        "Monday 08:00",
        "mondays 08:00",
        "0 0 8 * * 1",
    ] {
        assert_eq!(
            slots(text, "UTC", "2026-11-24T00:00:00Z", 1),
            ["2026-11-30T08:00:00+00:00"],
            "{text}"
        );
    }
    for text in ["0 8 * * 0", "0 8 * * 7", "Sunday 08:00"] {
        assert_eq!(
            slots(text, "UTC", "2026-11-24T00:00:00Z", 1),
            ["2026-11-29T08:00:00+00:00"],
            "{text}"
        );
    }
    // Day of month or weekday, as Unix reads it.
    assert_eq!(
        slots("0 0 13 * FRI", "UTC", "2026-11-24T00:00:00Z", 3),
        [
            "2026-11-27T00:00:00+00:00",
            "2026-12-04T00:00:00+00:00",
            "2026-12-11T00:00:00+00:00"
        ]
    );
    assert_eq!(
        slots("weekdays 09:00", "UTC", "2026-11-27T10:00:00Z", 1),
        ["2026-11-30T09:00:00+00:00"]
    );
    assert_eq!(
        slots("1st 08:00", "UTC", "2026-11-24T00:00:00Z", 1),
        ["2026-12-01T08:00:00+00:00"]
    );
    assert_eq!(
        slots("0 0 * * 5-7", "UTC", "2026-11-28T12:00:00Z", 1),
        ["2026-11-29T00:00:00+00:00"]
    );
}

#[test]
fn what_never_happens_or_cannot_be_read_is_refused() {
    let zone = chrono_tz::UTC;
    assert_eq!(
        Schedule::parse("0 0 30 2 *", zone),
        Err(ScheduleError::Never("0 0 30 2 *".to_owned()))
    );
    for text in [
        "",
        "sometimes",
        "* * *",
        "61 * * * *",
        "0 8 * * 9",
        "every 0 minutes",
        "Monday 25:00",
    ] {
        let why = Schedule::parse(text, zone).unwrap_err().to_string();
        assert!(why.contains("is not a schedule"), "{text}: {why}");
    }
}

#[test]
fn jitter_is_stable_and_bounded() {
    let most = TimeDelta::seconds(20);
    let one = Schedule::jitter("pull:ga4", most);
    assert_eq!(one, Schedule::jitter("pull:ga4", most));
    assert!(one >= TimeDelta::zero() && one < most);
    assert_ne!(one, Schedule::jitter("pull:orders", most));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_slot_is_strictly_later_in_every_zone(
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        seconds in 1_735_689_600_i64..1_830_297_600,
        text in prop::sample::select(vec![
            "30 2 * * *", "every 15 minutes", "hourly", "daily 00:00", "Sunday 02:30", "0 */6 * * *", "weekdays 01:59",
        ]),
    ) {
        let now = DateTime::from_timestamp(seconds, 0).unwrap();
        let schedule = Schedule::parse(text, zone).unwrap();
        let first = schedule.next(now).unwrap();
        let second = schedule.next(first).unwrap();
        prop_assert!(first > now && second > first);
        // Asking from anywhere in between gives the same answer: nothing is skipped or repeated.
        let between = now + (first - now) / 2;
        if between < first {
            prop_assert_eq!(schedule.next(between).unwrap(), first);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        if let Ok(schedule) = Schedule::parse(&text, chrono_tz::Europe::Berlin) {
            prop_assert!(schedule.next(at("2026-03-29T00:00:00Z")).is_some());
        }
    }

    #[test]
    fn no_cron_expression_makes_it_panic(text in "[0-9*/,?A-Z -]{5,40}") {
        if let Ok(schedule) = Schedule::parse(&text, chrono_tz::Europe::Berlin) {
            prop_assert!(schedule.text().len() <= 200);
        }
    }
}
