//! The first audit of a new installation: its figures are those of the whole week, not of the days on
//! which somebody happened to judge.

#![expect(
    clippy::disallowed_methods,
    reason = "a real process lives by the real clock"
)]

use std::fmt::Write as _;
use std::fs;

use chrono::{Datelike, Duration, NaiveDate, Utc};
use serde_json::Value;
use tempfile::TempDir;

use super::cli::run;

const PLAN: &str = r#"[project]
name     = "Acme shop"
timezone = "UTC"

[source.web]
type = "files"
path = "web.csv"

[source.shop]
type = "files"
path = "shop.csv"

[event.order]
home    = "shop"
in.web  = true
in.shop = true

[compare.orders]
event    = "order"
baseline = "shop"
against  = ["web"]
"#;

/// What both systems count on a day; the web lost half since `broken`.
fn day(date: NaiveDate, broken: NaiveDate) -> (i64, i64) {
    let shop = 400 + i64::from(date.num_days_from_ce() * 37 % 29);
    let web = shop * 9 / 10 - i64::from(date.num_days_from_ce() % 3);
    (if date < broken { web } else { web / 2 }, shop)
}

fn project(today: NaiveDate, broken: NaiveDate) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("truecount.toml"), PLAN).unwrap();
    let (mut web, mut shop) = (
        "date,event,count\n".to_owned(),
        "date,event,count\n".to_owned(),
    );
    for ago in (1..=80).rev() {
        let date = today - Duration::days(ago);
        let (seen, orders) = day(date, broken);
        writeln!(web, "{date},order,{seen}").unwrap();
        writeln!(shop, "{date},order,{orders}").unwrap();
    }
    fs::write(folder.path().join("web.csv"), web).unwrap();
    fs::write(folder.path().join("shop.csv"), shop).unwrap();
    folder
}

/// The gap of a week by hand.
fn gap(monday: NaiveDate, broken: NaiveDate) -> f64 {
    let days = (0..7).map(|at| day(monday + Duration::days(at), broken));
    let (apart, all) = days.fold((0, 0), |sum, (web, shop)| {
        (sum.0 + (web - shop).abs(), sum.1 + shop)
    });
    apart as f64 / all as f64
}

#[test]
fn the_first_audit_speaks_of_every_day_of_both_weeks() {
    let today = Utc::now().date_naive();
    let this = today - Duration::days(i64::from(today.weekday().num_days_from_monday()) + 7);
    // Since the Friday of the week that is told.
    let broken = this + Duration::days(4);
    let folder = project(today, broken);
    assert_eq!(run(&folder, "pull").code, 0);
    let report = run(&folder, "report --format json");
    let audit: Value = serde_json::from_str(&report.out).unwrap();
    let targets = audit["targets"].as_array().unwrap();
    let mut found = targets.iter();
    let told = found
        .find(|one| one["name"] == "Discrepancy between systems")
        .unwrap();
    let near = |key: &str, wanted: f64| {
        let seen = told[key].as_f64().unwrap_or(f64::NAN);
        assert!(
            (seen - wanted).abs() < 1e-9,
            "{key}: {seen}, by hand {wanted}"
        );
    };
    near("this_week", gap(this, broken));
    near("last_week", gap(this - Duration::days(7), broken));
    // It is told and not written: what nobody judged in its time is no alarm.
    let database = rusqlite::Connection::open(folder.path().join("truecount.db")).unwrap();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        database.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("evaluation"), count("incident")), (0, 0));
}
