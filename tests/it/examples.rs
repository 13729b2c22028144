//! Pieces of configuration in the pages and the shipped examples mean what they say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use truecount::app;
use truecount::check;
use truecount::config::Text;
use truecount::model::{
    Bucket, Evaluation, Grain, Level, Measure, Question, Status, Subject, Timestamp,
};
use truecount::plan::{self, Expected, Plan, RuleTest};
use truecount::render::diagnostic;

use crate::check::bench::{Bench, noise};
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

/// The last day that is whole at [`LOOKED`] for every source of the examples that settles in time.
const LOOKED: &str = "2026-11-04T11:00:00Z";

/// Made-up days of an example: busy weekdays, steady shares, sources that know nearly the same.
fn made(question: &Question, bucket: &Bucket) -> Option<f64> {
    let Subject::Event(event) = &question.subject else {
        return match question.measure {
            Measure::Unknown => Some(60.0),
            Measure::Consented => Some(1_400.0),
            Measure::Count => Some(2_000.0),
            _ => None,
        };
    };
    if !question.by.is_empty() {
        return None;
    }
    let funnel: [(&str, f64); 14] = [
        ("view_item", 9_000.0),
        ("add_to_cart", 2_600.0),
        ("begin_checkout", 1_300.0),
        ("add_payment_info", 800.0),
        ("purchase", 640.0),
        ("refund", 22.0),
        ("demo_request", 90.0),
        ("sql", 30.0),
        ("deal_won", 9.0),
        ("onboarding_completed", 900.0),
        ("account_connected", 610.0),
        ("key_action_completed", 420.0),
        ("trial_started", 160.0),
        ("subscription_started", 70.0),
    ];
    let (at, (_, usual)) = funnel
        .iter()
        .enumerate()
        .find(|(_, (name, _))| *name == event.as_str())?;
    // One Saturday or Sunday is 55% of a weekday; analytics misses one in a hundred.
    let day = bucket.start.timestamp().div_euclid(86_400);
    let weekend = if (day + 4).rem_euclid(7) % 6 == 0 {
        0.55
    } else {
        1.0
    };
    let hours = if question.grain == Grain::Hour {
        24.0
    } else {
        1.0
    };
    let mean = usual * weekend / hours;
    if question.grain == Grain::Hour && mean < 20.0 {
        return None; // the daemon asks for hours of busy events only
    }
    let hour = bucket.start.timestamp().div_euclid(3_600);
    let wobble = noise(hour * 31 + i64::try_from(at).unwrap()) * mean.sqrt() * 0.7;
    let all = (mean + wobble).max(0.0).round();
    let seen = match question.source.as_str() {
        "linkedin" => (all * 1.12).round(), // it also counts people who only saw the advertisement
        "ga4" | "mixpanel" => (all * 0.99).round(),
        _ => all,
    };
    Some(match &question.measure {
        Measure::Count => seen,
        Measure::Sum { .. } => seen * 80.0,
        Measure::Having(_) | Measure::Valid { .. } => (seen * 0.995).round(),
        Measure::Repeats(_) | Measure::WithoutId(_) => 0.0,
        Measure::Users | Measure::Unknown | Measure::Consented => return None,
    })
}

fn said(plan: &Plan, value: impl Fn(&Question, &Bucket) -> Option<f64>) -> Vec<Evaluation> {
    let bench = Bench::at(LOOKED);
    let mut seen = Vec::new();
    bench.evidence_of(plan, value, |evidence| {
        for check in check::checks(plan) {
            seen.extend(check.evaluate(evidence));
        }
    });
    seen.retain(|one| !one.witness);
    seen
}

#[test]
fn the_examples_are_quiet_on_ordinary_days_and_judge_nearly_everything() {
    for (name, judged) in [("b2b-leads", 17), ("ecommerce", 30), ("mobile-app", 15)] {
        let (plan, _) = sound(name, &example(name));
        let seen = said(&plan, made);
        let loud: Vec<&Evaluation> = seen
            .iter()
            .filter(|one| {
                one.outcome
                    .status()
                    .is_some_and(|status| status != Status::Ok)
            })
            .collect();
        assert!(loud.is_empty(), "{name}: {loud:#?}");
        let known = seen.iter().filter(|one| one.outcome.status().is_some());
        let silent: Vec<String> = seen
            .iter()
            .filter(|one| one.outcome.status().is_none())
            .map(|one| format!("{}: {:?}", one.check, one.outcome))
            .collect();
        assert!(known.count() >= judged, "{name}: {silent:#?}");
    }
}

#[test]
fn a_fault_in_each_example_is_told_by_the_checks_that_should() {
    // Example, event, source, and the part that is left since Sunday.
    let faults: [(&str, &str, &str, f64, &[&str]); 3] = [
        (
            "b2b-leads",
            "demo_request",
            "ga4",
            0.3,
            &["demo_request.volume", "leads.ga4"],
        ),
        (
            "ecommerce",
            "purchase",
            "ga4",
            0.5,
            &["purchase.volume", "orders.ga4"],
        ),
        (
            "mobile-app",
            "onboarding_completed",
            "mixpanel",
            0.0,
            &["onboarding_completed.volume"],
        ),
    ];
    let since: Timestamp = "2026-10-31T12:00:00Z".parse().unwrap();
    for (name, event, source, left, expected) in faults {
        let (plan, _) = sound(name, &example(name));
        let seen = said(&plan, |question, bucket| {
            let hit = question.source.as_str() == source
                && matches!(&question.subject, Subject::Event(of) if of.as_str() == event)
                && bucket.start > since;
            let value = made(question, bucket)?;
            Some(if hit { (value * left).round() } else { value })
        });
        for check in expected {
            let mut told = seen.iter().filter(|one| one.check.as_str() == *check);
            assert!(
                told.any(|one| one.outcome.status() == Some(Status::Failing)),
                "{name}: {check}: {seen:#?}"
            );
        }
    }
}
