//! Pieces of configuration in the pages and the shipped examples mean what they say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use truecount::app;
use truecount::check;
use truecount::config::Text;
use truecount::model::Level;
use truecount::plan::{self, Expected, Plan, RuleTest};
use truecount::render::diagnostic;

use crate::config::understood;
use crate::plan::{as_json, misfits};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file(path: &str, text: &str) -> Text {
    Text {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

fn blocks(page: &Path) -> Vec<String> {
    fs::read_to_string(page)
        .unwrap()
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// No error; warnings and notes are listed by their codes.
fn sound(what: &str, files: &[Text]) -> (Plan, Vec<String>) {
    let (plan, complaints) = understood(files);
    let errors = complaints.iter().any(|one| one.level == Level::Error);
    assert!(
        !errors,
        "{what}\n{}",
        diagnostic::human(&complaints, files, false)
    );
    let codes = complaints.iter().map(|one| one.code.to_string()).collect();
    (plan, codes)
}

#[test]
fn the_examples_of_the_reference_are_together_one_sound_plan() {
    let text = blocks(&root().join("docs/configuration.md")).join("\n");
    let (plan, codes) = sound("docs/configuration.md", &[file("truecount.toml", &text)]);
    assert_eq!(codes, Vec::<String>::new());
    assert_eq!(plan.compares[0].exclude.len(), 1);
    let schema = plan::schema(&app::known());
    assert_eq!(misfits(&schema, &as_json(&text), ""), Vec::<String>::new());
    // Every table has its example.
    let shown: BTreeSet<String> = as_json(&text)
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let known: BTreeSet<String> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let without: Vec<&String> = known.difference(&shown).collect();
    assert_eq!(without, ["include"]);
}

/// What the pieces of the pages about checks speak of.
const AROUND: &str = r#"[project]
name     = "Acme shop"
timezone = "Europe/Berlin"

[source.web]
type     = "ga4"
property = "123456789"
key      = { file = "ga4-key.json" }

[source.shop]
type = "sql"
url  = "sqlite:shop.db"

[event.begin_checkout]

[event.purchase]
unique   = "transaction_id"
required = ["transaction_id", "value"]
in.web   = true
in.shop  = { table = "orders", date = "paid_at", sum = "total" }

[route.default]
webhook = { env = "ONCALL_WEBHOOK" }
"#;

#[test]
fn every_piece_in_the_pages_about_checks_can_be_added_to_a_plan() {
    let folder = root().join("docs/checks");
    let mut pages: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    let mut pieces = 0;
    for page in pages {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        for block in blocks(&page)
            .iter()
            .filter(|block| !block.contains("[project]"))
        {
            pieces += 1;
            let files = [file("truecount.toml", AROUND), file(&name, block)];
            let (_, codes) = sound(&name, &files);
            assert_eq!(codes, Vec::<String>::new(), "{name}\n{block}");
        }
    }
    assert!(pieces >= 9, "{pieces}");
}

/// A shipped example as `init` writes it.
fn example(name: &str) -> Vec<Text> {
    let folder = root().join("rules").join(name);
    let mut rules: Vec<PathBuf> = ["rules", "rules/tests"]
        .iter()
        .flat_map(|inner| fs::read_dir(folder.join(inner)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    rules.sort();
    std::iter::once(folder.join("truecount.toml"))
        .chain(rules)
        .map(|path| {
            let shown = path
                .strip_prefix(&folder)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            file(&shown, &fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn the_shipped_examples_are_sound_and_say_what_is_left_out() {
    for (name, events, notes) in [
        ("b2b-leads", 3, vec!["TC214"]),
        ("ecommerce", 6, vec![]),
        ("mobile-app", 5, vec!["TC214"]),
    ] {
        let files = example(name);
        let (plan, codes) = sound(name, &files);
        let codes: BTreeSet<&str> = codes.iter().map(String::as_str).collect();
        assert_eq!(codes, notes.into_iter().collect(), "{name}");
        assert_eq!(plan.events.len(), events, "{name}");
        assert!(plan.conversions.iter().any(|one| one.primary), "{name}");
        assert!(
            plan.routes
                .iter()
                .any(|route| route.name.as_str() == "default"),
            "{name}"
        );
        let schema = plan::schema(&app::known());
        for file in &files {
            assert_eq!(
                misfits(&schema, &as_json(&file.text), ""),
                Vec::<String>::new(),
                "{name}/{}",
                file.path
            );
        }
    }
}

#[test]
fn the_rule_tests_of_the_examples_hold_and_a_wrong_one_fails() {
    for (name, tests) in [("b2b-leads", 2), ("ecommerce", 6), ("mobile-app", 2)] {
        let (plan, _) = sound(name, &example(name));
        let checks = check::checks(&plan);
        assert_eq!(plan.tests.len(), tests, "{name}");
        for test in &plan.tests {
            let done = check::rehearse(&plan, &checks, test).expect("the check exists");
            assert!(done.passed, "{name}: {}: {:?}", test.name, done.seen);
            // The same counts do not satisfy another expectation.
            let other = match test.expect {
                Expected::Ok | Expected::NoData => Expected::Failing,
                Expected::Warning | Expected::Failing => Expected::Ok,
            };
            let wrong = RuleTest {
                expect: other,
                ..test.clone()
            };
            let done = check::rehearse(&plan, &checks, &wrong).expect("the check exists");
            assert!(!done.passed, "{name}: {} says everything", test.name);
        }
    }
}
