//! P16: the corpus of hostile names in what machines read: CSV, metrics, log lines, TOML.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use truecount::model::{Name, Period, masked_value};
use truecount::render::audit;
use truecount::report::{self, ChannelLine, CountLine, Facts, Report};
use truecount::telemetry::{self, LogFormat, Metrics};

use super::super::cli::PLAN;
use super::super::made::{self, at};
use super::hostile::all;
use super::secret::BINARY;

/// An audit of nothing.
fn empty() -> Report {
    let plan = made::plan("");
    let now = at("2026-11-03 08:00");
    let facts = Facts {
        now,
        period: Period::Week,
        current: Vec::new(),
        previous: Vec::new(),
        latest: Vec::new(),
        incidents: Vec::new(),
        pulls: Vec::new(),
        marks: Vec::new(),
        counts: Vec::new(),
        channels: Vec::new(),
        systems: Vec::new(),
        weeks: Vec::new(),
        first_seen: Vec::new(),
    };
    report::audit(
        &plan,
        &facts,
        Period::Week.last(&plan.project.calendar, now),
    )
}

/// What a spreadsheet may calculate.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[test]
fn no_name_becomes_a_formula_or_a_line_of_csv() {
    let mut report = empty();
    let known = audit::csv(&report).lines().count();
    let mut expected = Vec::new();
    let more = ["＝1", "－1", "＠SUM(1)", "a,\"b\"", "-2+3\"\"x"].map(str::to_owned);
    for text in all().into_iter().chain(more) {
        let name = Name::clean(&text);
        report.counts.push(CountLine {
            name: name.clone(),
            source: name.clone(),
            current: 1.0,
            previous: None,
            last_year: None,
            doubts: Vec::new(),
        });
        report.channels.push(ChannelLine {
            event: name.clone(),
            dimension: name.clone(),
            value: text.clone(),
            current: 1.0,
            previous: None,
            last_year: None,
            doubts: Vec::new(),
        });
        expected.push((format!("count/{name}"), name.to_string()));
        expected.push((format!("channel/{name}: {text}"), name.to_string()));
    }
    let csv = audit::csv(&report);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let mut found = BTreeSet::new();
    let mut rows = 0;
    for row in reader.records() {
        let row = row.unwrap();
        rows += 1;
        // The kind is ours, figures are numbers; names stand in two cells.
        for cell in [&row[2], &row[3]] {
            assert!(!is_formula(cell), "{cell:?}");
        }
        let plain = |cell: &str| {
            let inner = cell.strip_prefix('\'').filter(|inner| is_formula(inner));
            inner.unwrap_or(cell).to_owned()
        };
        found.insert((format!("{}/{}", &row[1], plain(&row[2])), plain(&row[3])));
    }
    assert_eq!(rows, known - 1 + expected.len());
    for one in expected {
        assert!(found.contains(&one), "{one:?}");
    }
}

/// Name and labels of a line of the exposition format, as its grammar reads it.
fn labels(line: &str) -> Vec<(String, String)> {
    let inner = line.split_once('{').unwrap().1;
    let mut rest = inner.chars();
    let mut found = Vec::new();
    loop {
        let key: String = rest.by_ref().take_while(|c| *c != '=').collect();
        assert_eq!(rest.next(), Some('"'), "{line:?}");
        let mut value = String::new();
        loop {
            match rest.next().unwrap() {
                '"' => break,
                '\\' => match rest.next().unwrap() {
                    'n' => value.push('\n'),
                    c @ ('"' | '\\') => value.push(c),
                    other => panic!("\\{other} in {line:?}"),
                },
                c => value.push(c),
            }
        }
        found.push((key, value));
        match rest.next().unwrap() {
            ',' => {}
            '}' => break,
            other => panic!("{other} in {line:?}"),
        }
    }
    let figure: String = rest.collect();
    assert!(figure.trim().parse::<f64>().is_ok(), "{line:?}");
    found
}

/// The metrics after a pull and a letter of this name.
fn counted(name: &str) -> String {
    let metrics = Metrics::new();
    metrics.pulled(name, "ok", Duration::from_secs(1));
    metrics.letter(name, "dead");
    metrics.text()
}

