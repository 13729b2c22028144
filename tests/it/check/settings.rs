//! What gives a source's numbers their meaning, and what is told when it changes.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::TimeDelta;
use truecount::app;
use truecount::check::{self, Evidence, SourceState};
use truecount::model::{Evaluation, Mark, Name, Status, Timestamp, Window, setting};
use truecount::store::Pull;

use super::super::made::{self, at, name};

fn known(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn drift(before: &[(&str, &str)], now: &[(&str, &str)]) -> Vec<Mark> {
    let at = at("2026-10-23 08:30");
    setting::drift(&name("web"), &known(before), &known(now), at)
}

fn texts(marks: &[Mark]) -> Vec<&str> {
    marks.iter().map(|mark| mark.name.as_str()).collect()
}

#[test]
fn a_change_says_what_was_and_what_is() {
    let marks = drift(
        &[("time zone", "Europe/Berlin"), ("currency", "EUR")],
        &[("time zone", "UTC"), ("currency", "EUR")],
    );
    assert_eq!(texts(&marks), ["time zone: was Europe/Berlin, is UTC"]);
}

#[test]
fn of_a_list_it_says_what_came_and_went() {
    let list = |before: &str, now: &str| {
        let marks = drift(&[("key events", before)], &[("key events", now)]);
        (
            texts(&marks).join("; "),
            marks.first().is_some_and(setting::only_adds),
        )
    };
    let gone = list("purchase, sign_up, trial", "purchase, trial");
    assert_eq!(gone, ("key events: sign_up is gone".to_owned(), false));
    let new = list("purchase", "purchase, trial");
    assert_eq!(new, ("key events: trial is new".to_owned(), true));
    let both = list("purchase, sign_up", "purchase, trial");
    let text = "key events: sign_up is gone, trial is new".to_owned();
    assert_eq!(both, (text, false));
}

#[test]
fn what_was_not_read_has_not_changed() {
    assert!(drift(&[("currency", "EUR")], &[]).is_empty());
    assert!(drift(&[], &[("currency", "EUR")]).is_empty());
}

/// The check of the web, an analytics system, with these marks, at a time.
fn judged(marks: &[Mark], now: Timestamp) -> Evaluation {
    let mut plan = made::plan("");
    for source in &mut plan.sources {
        source.analytics = source.decl.name.as_str() == "web";
    }
    let checks = check::checks(&plan);
    let mut mine = checks.iter().filter(|one| one.label().kind == "settings");
    let check = mine.next().unwrap();
    assert!(mine.next().is_none(), "only where settings are told");
    let state = SourceState {
        last_success: Some(now),
        ..SourceState::default()
    };
    let evidence = Evidence {
        now,
        calendar: &plan.project.calendar,
        history: &BTreeMap::new(),
        vintages: &BTreeMap::new(),
        changes: &BTreeMap::new(),
        unanswerable: &BTreeMap::new(),
        sources: &BTreeMap::from([(name("web"), state)]),
        marks,
        troubled: &BTreeMap::new(),
    };
    check.evaluate(&evidence).remove(0)
}

#[test]
fn a_change_warns_at_once_for_two_days_and_then_is_how_things_are() {
    let marks = drift(&[("time zone", "Europe/Berlin")], &[("time zone", "UTC")]);
    let seen = judged(&marks, at("2026-10-23 09:00"));
    assert_eq!(seen.outcome.status(), Some(Status::Warning));
    assert!(seen.strike.extreme, "it was read: nothing to wait for");
    let finding = seen.outcome.finding().unwrap();
    assert_eq!(finding.details[0].what, marks[0].name);
    let later = judged(&marks, at("2026-10-25 09:00"));
    assert_eq!(later.outcome.status(), Some(Status::Ok));
}

#[test]
fn what_is_new_or_of_another_source_is_no_warning() {
    let now = at("2026-10-23 09:00");
    let new = drift(
        &[("key events", "purchase")],
        &[("key events", "purchase, trial")],
    );
    assert_eq!(judged(&new, now).outcome.status(), Some(Status::Ok));
    let mut other = drift(&[("currency", "EUR")], &[("currency", "USD")]);
    other[0].source = Some(name("shop"));
    assert_eq!(judged(&other, now).outcome.status(), Some(Status::Ok));
}

/// Settings and their changes are kept with the pull, whole or not at all.
#[tokio::test]
async fn settings_and_marks_are_kept_with_the_pull() {
    let now = at("2026-10-23 08:30");
    let project = Name::clean("shop");
    let store = app::open_store(Path::new(":memory:"), &project, now).unwrap();
    let minute = TimeDelta::minutes(1);
    let lease = store
        .lease("pull:web", "me", now, minute)
        .await
        .unwrap()
        .unwrap();
    let pull = Pull {
        source: name("web"),
        slot: now,
        at: now,
        window: Window { from: now, to: now },
        rows: 0,
        failure: None,
        refused: false,
        took: TimeDelta::zero(),
        notes: Vec::new(),
        unanswerable: Vec::new(),
        zone: None,
        settings: known(&[("currency", "USD")]),
        drift: drift(&[("currency", "EUR")], &[("currency", "USD")]),
    };
    store.record(&lease, &pull, Vec::new()).await.unwrap();
    let (kept, _) = store.pulls().await.unwrap().remove(&name("web")).unwrap();
    assert_eq!(kept.settings, pull.settings);
    let all = Window {
        from: now - minute,
        to: now + minute,
    };
    assert_eq!(store.marks(all).await.unwrap(), pull.drift);
    // The same slot again: nothing is doubled.
    store.record(&lease, &pull, Vec::new()).await.unwrap();
    assert_eq!(store.marks(all).await.unwrap().len(), 1);
}
