//! The command line as a stranger types it: every list also for machines, and exit codes by one table.

#![expect(
    clippy::disallowed_methods,
    reason = "a real process lives by the real clock"
)]

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PLAN: &str = r#"[project]
name     = "Acme shop"
timezone = "Europe/Berlin"

[source.web]
type = "files"
path = "web.csv"

[event.purchase]
about = "An order | paid"
required = ["transaction_id"]

[route.default]
slack = { env = "SLACK" }
"#;

/// What a command printed and how it ended.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("truecount.toml"), PLAN).unwrap();
    let rows = "date,event,count\n2026-11-20,purchase,41\n2026-11-21,purchase,38\n";
    fs::write(folder.path().join("web.csv"), rows).unwrap();
    folder
}

pub(crate) fn run(folder: &TempDir, words: &str) -> Done {
    let done = Command::new(env!("CARGO_BIN_EXE_truecount"))
        .current_dir(folder.path())
        .args(words.split(' '))
        .env_clear()
        .env("SLACK", "https://hooks.slack.example/services/T/B/X")
        .output()
        .unwrap();
    Done {
        code: done.status.code().unwrap(),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

#[test]
fn every_list_is_there_for_machines_with_a_version() {
    let folder = project();
    for words in [
        "validate",
        "test",
        "doctor",
        "pull --dry-run",
        "pull --since 90d",
        "check",
        "explain purchase.volume",
        "status",
        "incident list",
        "silence list",
        "letters list",
        "token list",
        "report",
    ] {
        let done = run(&folder, &format!("{words} --format json"));
        let value: Value = serde_json::from_str(&done.out)
            .unwrap_or_else(|why| panic!("{words}: {why}: {} {}", done.out, done.err));
        assert_eq!(value["version"], 1, "{words}: {value:#}");
        assert!(done.code <= 1 || done.code == 3, "{words}: {}", done.code);
    }
}

#[test]
fn a_dry_run_says_what_would_be_asked_and_asks_nothing() {
    let folder = project();
    let done = run(&folder, "pull --dry-run --since 10d");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(
        done.out.contains("purchase: count by the day"),
        "{}",
        done.out
    );
    let pulls: Value = serde_json::from_str(&run(&folder, "status --format json").out).unwrap();
    assert!(pulls["checks"].as_array().unwrap().is_empty(), "{pulls:#}");
    let wrong = run(&folder, "pull --since soon");
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("90d"), "{}", wrong.err);
}

#[test]
fn progress_is_never_a_result_and_can_be_forbidden() {
    let folder = project();
    for words in ["pull", "pull --no-progress", "-q pull"] {
        let done = run(&folder, words);
        assert_eq!(done.code, 0, "{words}: {}", done.err);
        assert_eq!(done.out.lines().count(), 1, "{words}: {}", done.out);
        assert!(done.out.contains(" values in "), "{words}: {}", done.out);
        assert_eq!(done.err, "", "{words}");
    }
}

#[test]
fn before_the_first_round_nothing_is_called_well_or_zero() {
    let folder = project();
    let before = run(&folder, "status");
    assert_eq!(before.code, 3, "{}", before.out);
    assert!(
        before.out.contains("No round has run yet"),
        "{}",
        before.out
    );
    assert!(before.out.contains("truecount serve"), "{}", before.out);
    assert!(before.out.contains("not asked yet"), "{}", before.out);
    assert!(!before.out.contains("0 failing"), "{}", before.out);
    assert_eq!(run(&folder, "pull").code, 0);
    let pulled = run(&folder, "status");
    assert!(
        pulled.out.contains("No round has run yet"),
        "{}",
        pulled.out
    );
    assert!(pulled.out.contains("answered 0 min ago"), "{}", pulled.out);
    let status: Value = serde_json::from_str(&run(&folder, "status --format json").out).unwrap();
    assert_eq!(status["judged"], false);
    let report = run(&folder, "report");
    assert_eq!(report.code, 0);
    assert!(
        report.err.contains("No round has run yet"),
        "{}",
        report.err
    );
    assert!(!report.out.contains("No round"), "notes are no results");
}

#[test]
fn switches_in_the_environment_are_on_and_off() {
    let folder = project();
    let secret = PLAN.replace(
        "{ env = \"SLACK\" }",
        "\"https://hooks.slack.com/services/T0/B0/x\"",
    );
    fs::write(folder.path().join("truecount.toml"), secret).unwrap();
    for (value, code) in [
        ("1", 0),
        ("true", 0),
        ("yes", 0),
        ("0", 1),
        ("no", 1),
        ("", 1),
    ] {
        let done = Command::new(env!("CARGO_BIN_EXE_truecount"))
            .current_dir(folder.path())
            .arg("validate")
            .env_clear()
            .env("TRUECOUNT_ALLOW_PLAIN", value)
            .env("TRUECOUNT_NO_PROGRESS", value)
            .env("TRUECOUNT_QUIET", value)
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(code), "`{value}`: {done:?}");
    }
}

