//! `backtest` through the program: benchmark folders, any CSV, stored checks, and what is said of bad rows.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{Datelike, Days, NaiveDate, Utc};
use serde_json::Value;

use super::stats::Dice;

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_truecount"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

/// Daily counts of 200 days about 60, none on the last `silent` ones.
fn counts(first: NaiveDate, silent: usize) -> Vec<(NaiveDate, f64)> {
    let mut dice = Dice::new(5);
    let day = |at: usize| {
        let date = first + Days::new(at as u64);
        let quiet = date.weekday().num_days_from_monday() >= 5;
        let mean = if quiet { 35.0 } else { 65.0 };
        let value = dice.poisson(mean);
        (date, if at >= 200 - silent { 0.0 } else { value })
    };
    (0..200).map(day).collect()
}

fn csv(head: &str, of: &[(NaiveDate, f64)]) -> String {
    let mut text = format!("{head}\n");
    for (date, value) in of {
        writeln!(text, "{date},{value}").unwrap();
    }
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program that is started reads the clock of the machine"
)]
fn today() -> NaiveDate {
    Utc::now().date_naive()
}

fn january() -> NaiveDate {
    "2026-01-05".parse().unwrap()
}

#[test]
fn a_benchmark_is_scored_by_what_its_labels_say_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let series = folder.path().join("series");
    fs::create_dir(&series).unwrap();
    fs::write(
        series.join("a.csv"),
        csv("timestamp,value", &counts(january(), 3)),
    )
    .unwrap();
    let labels = |events: &str| {
        format!(
            "{{\"series\": {{\"a\": {{\"type\": \"count_daily\", \"freq\": \"D\", \
             \"score_from\": \"2026-04-05T00:00:00\", \"events\": {events}}}}}}}"
        )
    };
    let with = |events: &str| {
        fs::write(folder.path().join("labels.json"), labels(events)).unwrap();
        let (code, told, errors) = run(
            folder.path(),
            &["backtest", "--series", "series", "--out", "s.csv"],
        );
        assert_eq!(code, Some(0), "{told}{errors}");
        fs::read_to_string(folder.path().join("s.csv")).unwrap()
    };
    let scores = with("[]");
    assert_eq!(scores, with("[{\"start\": \"2026-07-21T00:00:00\"}]"));
    let lines: Vec<&str> = scores.lines().collect();
    assert_eq!(lines[0], "series_id,timestamp,score,is_anomaly");
    assert!(lines[1].starts_with("a,2026-04-05,"), "{}", lines[1]);
    assert_eq!(lines.len(), 1 + 110);
    let last: Vec<&str> = lines[110].split(',').collect();
    assert_eq!(last[3], "1", "three silent days must alarm: {last:?}");
}

#[test]
fn without_labels_the_flags_speak_and_without_both_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let series = folder.path().join("series");
    fs::create_dir(&series).unwrap();
    let arguments = ["backtest", "--series", "series", "--out", "s.csv"];
    let (code, _, errors) = run(folder.path(), &arguments);
    assert_eq!(code, Some(2));
    assert!(
        errors.contains("labels.json") && errors.contains("--type"),
        "{errors}"
    );
    let with = [&arguments[..], &["--type", "count_daily"]].concat();
    let (code, _, errors) = run(folder.path(), &with);
    assert_eq!(code, Some(2));
    assert!(errors.contains("no CSV files"), "{errors}");
    fs::write(series.join("b.csv"), csv("day,n", &counts(january(), 0))).unwrap();
    let (code, told, errors) = run(folder.path(), &with);
    assert_eq!(code, Some(0), "{errors}");
    assert!(told.contains("1 series scored"), "{told}");
}

