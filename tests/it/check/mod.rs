//! Checks through the front door: every kind with odd evidence, its page, and the promise of a plan.

mod baseline;
pub(crate) mod bench;
mod beside;
mod budget;
mod gap;
mod held;
mod many;
mod maturity;
mod named;
mod put_back;
mod rate;
mod release;
mod settings;
mod sibling;
mod sum;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use truecount::check::{self, Evidence, KINDS, Line, Promise, SourceState};
use truecount::config::{self, Text};
use truecount::model::{
    Calendar, Diagnostic, Evaluation, Flag, Grain, Held, Level, Name, Outcome, Quality, Question,
    Reading, Segment, Status, Timestamp,
};
use truecount::plan::{self, Environment, Plan};

pub(crate) fn resolved(text: &str) -> (Plan, Vec<Diagnostic>) {
    let files = [Text {
        path: "truecount.toml".to_owned(),
        text: text.to_owned(),
    }];
    let (document, mut complaints) = config::parse(&files);
    let known = truecount::app::known();
    let (plan, more) = plan::resolve(&document, &known, &Environment::default());
    complaints.extend(more);
    complaints.retain(|one| one.level == Level::Error);
    (plan, complaints)
}

const AROUND: &str = r#"
[source.shop]
type = "demo"
system = "orders"
seed = 1
today = "2026-11-01"
[source.web]
type = "demo"
system = "web"
seed = 1
today = "2026-11-01"
[event.begin_checkout]
in.web = true
[event.purchase]
required = ["currency"]
unique = "transaction_id"
in.web = true
in.shop = true
"#;

const PROJECT: &str = "[project]\nname = \"Acme Shop\"\ntimezone = \"Europe/Berlin\"\n";

#[test]
fn each_page_has_its_headings_and_an_example_that_validates() {
    for kind in KINDS {
        let headings: Vec<&str> = kind
            .about
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        let fixed = [
            "## What it does",
            "## When it fires",
            "## When it stays silent",
            "## Settings",
            "## Example",
        ];
        assert_eq!(headings, fixed, "{}", kind.name);
        let example = kind
            .about
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .unwrap();
        let project = if example.contains("[project]") {
            ""
        } else {
            PROJECT
        };
        let (_, complaints) = resolved(&format!("{project}{AROUND}{example}"));
        assert!(complaints.is_empty(), "{}: {complaints:?}", kind.name);
    }
}

