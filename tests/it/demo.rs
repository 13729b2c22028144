//! The made-up company: its plan holds, its numbers repeat, and its faults are found by the checks.

use std::collections::BTreeMap;

use chrono::{Duration, TimeDelta};
use truecount::check::{self, Evidence, Line, SourceState};
use truecount::demo::{self, DAYS, FAULTS, World};
use truecount::model::{
    Evaluation, Name, Observation, Question, Reading, Status, Timestamp, Window,
};
use truecount::plan::Plan;

const SEED: u64 = 7;

fn today() -> Timestamp {
    "2026-10-20T10:00:00Z".parse().unwrap()
}

fn plan() -> Plan {
    let files = demo::plan_files(SEED, today());
    let (plan, complaints) = super::check::resolved(&files[0].text);
    assert!(complaints.is_empty(), "{complaints:?}");
    plan
}

fn answer(plan: &Plan, question: &Question, days: i64, now: Timestamp) -> Vec<Observation> {
    let world = World {
        seed: SEED,
        today: today().date_naive(),
    };
    let window = Window {
        from: now - Duration::days(days),
        to: now,
    };
    let calendar = &plan.project.calendar;
    demo::answers(
        &world,
        question.source.as_str(),
        question,
        window,
        calendar,
        now,
    )
    .unwrap_or_default()
}

fn line(observations: Vec<Observation>) -> Vec<Line> {
    let reading = |one: Observation| Reading {
        bucket: one.bucket,
        value: one.value,
        quality: one.quality,
        seen_at: one.seen_at,
    };
    let readings: Vec<Reading> = observations.into_iter().map(reading).collect();
    vec![Line {
        segment: BTreeMap::new(),
        readings,
    }]
}

/// What all checks say this many days after a day that lies `ago` days before today.
pub(crate) fn findings(ago: i64, later: i64) -> Vec<Evaluation> {
    let plan = plan();
    let calendar = &plan.project.calendar;
    let now = today() - Duration::days(ago - later);
    let checks = check::checks(&plan);
    let (mut history, mut vintages) = (BTreeMap::new(), BTreeMap::new());
    for need in checks
        .iter()
        .flat_map(|check| check.needs(now, calendar))
        .filter(|need| need.question.by.is_empty())
    {
        history.insert(
            need.question.clone(),
            line(answer(&plan, &need.question, DAYS, now)),
        );
        // One pull a day, each of the last three days.
        let pulls: Vec<Observation> = (0..90)
            .rev()
            .flat_map(|day| answer(&plan, &need.question, 3, now - Duration::days(day)))
            .collect();
        vintages.insert(need.question, line(pulls));
    }
    let state = |name: &str| {
        let settles = if name == "web" {
            TimeDelta::days(2)
        } else {
            TimeDelta::hours(3)
        };
        let state = SourceState {
            arrives: TimeDelta::hours(3),
            settles,
            last_success: Some(now),
            ..SourceState::default()
        };
        (Name::clean(name), state)
    };
    let sources = ["web", "orders", "crm"].map(state).into();
    let evidence = Evidence {
        now,
        calendar,
        history: &history,
        vintages: &vintages,
        changes: &BTreeMap::new(),
        unanswerable: &BTreeMap::new(),
        sources: &sources,
        marks: &[],
        troubled: &BTreeMap::new(),
    };
    checks
        .iter()
        .flat_map(|check| check.evaluate(&evidence))
        .collect()
}

#[test]
fn every_planted_fault_is_found_within_three_days() {
    for fault in FAULTS {
        let found = (1..=3).any(|later| {
            let mine = findings(fault.began, later);
            mine.iter().any(|one| {
                one.check.as_str() == fault.check
                    && !one.witness
                    && one.outcome.status() > Some(Status::Ok)
            })
        });
        assert!(
            found,
            "{} by {}: {:#?}",
            fault.what,
            fault.check,
            findings(fault.began, 2)
                .iter()
                .filter(|one| one.check.as_str() == fault.check)
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn before_the_first_fault_hardly_anything_is_found() {
    let alarms: Vec<String> = (32..46)
        .flat_map(|ago| findings(ago, 0))
        .filter(|one| !one.witness && one.outcome.status() > Some(Status::Ok))
        .map(|one| format!("{} {:?}", one.check, one.bucket))
        .collect();
    assert!(alarms.len() <= 2, "{alarms:#?}");
}

#[test]
fn the_same_seed_tells_the_same_story_and_web_numbers_settle() {
    let plan = plan();
    let checks = check::checks(&plan);
    let needs = checks[0].needs(today(), &plan.project.calendar);
    let web = needs
        .iter()
        .find(|need| need.question.source.as_str() == "web")
        .unwrap();
    let young = answer(&plan, &web.question, 3, today());
    assert_eq!(young, answer(&plan, &web.question, 3, today()));
    let last = young.last().unwrap();
    let later = answer(&plan, &web.question, 7, today() + Duration::days(3));
    let same = later.iter().find(|one| one.bucket == last.bucket).unwrap();
    assert!(last.value < same.value, "{last:?} {same:?}");
}

#[test]
fn a_card_without_incidents_found_nothing() {
    let card = demo::scorecard(&[], today());
    assert_eq!(card.faults.len(), FAULTS.len());
    assert!(!card.kept_its_promise());
    assert!(
        card.lines()
            .iter()
            .all(|(found, line)| !found && line.ends_with("missed"))
    );
}

#[test]
fn the_demo_takes_no_folder_of_a_real_project() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("real");
    std::fs::create_dir_all(&folder).unwrap();
    for (file, text) in [("truecount.toml", "[project]"), ("truecount.db", "counts")] {
        std::fs::write(folder.join(file), text).unwrap();
    }
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_truecount"))
        .args(["demo", "--output"])
        .arg(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("--output"), "{said}");
    let kept = std::fs::read_to_string(folder.join("truecount.db")).unwrap();
    assert_eq!(kept, "counts");
}
