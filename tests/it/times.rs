//! Named times: what belongs to them, what they keep from teaching, and routes that are mute by them.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, TimeDelta};
use truecount::model::{Calendar, DailyHours, Grain, Times, Timestamp};

use super::check::resolved;

fn times(dates: &[&str], weekdays: &[u8], hours: Option<(&str, &str)>) -> Times {
    Times {
        dates: dates.iter().map(|date| date.parse().unwrap()).collect(),
        weekdays: weekdays.iter().copied().collect(),
        hours: hours.map(|(from, to)| DailyHours {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        }),
        zone: chrono_tz::Europe::Berlin,
    }
}

#[test]
fn times_are_days_and_hours_in_their_own_zone() {
    // Weekday numbers from Monday; instants in UTC, one hour before Berlin in winter.
    let weekend_nights = times(&[], &[5, 6], Some(("20:00:00", "07:00:00")));
    let table = [
        ("2026-11-20T18:59:00Z", false), // Friday, 19:59
        ("2026-11-20T19:30:00Z", false), // Friday evening belongs to Friday
        ("2026-11-21T03:00:00Z", false), // Saturday, 04:00: the night of Friday
        ("2026-11-21T19:30:00Z", true),  // Saturday, 20:30
        ("2026-11-22T05:59:00Z", true),  // Sunday, 06:59: the night of Saturday
        ("2026-11-22T06:00:00Z", false), // Sunday, 07:00
        ("2026-11-23T05:00:00Z", true),  // Monday, 06:00: the night of Sunday
        ("2026-11-23T19:30:00Z", false),
    ];
    for (at, inside) in table {
        let at: Timestamp = at.parse().unwrap();
        assert_eq!(weekend_nights.contains(at), inside, "{at}");
    }
    let always = times(&[], &[], Some(("00:00:00", "00:00:00")));
    assert!(always.contains("2026-11-22T06:00:00Z".parse().unwrap()));
    let days = times(&["2026-12-24", "2026-12-25"], &[], None);
    // Christmas Eve begins in Berlin while it is still the 23rd in UTC.
    assert!(days.contains("2026-12-23T23:00:00Z".parse().unwrap()));
    assert!(!days.contains("2026-12-25T23:00:00Z".parse().unwrap()));
}

#[test]
fn hours_of_a_calendar_leave_out_hours_and_not_days() {
    let calendar = Calendar::new(chrono_tz::Europe::Berlin);
    let closed = times(&[], &[], Some(("02:00:00", "04:00:00")));
    let with = calendar.clone().closed([closed]);
    let night: Timestamp = "2026-11-21T01:30:00Z".parse().unwrap();
    assert!(with.ignores(&with.bucket(Grain::Hour, night)));
    assert!(!with.ignores(&with.bucket(Grain::Hour, night + TimeDelta::hours(2))));
    assert!(!with.ignores(&with.bucket(Grain::Day, night)));
    let fair = calendar.closed([times(&["2026-11-21"], &[], None)]);
    assert!(fair.ignores(&fair.bucket(Grain::Day, night)));
    assert!(fair.ignores(&fair.bucket(Grain::Hour, night)));
    assert!(!fair.ignores(&fair.bucket(Grain::Day, night + TimeDelta::days(1))));
}

const PLAN: &str = r#"
[project]
name = "Shop"
timezone = "Europe/Berlin"
[source.web]
type = "files"
path = "counts.csv"
[event.purchase]
[calendar.fair]
days = ["2026-11-21..2026-11-22", "monday"]
[calendar.nights]
hours = "20:00-07:00"
zone = "America/New_York"
[route.default]
webhook = { env = "WEBHOOK" }
mute = "nights"
"#;

#[test]
fn a_calendar_that_no_route_uses_teaches_nothing_and_one_that_mutes_does_not_touch_the_data() {
    let (plan, complaints) = resolved(PLAN);
    assert!(complaints.is_empty(), "{complaints:?}");
    let calendar = &plan.project.calendar;
    let ignored: Vec<u32> = (16..30)
        .filter(|day| {
            let date = NaiveDate::from_ymd_opt(2026, 11, *day).unwrap();
            calendar.ignores(&calendar.day(date))
        })
        .collect();
    assert_eq!(ignored, [16, 21, 22, 23]);
    let hours = calendar.buckets(
        Grain::Hour,
        calendar
            .day(NaiveDate::from_ymd_opt(2026, 11, 24).unwrap())
            .window(),
    );
    assert!(
        hours
            .iter()
            .all(|hour| !calendar.ignores(hour) && hour.date().day() == 24)
    );
    // 20:00 in New York is 02:00 in Berlin.
    let nights = &plan.calendars["nights"];
    assert!(nights.contains("2026-11-24T01:30:00Z".parse().unwrap()));
    assert!(!nights.contains("2026-11-24T12:30:00Z".parse().unwrap()));
}

#[test]
fn a_mute_route_tells_when_its_calendar_ends() {
    use truecount::incident::{self, State};
    use truecount::notify::{self, Reason, Situation};
    let (plan, _) = resolved(&PLAN.replace(
        "hours = \"20:00-07:00\"\nzone = \"America/New_York\"",
        "days = [\"weekends\"]",
    ));
    let found = super::demo::findings(6, 2);
    let failing = found
        .iter()
        .find(|one| !one.witness && one.outcome.status() > Some(truecount::model::Status::Ok))
        .unwrap();
    // Saturday noon: the incident is an hour old.
    let saturday: Timestamp = "2026-11-28T11:00:00Z".parse().unwrap();
    let changes = incident::round(&[], std::slice::from_ref(failing), &[], &plan, saturday);
    let mut one = changes[0].after.clone();
    one.state = State::Open;
    one.primary = true;
    one.opened_at = Some(saturday - TimeDelta::hours(1));
    one.number = Some(1);
    let told = |now: Timestamp| {
        let situation = Situation {
            plan: &plan,
            incidents: std::slice::from_ref(&one),
            told: &[],
            silences: &[],
            sent_today: &BTreeMap::new(),
            queued: &BTreeMap::new(),
            now,
        };
        let notes = notify::decide(&situation);
        notes.iter().map(|note| note.reason).collect::<Vec<_>>()
    };
    assert_eq!(told(saturday), []);
    assert_eq!(told(saturday + TimeDelta::days(1)), []);
    assert_eq!(told(saturday + TimeDelta::days(2)), [Reason::Opened]);
}