fn rich() -> Plan {
    let more = r#"
[utm]
required = ["utm_source"]
case = "lower"
[naming]
events = "snake_case"
[consent]
granted = "60%..80%"
[check.checkout_rate]
rate = ["begin_checkout", "purchase"]
below = "20%"
for = "2 days"
[compare.orders]
event = "purchase"
baseline = "shop"
against = ["web"]
limit = "15%"
[funnel.shop]
steps = ["begin_checkout", "purchase"]
settle = "1 day"
"#;
    let (mut plan, complaints) = resolved(&format!("{PROJECT}{AROUND}{more}"));
    assert!(complaints.is_empty(), "{complaints:?}");
    // As an analytics system is: then traffic and names are checked as well.
    plan.sources[1].event_named = true;
    plan
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn odd_line(dice: &mut Dice, calendar: &Calendar, now: Timestamp, segment: Segment) -> Line {
    let mut readings = Vec::new();
    for back in (1..=dice.roll(150)).rev() {
        if dice.roll(10) == 0 {
            continue;
        }
        let bucket = calendar.back(
            &calendar.bucket(Grain::Day, now),
            u32::try_from(back).unwrap(),
        );
        let value = [0.0, 1.0, 1e15, dice.roll(500) as f64][usize::try_from(dice.roll(4)).unwrap()];
        let flags = if dice.roll(20) == 0 {
            vec![Flag::Truncated]
        } else {
            Vec::new()
        };
        let seen_at = bucket.end + TimeDelta::hours(i64::try_from(dice.roll(100)).unwrap());
        readings.push(Reading {
            bucket,
            value,
            quality: Quality { flags },
            seen_at,
        });
    }
    Line { segment, readings }
}

#[test]
fn no_evidence_however_odd_makes_a_check_panic_or_say_a_number_that_is_none() {
    let plan = rich();
    let calendar = plan.project.calendar.clone();
    let now: Timestamp = "2026-11-01T09:00:00Z".parse().unwrap();
    let checks = check::checks(&plan);
    assert!(checks.len() >= 13, "{}", checks.len());
    for seed in 0..25 {
        let mut dice = Dice(seed);
        let mut history: BTreeMap<Question, Vec<Line>> = BTreeMap::new();
        for need in checks.iter().flat_map(|check| check.needs(now, &calendar)) {
            let part = need
                .question
                .by
                .first()
                .map(|by| Segment::from([(by.clone(), "Odd Value".to_owned())]));
            let line = odd_line(&mut dice, &calendar, now, part.unwrap_or_default());
            history.insert(need.question, vec![line]);
        }
        let settles = TimeDelta::hours(i64::try_from(dice.roll(96)).unwrap());
        let state = SourceState {
            arrives: TimeDelta::hours(2),
            settles,
            ..SourceState::default()
        };
        let sources = ["shop", "web"]
            .map(|name| (Name::clean(name), state.clone()))
            .into();
        let evidence = Evidence {
            now,
            calendar: &calendar,
            history: &history,
            vintages: &history,
            changes: &BTreeMap::new(),
            unanswerable: &BTreeMap::new(),
            sources: &sources,
            marks: &[],
            troubled: &BTreeMap::new(),
        };
        for check in &checks {
            for one in check.evaluate(&evidence) {
                let Some(finding) = one.outcome.finding() else {
                    continue;
                };
                assert!(
                    finding.now.observed.is_finite(),
                    "{} {seed}: {finding:?}",
                    one.check
                );
                assert!(
                    finding.now.expected.is_finite(),
                    "{} {seed}: {finding:?}",
                    one.check
                );
                assert!(
                    finding.buckets >= 1 && finding.since <= one.bucket,
                    "{} {seed}: {finding:?}",
                    one.check
                );
            }
        }
    }
}

#[test]
fn without_any_reading_nothing_is_judged() {
    let plan = rich();
    let calendar = plan.project.calendar.clone();
    let (history, sources, troubled) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let evidence = Evidence {
        now: "2026-11-01T09:00:00Z".parse().unwrap(),
        calendar: &calendar,
        history: &history,
        vintages: &history,
        changes: &BTreeMap::new(),
        unanswerable: &BTreeMap::new(),
        sources: &sources,
        marks: &[],
        troubled: &troubled,
    };
    for check in check::checks(&plan) {
        let seen = check.evaluate(&evidence);
        assert!(
            !seen.is_empty()
                && seen
                    .iter()
                    .all(|one| matches!(one.outcome, Outcome::NoData(_))),
            "{seen:?}"
        );
    }
}

#[test]
fn the_budget_holds_back_a_weak_finding_and_never_an_extreme_one() {
    let found = super::demo::findings(6, 2);
    let one = found
        .iter()
        .find(|one| one.outcome.status() > Some(Status::Ok) && !one.witness)
        .unwrap()
        .clone();
    let with = |p: f64| {
        let mut one = one.clone();
        if let Outcome::Known { finding, .. } = &mut one.outcome {
            finding.p = Some(p);
        }
        one
    };
    let promise = Promise { per_week: 1.0 };
    let seen = check::budget(vec![with(0.4), with(1e-9)], &promise);
    let held = |seen: &[Evaluation]| seen.iter().map(|one| one.held).collect::<Vec<_>>();
    assert_eq!(held(&seen), [Held::ByBudget, Held::No]);
    let again = check::budget(seen, &promise);
    assert_eq!(held(&again), [Held::ByBudget, Held::No]);
}
