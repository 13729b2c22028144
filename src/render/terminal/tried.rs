//! The screen of `test`: what was expected, and what the check said.

use crate::model::{Evaluation, Outcome, Status};
use crate::plan::{Plan, RuleTest};
use crate::render::words;

use super::painted;

/// The word for what a check said; a check that cannot be tried by counts says so.
pub fn found(seen: Option<&Evaluation>) -> &'static str {
    match seen.map(|one| one.outcome.status()) {
        Some(Some(status)) => status.word(),
        Some(None) => "no_data",
        None => "a check that counts cannot stand for",
    }
}

/// One test: a line when it passed, the reason below when it failed.
pub fn tried(
    plan: &Plan,
    test: &RuleTest,
    seen: Option<&Evaluation>,
    passed: bool,
    color: bool,
) -> String {
    let status = if passed { Status::Ok } else { Status::Failing };
    let mark = painted(if passed { "✓" } else { "✗" }, Some(status), color);
    let mut out = format!("{mark} {}  {}", test.name, test.check);
    if passed {
        return out;
    }
    out.push_str(&format!(
        "\n  expected {}, found {}  ({})",
        test.expect.word(),
        found(seen),
        test.origin
    ));
    let why = match seen.map(|one| &one.outcome) {
        Some(Outcome::Known { finding, .. }) => format!(
            "saw {}, expected {} ({})",
            words::value(finding.now.observed, &finding.unit),
            words::range(&finding.now, &finding.unit),
            words::compared(&finding.compared_with)
        ),
        Some(Outcome::NoData(gap)) => words::gap(gap, &plan.project.calendar),
        None => "tests know checks of volume, shares, rates and comparisons".to_owned(),
    };
    out.push_str(&format!("\n  {why}"));
    out
}
