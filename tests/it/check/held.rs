//! What `explain` says of the alert budget: where it held a finding back, and what noise cost it.

#![expect(
    clippy::disallowed_methods,
    reason = "the program that is started reads the clock of the machine"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{Datelike, Days, TimeDelta, Utc};
use truecount::app;
use truecount::incident::{Incident, Label};
use truecount::model::Name;
use truecount::store::Round;

use crate::made;
use crate::stats::Dice;

const EVENTS: usize = 300;

/// A plan of 300 quiet events, of which the first lost half in the last six days.
fn project(folder: &Path) {
    let mut plan =
        "[project]\nid = \"acme\"\nname = \"Acme\"\ntimezone = \"UTC\"\nbudget = \"0.01 a week\"\n\
                    [source.web]\ntype = \"files\"\npath = \"web.csv\"\n"
            .to_owned();
    let mut rows = "date,event,count\n".to_owned();
    let today = Utc::now().date_naive();
    let mut dice = Dice::new(3);
    for event in 0..EVENTS {
        writeln!(plan, "[event.event_{event}]\nin.web = \"event_{event}\"").unwrap();
        for ago in (1..=100_u64).rev() {
            let day = today - Days::new(ago);
            let quiet = day.weekday().num_days_from_monday() >= 5;
            let count = dice.poisson(if quiet { 35.0 } else { 65.0 });
            let lost = event == 0 && ago <= 6;
            let count = if lost { (count / 2.0).round() } else { count };
            writeln!(rows, "{day},event_{event},{count}").unwrap();
        }
    }
    fs::write(folder.join("truecount.toml"), plan).unwrap();
    fs::write(folder.join("web.csv"), rows).unwrap();
}

pub(super) fn run(folder: &Path, words: &str) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_truecount"))
        .args(words.split(' '))
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(done.status.code() <= Some(1), "{words}: {done:?}");
    String::from_utf8(done.stdout).unwrap()
}

/// An incident that was opened now and that a person labelled noise.
fn noise() -> Incident {
    let plan = made::plan("");
    let mut incident = made::opened(&plan, "purchase.volume", "shop", 12, Utc::now());
    incident.label = Some(Label::Noise);
    incident
}

/// Keeps an incident in the database of a folder.
pub(super) async fn keep(folder: &Path, incident: Incident) {
    let now = Utc::now();
    let name = Name::clean("acme");
    let store = app::open_store(&folder.join("truecount.db"), &name, now).unwrap();
    let lease = store.lease("evaluate", "test", now, TimeDelta::minutes(1));
    let lease = lease.await.unwrap().unwrap();
    let changes = [truecount::incident::Change {
        after: incident,
        turn: None,
    }];
    let round = Round {
        slot: now,
        now,
        seen: &[],
        changes: &changes,
        letters: &[],
        told: &[],
        marks: &[],
    };
    store.commit(&lease, &round).await.unwrap();
}

#[tokio::test]
async fn explain_says_where_a_finding_was_held_and_what_noise_cost() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    run(folder.path(), "pull");
    let told = run(folder.path(), "explain event_0.volume");
    assert!(told.contains("Watched"), "{told}");
    assert!(
        told.contains("held back at its source: all of web together is as usual (p = "),
        "{told}"
    );
    assert!(told.contains("it speaks below p = 0.001)"), "{told}");
    assert!(!told.contains("called noise"), "{told}");
    let listed = run(folder.path(), "check");
    assert!(listed.contains("Watched  event_0.volume"), "{listed}");
    // 0.01 a week are 0.08 in eight weeks: one alarm that was noise is far more.
    keep(folder.path(), noise()).await;
    let told = run(folder.path(), "explain event_0.volume");
    let wanted =
        "budget 0.0025 a week: 1 alarm of the last 8 weeks was called noise (the plan says 0.01)";
    assert!(told.contains(wanted), "{told}");
    assert!(told.contains("it speaks below p = 3.6e-4)"), "{told}");
}
