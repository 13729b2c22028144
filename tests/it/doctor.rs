//! `doctor`: one line for one thing, its remedy, and exit codes by the table of all commands.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::cli::{Done, PLAN, project, run};
use super::fake::http_api::{HttpApi, good};

/// The plan of the command line's tests with more; `SLACK` is set, nothing else is.
fn with(more: &str) -> TempDir {
    let folder = project();
    fs::write(
        folder.path().join("truecount.toml"),
        format!("{PLAN}\n{more}"),
    )
    .unwrap();
    folder
}

/// Titles with their states, in order.
fn states(folder: &TempDir, words: &str) -> (i32, Vec<String>) {
    let Done { code, out, err } = run(folder, &format!("{words} --format json"));
    let value: Value = serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"));
    let tests = value["tests"].as_array().unwrap();
    let text = |test: &Value, key: &str| test[key].as_str().unwrap().to_owned();
    let lines = tests.iter().map(|test| {
        let remedy = test["remedy"].as_str().is_some_and(|text| !text.is_empty());
        assert_eq!(
            remedy,
            test["state"] != "ok",
            "a remedy where one is needed: {test}"
        );
        format!("{}: {}", text(test, "test"), text(test, "state"))
    });
    (code, lines.collect())
}

#[test]
fn each_thing_is_one_line() {
    let (code, lines) = states(&project(), "doctor");
    let wanted = [
        "Config",
        "Database",
        "Disk",
        "Source web",
        "Route default",
        "Clock",
    ];
    let titles: Vec<&str> = lines
        .iter()
        .map(|one| one.split(':').next().unwrap())
        .collect();
    assert_eq!(titles, wanted);
    // The room of the disk is the machine's; everything else is well.
    let good = lines.iter().filter(|one| !one.starts_with("Disk"));
    assert!(good.clone().all(|one| one.ends_with(": ok")), "{lines:?}");
    assert!(code <= 1, "{code}");
    let screen = run(&project(), "doctor").out;
    for part in [
        "integrity ok, ",
        "no backup yet",
        " free in ",
        "notify test default",
    ] {
        assert!(screen.contains(part), "no `{part}` in\n{screen}");
    }
    assert!(!screen.contains("Channel"), "{screen}");
}

#[test]
fn a_missing_secret_is_told_once_where_it_is_used() {
    let folder = with(
        "[source.crm]\ntype = \"hubspot\"\ntoken = { env = \"CRM_TOKEN\" }\n[event.lead]\nin.crm = { object = \"contacts\" }\n[route.oncall]\npagerduty = { env = \"PAGER\" }\n[mail]\nfrom = \"a@acme.example\"\nsmtp = { env = \"SMTP\" }\n[server]\ntoken = { env = \"SERVER_TOKEN\" }\n",
    );
    let Done { code, out, .. } = run(&folder, "doctor");
    assert_eq!(code, 1, "{out}");
    for secret in ["CRM_TOKEN", "PAGER", "SMTP", "SERVER_TOKEN"] {
        let told = out
            .lines()
            .filter(|line| line.contains(&format!("variable {secret} is not set")));
        assert_eq!(told.count(), 1, "{secret} in\n{out}");
    }
}

#[test]
fn one_source_is_looked_at_alone_and_a_wrong_name_is_told() {
    let folder = project();
    let (code, lines) = states(&folder, "doctor web");
    assert_eq!(
        (code, &lines[..]),
        (
            0,
            &["Config: ok".to_owned(), "Source web: ok".to_owned()][..]
        )
    );
    let wrong = run(&folder, "doctor nowhere");
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("the plan has web"), "{}", wrong.err);
    assert_eq!(run(&folder, "-c missing.toml doctor").code, 2);
    fs::write(
        folder.path().join("truecount.toml"),
        PLAN.replace("\"files\"", "\"fils\""),
    )
    .unwrap();
    let (code, lines) = states(&folder, "doctor");
    assert_eq!((code, &lines[..]), (1, &["Config: problem".to_owned()][..]));
}

#[test]
fn a_source_that_is_away_is_no_data() {
    let folder = with(
        "[net]\nallow_private = [\"127.0.0.1\"]\n[source.shop]\ntype = \"http\"\nbase_url = \"http://127.0.0.1:9\"\nrequest = { path = \"/counts?day={from}\" }\n",
    );
    let valid = run(&folder, "validate");
    assert_eq!(valid.code, 0, "{}{}", valid.out, valid.err);
    let (code, lines) = states(&folder, "doctor shop");
    assert_eq!(lines[1..], ["Source shop: unreachable"]);
    assert_eq!(code, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_is_compared_with_whoever_answers() {
    let api = HttpApi::start(|_, _| good(r#"{"total": 4, "results": []}"#)).await;
    let folder = with(&format!(
        "[net]\nallow_private = [\"127.0.0.1\"]\n[source.crm]\ntype = \"hubspot\"\ntoken = {{ file = \"token\" }}\nbase_url = \"{}\"\n[event.lead]\nin.crm = {{ object = \"contacts\" }}\n",
        api.address
    ));
    fs::write(folder.path().join("token"), "pat").unwrap();
    let done = tokio::task::spawn_blocking(move || run(&folder, "doctor"))
        .await
        .unwrap();
    let line = done
        .out
        .lines()
        .find(|line| line.contains("Clock"))
        .unwrap();
    assert!(
        line.contains("right to ") && line.contains("by 127.0.0.1"),
        "{}",
        done.out
    );
    assert!(done.out.contains("readable, 4 contacts"), "{}", done.out);
}