#[test]
fn no_name_ends_a_label_or_a_line_of_metrics() {
    let lines = counted("web").split('\n').count();
    for text in all() {
        let shown = counted(&text);
        assert_eq!(shown.split('\n').count(), lines, "{text:?}");
        for (start, key) in [
            ("truecount_pulls_total{", "source"),
            ("truecount_notifications_total{", "route"),
        ] {
            let lines: Vec<&str> = shown
                .split('\n')
                .filter(|one| one.starts_with(start))
                .collect();
            let [line] = lines[..] else {
                panic!("{lines:?}")
            };
            assert!(
                labels(line).contains(&(key.to_owned(), text.clone())),
                "{line:?}"
            );
        }
        let mut own = String::new();
        telemetry::line(&mut own, "x", &[("check", &text), ("grain", "day")], -0.5);
        let line = own.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n'), "{line:?}");
        let expected = [("check", text.as_str()), ("grain", "day")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(labels(line), expected);
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(part)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_event_is_one_line_of_the_json_log() {
    for text in all() {
        let kept = Kept::default();
        let to = kept.clone();
        let log = telemetry::logging(LogFormat::Json, tracing::Level::INFO, false, move || {
            to.clone()
        });
        tracing::dispatcher::with_default(&log, || {
            tracing::warn!(source = %text, odd = ?text, "cannot pull `{text}`: {text}");
        });
        let bytes = kept.0.lock().unwrap().clone();
        let written = String::from_utf8(bytes).unwrap();
        let line = written.strip_suffix('\n').unwrap();
        assert!(!line.contains(['\n', '\r', '\u{1b}', '\0']), "{line:?}");
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["source"], text.as_str());
        assert_eq!(event["level"], "WARN");
        assert_eq!(event["message"], format!("cannot pull `{text}`: {text}"));
    }
}

fn run(folder: &tempfile::TempDir, words: &[&str]) -> Output {
    Command::new(BINARY)
        .current_dir(folder.path())
        .args(words)
        .env_clear()
        .env("SLACK", "https://hooks.slack.example/services/T/B/X")
        .output()
        .unwrap()
}

fn said(done: &Output) -> String {
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout.clone()).unwrap()
}

#[test]
fn inferred_tables_are_toml_whatever_the_events_are_called() {
    let folder = tempfile::tempdir().unwrap();
    let day = (chrono::Utc::now() - chrono::TimeDelta::days(3))
        .format("%Y-%m-%d")
        .to_string();
    let more = [
        "Add to cart",
        "add_to_cart",
        "ADD-TO-CART",
        "2nd step",
        "Purchase",
        "a\u{7f}b",
    ];
    let names: Vec<String> = all().into_iter().chain(more.map(str::to_owned)).collect();
    let mut rows = csv::Writer::from_path(folder.path().join("web.csv")).unwrap();
    rows.write_record(["date", "event", "count"]).unwrap();
    for name in &names {
        rows.write_record([&day, name, "7"]).unwrap();
    }
    rows.flush().unwrap();
    let main = folder.path().join("truecount.toml");
    // Several of them are the same name once they are clean.
    let begun = PLAN.replace("path = \"web.csv\"", "path = \"web.csv\"\nrepeat = \"add\"");
    std::fs::write(&main, &begun).unwrap();
    let out = said(&run(&folder, &["plan", "infer", "web"]));
    let whole = format!("{begun}\n{out}");
    let plan: toml::Table = toml::from_str(&whole).unwrap_or_else(|why| panic!("{why}: {out}"));
    let found: BTreeSet<String> = plan["event"]
        .as_table()
        .unwrap()
        .iter()
        .filter_map(|(ours, event)| match &event.get("in")?["web"] {
            toml::Value::String(native) => Some(native.clone()),
            _ => Some(ours.clone()),
        })
        .collect();
    let expected: BTreeSet<String> = names
        .iter()
        .map(|name| masked_value(name))
        // What has no name of its own, and what the plan may have already.
        .filter(|name| !name.starts_with('(') && name != "Purchase")
        .collect();
    assert_eq!(found, expected);
    assert!(out.contains("\n# in.web = \"Purchase\"\n"), "{out}");
    std::fs::write(&main, whole).unwrap();
    said(&run(&folder, &["validate"]));
}

#[test]
fn a_project_of_any_name_begins_as_toml() {
    for text in all() {
        // An argument ends at a zero.
        let text = text.replace('\0', "");
        let folder = tempfile::tempdir().unwrap();
        let name = format!("--name={text}");
        said(&run(
            &folder,
            &[
                "init",
                "--yes",
                "--template=minimal",
                "--timezone=UTC",
                &name,
            ],
        ));
        let main = std::fs::read_to_string(folder.path().join("truecount.toml")).unwrap();
        let plan: toml::Table = toml::from_str(&main).unwrap_or_else(|why| panic!("{why}: {main}"));
        assert_eq!(
            plan["project"]["name"].as_str(),
            Some(Name::clean(&text).as_str())
        );
    }
}
