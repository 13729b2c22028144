//! The days of an incident leave the baseline by themselves, and a label puts them back.

#![expect(
    clippy::disallowed_methods,
    reason = "the program that is started reads the clock of the machine"
)]

use std::fmt::Write as _;
use std::fs;

use chrono::{Datelike, Days, Utc};
use truecount::incident::State;
use truecount::model::Calendar;
use truecount::render::omitted;

use super::bench::noise;
use super::held::{keep, run};
use crate::made;

#[tokio::test]
async fn explain_says_which_days_are_left_out_and_a_label_puts_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plan = "[project]\nid = \"acme\"\nname = \"Acme\"\ntimezone = \"UTC\"\n\
                [source.web]\ntype = \"files\"\npath = \"web.csv\"\n[event.purchase]\n";
    fs::write(folder.join("truecount.toml"), plan).unwrap();
    let today = Utc::now().date_naive();
    let mut rows = "date,event,count\n".to_owned();
    for ago in (1..=120_u64).rev() {
        let day = today - Days::new(ago);
        let value = 1000.0 + 12.0 * noise(i64::from(day.num_days_from_ce()));
        let value = if (18..=20).contains(&ago) {
            value / 3.0
        } else {
            value
        };
        writeln!(rows, "{day},purchase,{value:.0}").unwrap();
    }
    fs::write(folder.join("web.csv"), rows).unwrap();
    run(folder, "pull");

    let calendar = Calendar::new(chrono_tz::UTC);
    let ago = |days: u64| calendar.day(today - Days::new(days));
    let mut incident = made::opened(&made::plan(""), "purchase.volume", "web", 7, ago(19).end);
    (incident.first, incident.last) = (ago(20), ago(18));
    incident.state = State::Resolved { at: ago(16).end };
    keep(folder, incident).await;

    let span = omitted::span(&ago(20), &ago(18));
    let explain = || run(folder, "explain purchase.volume");
    let told = explain();
    assert!(told.contains(&format!("{span}, incident 7\n")), "{told}");
    assert!(
        told.contains("`truecount incident label 7 expected`"),
        "{told}"
    );

    run(folder, "incident label 7 real");
    let told = explain();
    assert!(
        told.contains(&format!("{span}, incident 7 (real)\n")),
        "{told}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&run(folder, "explain purchase.volume --format json")).unwrap();
    let stretches = json["baseline"]["left_out"].as_array().unwrap();
    let of_incident = |one: &&serde_json::Value| one["incident"] == 7;
    let one = stretches.iter().find(of_incident).unwrap();
    assert_eq!(one["why"], "incident");
    assert_eq!(one["label"], "real");
    assert_eq!(one["first"], ago(20).date().to_string());
    assert_eq!(one["last"], ago(18).date().to_string());

    for label in ["expected", "noise"] {
        run(folder, "incident label 7 real");
        run(folder, &format!("incident label 7 {label}"));
        let told = explain();
        assert!(!told.contains("incident 7"), "{label}: {told}");
        assert!(!told.contains(&span), "{label}: {told}");
        let json = run(folder, "explain purchase.volume --format json");
        assert!(!json.contains("\"incident\": 7"), "{label}: {json}");
    }
}