#[test]
fn a_row_that_cannot_be_read_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (text, kind, line, remedy) in [
        ("2026-01-05,3\n", "count_daily", 1, "must name the columns"),
        (
            "t,v\n2026-01-05,\n",
            "count_daily",
            2,
            "leave the whole row out",
        ),
        ("t,v\n2026-01-05,many\n", "count_daily", 2, "write digits"),
        ("t,v\n2026-01-05,NaN\n", "count_daily", 2, "write digits"),
        ("t,v\n2026-01-05,-1\n", "count_daily", 2, "negative"),
        ("t,v\n05.01.2026,3\n", "count_daily", 2, "write 2026-10-23"),
        ("t;v\n2026-01-05;3\n", "count_daily", 2, "write commas"),
        (
            "t,v\n2026-01-06,3\n\n2026-01-05,3\n",
            "count_daily",
            4,
            "sort the file",
        ),
        (
            "t,v\n2026-01-06,3\n2026-01-06,3\n",
            "count_daily",
            3,
            "one row a day",
        ),
        (
            "t,v\n0001-01-06,3\n9026-01-06,3\n",
            "count_daily",
            3,
            "is the year right",
        ),
        ("t,v\n2026-01-05,3\n", "completeness", 2, "third column"),
        (
            "t,v,n\n2026-01-05,3,4,5\n",
            "discrepancy",
            2,
            "more than three columns",
        ),
    ] {
        fs::write(folder.path().join("x.csv"), text).unwrap();
        let (code, told, errors) = run(folder.path(), &["backtest", "x.csv", "--type", kind]);
        assert_eq!(code, Some(2), "{text}{told}");
        assert!(
            errors.contains(&format!("x.csv: line {line}: ")),
            "{text}{errors}"
        );
        assert!(errors.contains(remedy), "{text}{errors}");
    }
    fs::write(folder.path().join("x.csv"), "t,v\n").unwrap();
    let (_, _, errors) = run(folder.path(), &["backtest", "x.csv"]);
    assert!(errors.contains("no rows"), "{errors}");
    let (_, _, errors) = run(folder.path(), &["backtest", "x.csv", "--type", "counts"]);
    assert!(errors.contains("count_daily, count_hourly"), "{errors}");
}

#[test]
fn any_file_is_rehearsed_at_three_sensitivities() {
    let folder = tempfile::tempdir().unwrap();
    let text = csv("\u{feff}timestamp,value", &counts(january(), 4)).replace('\n', "\r\n");
    fs::write(folder.path().join("orders.csv"), text).unwrap();
    let from = ["backtest", "orders.csv", "--from", "2026-04-05"];
    let (code, told, _) = run(folder.path(), &[&from[..], &["--format", "json"]].concat());
    assert_eq!(code, Some(0));
    let found: Value = serde_json::from_str(&told).unwrap();
    let rows = found["sensitivities"].as_array().unwrap();
    let alerts = |row: &Value| row["alerts"].as_array().unwrap().len();
    assert_eq!(rows.len(), 3);
    assert!(
        rows.windows(2)
            .all(|two| alerts(&two[0]) <= alerts(&two[1]))
    );
    let last = rows[1]["alerts"].as_array().unwrap().last().unwrap();
    assert_eq!(last["since"], "2026-07-20", "{found}");
    let (_, told, _) = run(folder.path(), &from);
    assert!(
        told.contains("normal (now)") && told.contains("since 2026-07-20"),
        "{told}"
    );
}

const PLAN: &str = r#"
[project]
name     = "Acme shop"
timezone = "UTC"

[source.web]
type = "files"
path = "web.csv"

[event.purchase]
in.web = "purchase"
"#;

#[test]
fn a_stored_check_is_rehearsed_as_the_daemon_would_have_judged_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("truecount.toml"), PLAN).unwrap();
    let rehearsal = ["backtest", "purchase.volume", "--since", "60d"];
    let (code, _, errors) = run(folder.path(), &rehearsal);
    assert_eq!(code, Some(3), "{errors}");
    assert!(errors.contains("truecount pull"), "{errors}");

    // Ends yesterday; the last five days are silent.
    let first = today() - Days::new(200);
    let mut text = "date,event,count\n".to_owned();
    for (date, value) in counts(first, 5) {
        writeln!(text, "{date},purchase,{value}").unwrap();
    }
    fs::write(folder.path().join("web.csv"), text).unwrap();
    let (code, told, errors) = run(folder.path(), &["pull"]);
    assert_eq!(code, Some(0), "{told}{errors}");
    let (code, told, errors) = run(folder.path(), &rehearsal);
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("fetched long after they ended"), "{errors}");
    let (_, json, _) = run(
        folder.path(),
        &[&rehearsal[..], &["--format", "json"]].concat(),
    );
    let found: Value = serde_json::from_str(&json).unwrap();
    let rows = found["sensitivities"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let alerts = row["alerts"].as_array().unwrap();
        assert!(!alerts.is_empty() && alerts.len() <= 2, "{told}\n{json}");
        assert!(row["alerts_a_week"].as_f64().unwrap() > 0.0);
    }
    let (code, _, errors) = run(folder.path(), &["backtest", "purchase.volum"]);
    assert_eq!(code, Some(2));
    assert!(
        errors.contains("did you mean `purchase.volume`"),
        "{errors}"
    );

    // What could be found at all is said where counts are stored.
    let (_, told, errors) = run(folder.path(), &["validate"]);
    assert!(
        told.contains("Smallest drop found within"),
        "{told}{errors}"
    );
    assert!(told.contains("purchase.volume"), "{told}");
    let (_, told, errors) = run(folder.path(), &["explain", "purchase.volume"]);
    assert!(
        told.contains("Would find") && told.contains("Budget"),
        "{told}{errors}"
    );
    assert!(told.contains("could see a 50% drop after"), "{told}");
}
