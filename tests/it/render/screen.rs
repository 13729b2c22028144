//! The screens of `status`, `incident list` and `incident show` at one moment.

use chrono::TimeDelta;
use truecount::incident::{Incident, State};
use truecount::model::{Evaluation, Status, Timestamp};
use truecount::render::terminal::{self, SourceLine};

use super::super::made::{self, SHOP, at, day, name};
use super::golden::golden;

const NOW: &str = "2026-10-21 10:00";

fn now() -> Timestamp {
    at(NOW)
}

/// One that is new, one that somebody took, one that recovers, one that is over.
fn many() -> Vec<Incident> {
    let open = made::opened(&SHOP, "purchase.volume", "web", 42, now());
    let mut taken = made::opened(&SHOP, "web.freshness", "web", 41, now());
    taken.acknowledged = Some(("mara".to_owned(), now() - TimeDelta::minutes(25)));
    let mut better = made::opened(&SHOP, "signup.volume", "web", 7, now());
    better.state = State::Recovering { clean: 1 };
    better.status = Status::Warning;
    let mut over = made::opened(
        &SHOP,
        "purchase.volume",
        "web",
        3,
        now() - TimeDelta::days(6),
    );
    over.state = State::Resolved {
        at: now() - TimeDelta::days(5),
    };
    vec![open, taken, better, over]
}

fn judged() -> Vec<Evaluation> {
    let of = |check, status, value| made::seen(check, "web", day("2026-10-20"), status, value);
    vec![
        of("purchase.volume", Status::Failing, 10.0),
        of("signup.volume", Status::Warning, 70.0),
        of("lead.volume", Status::Ok, 101.0),
    ]
}

fn sources() -> Vec<SourceLine> {
    let line = |source: &str, minutes: Option<i64>, failure: Option<&str>| SourceLine {
        name: name(source),
        asked: minutes.is_some(),
        last_success: minutes.map(|minutes| now() - TimeDelta::minutes(minutes)),
        failure: failure.map(str::to_owned),
        notes: Vec::new(),
    };
    let mut quota = line("ga4", Some(12), None);
    quota.notes = vec!["24,310 of 25,000 tokens left today".to_owned()];
    vec![
        quota,
        line(
            "crm",
            Some(190),
            Some("HubSpot answered 401: the token was revoked"),
        ),
        line("a_name_that_is_longer_than_the_column", Some(3), None),
        line("new", None, None),
    ]
}

#[test]
fn status_and_incidents_at_a_glance() {
    let (all, judged, sources) = (many(), judged(), sources());
    let status = terminal::status(&SHOP, Some(&judged), &all, &sources, now(), false);
    golden("screen_status", &status);
    golden(
        "screen_status_new",
        &terminal::status(&SHOP, None, &[], &sources[3..], now(), false),
    );
    golden(
        "screen_incidents",
        &terminal::incidents(&SHOP, &all, now(), false),
    );
    golden(
        "screen_incident",
        &terminal::incident(&SHOP, &all[1], now(), false),
    );
    // Color marks; it says nothing by itself.
    let colored = terminal::status(&SHOP, Some(&judged), &all, &sources, now(), true);
    let mut plain = String::new();
    for part in colored.split("\u{1b}[") {
        let after = part.split_once('m').filter(|(code, _)| {
            !code.is_empty() && code.chars().all(|one| one.is_ascii_digit() || one == ';')
        });
        plain.push_str(after.map_or(part, |(_, rest)| rest));
    }
    assert_eq!(plain, status);
}