#[test]
fn tokens_are_listed_and_ended_by_name() {
    let folder = project();
    assert_eq!(run(&folder, "token create ci --scope push").code, 0);
    let list = run(&folder, "token list");
    assert!(list.out.starts_with("ci  push  since "), "{}", list.out);
    assert_eq!(run(&folder, "token revoke ci").code, 0);
    let again = run(&folder, "token revoke ci");
    assert_eq!(again.code, 2);
    assert!(
        again.err.contains("there is no token of ci"),
        "{}",
        again.err
    );
}

#[test]
fn the_plan_is_a_page_and_a_first_plan_comes_from_what_is_counted() {
    let folder = project();
    let page = run(&folder, "plan docs").out;
    assert!(
        page.contains("| `purchase` | An order \\| paid |"),
        "{page}"
    );
    assert!(page.contains("| `transaction_id` | yes |"), "{page}");
    let day = (chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
        - chrono::TimeDelta::days(3))
    .format("%Y-%m-%d");
    let rows = format!("date,event,count\n{day},purchase,41\n{day},Sign Up \"now\",7\n");
    fs::write(folder.path().join("web.csv"), rows).unwrap();
    let done = run(&folder, "plan infer web");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(!done.out.contains("purchase"), "{}", done.out);
    let more = format!("{PLAN}\n{}", done.out);
    fs::write(folder.path().join("truecount.toml"), more).unwrap();
    let valid = run(&folder, "validate");
    assert_eq!(valid.code, 0, "{}{}", done.out, valid.out);
    assert!(valid.out.contains("2 events"), "{}", valid.out);
}

#[test]
fn shells_and_man_know_the_commands() {
    let folder = project();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = run(&folder, &format!("completions {shell}"));
        assert_eq!(done.code, 0, "{}", done.err);
        assert!(done.out.contains("backtest"), "{shell}");
    }
    assert!(run(&folder, "man").out.contains(".TH truecount"));
}

#[test]
fn exit_codes_follow_one_table() {
    let folder = project();
    for (words, code) in [
        ("validate", 0),
        ("check --nonsense", 2),
        ("explain nothing.volume", 2),
        ("explain TC201", 0),
        ("-c missing.toml validate", 2),
        ("-c missing.toml check", 2),
        ("pull nowhere", 2),
    ] {
        let done = run(&folder, words);
        assert_eq!(done.code, code, "{words}: {}{}", done.out, done.err);
    }
    fs::write(folder.path().join("web.csv"), "<html>").unwrap();
    assert_eq!(run(&folder, "pull").code, 3);
    fs::write(
        folder.path().join("truecount.toml"),
        PLAN.replace("\"files\"", "\"fils\""),
    )
    .unwrap();
    assert_eq!(run(&folder, "validate").code, 1);
    assert_eq!(run(&folder, "--exit-zero validate").code, 0);
    assert_eq!(run(&folder, "check").code, 2);
}

#[test]
fn each_template_is_a_plan_without_errors_and_nothing_is_overwritten() {
    for template in ["minimal", "b2b-leads", "ecommerce", "mobile-app"] {
        for more in [
            "",
            " --name Acme --timezone Asia/Tokyo --alerts slack,ops@acme.example",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let words = format!("init here --template {template} --yes{more}");
            let done = run(&folder, &words);
            assert_eq!(done.code, 0, "{template}: {}", done.err);
            let valid = run(&folder, "validate here");
            assert_eq!(valid.code, 0, "{template}: {}", valid.out);
            assert!(valid.out.contains(": no errors"), "{}", valid.out);
            let test = run(&folder, "-c here/truecount.toml test");
            assert_eq!(test.code, 0, "{template}: {}", test.out);
            let read =
                |path: &str| fs::read_to_string(folder.path().join("here").join(path)).unwrap();
            let main = read("truecount.toml");
            assert!(
                main.starts_with("#:schema ./truecount.schema.json\n"),
                "{main}"
            );
            let schema: Value = serde_json::from_str(&read("truecount.schema.json")).unwrap();
            assert!(schema["properties"]["event"].is_object(), "{template}");
            assert!(read(".github/workflows/truecount.yml").contains("truecount validate"));
            assert_eq!(main.contains("timezone = \"Asia/Tokyo\""), !more.is_empty());
            // Each variable that the files need stands in the sample.
            let sample = read(".env.example");
            for name in main
                .split("env = \"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap())
            {
                assert!(
                    sample.contains(&format!("\n{name}=\n")),
                    "{name} in {sample}"
                );
            }
            let again = run(&folder, &words);
            assert_eq!(again.code, 2);
            assert!(again.err.contains("exists already"), "{}", again.err);
        }
    }
}

#[test]
fn a_wrong_answer_writes_nothing() {
    for words in [
        "init here --yes --template saas",
        "init here --yes --timezone Europe/Berln",
        "init here --yes --alerts fax",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let done = run(&folder, words);
        assert_eq!(done.code, 2, "{words}: {}", done.out);
        assert!(!folder.path().join("here").exists(), "{words}");
    }
}
