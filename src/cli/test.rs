//! `test`: rule tests: given these counts, this check must, or must not, fire.

use std::collections::BTreeSet;

use serde_json::json;

use crate::app::{self, Project};
use crate::check::{self, Rehearsed};
use crate::model::Level;
use crate::plan::{self, RuleTest};
use crate::render;

use super::{Exit, Format, Global, Screen, validate};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only tests of these files, or whose name or check contains one of these words
    words: Vec<String>,
}

pub(super) fn run(options: &Options, global: &Global, screen: &Screen) -> anyhow::Result<Exit> {
    let reading = app::Reading {
        allow_plain: global.allow_plain,
    };
    let mut project = app::load(&global.config, reading)?;
    complain_of_unknown(&mut project);
    if project.refused() {
        validate::print(&project, screen);
        return Ok(Exit::CouldNotRun);
    }
    let plan = &project.plan;
    let checks = check::checks(plan);
    let chosen: Vec<&RuleTest> = plan
        .tests
        .iter()
        .filter(|one| is_meant(one, options))
        .collect();
    let done: Vec<(&RuleTest, Rehearsed)> = chosen
        .into_iter()
        .filter_map(|one| Some((one, check::rehearse(plan, &checks, one)?)))
        .collect();
    let failed = done.iter().filter(|(_, done)| !done.passed).count();
    match screen.format {
        Format::Json => screen.say_json(&json!({
            "version": 1,
            "passed": done.len() - failed,
            "failed": failed,
            "tests": done.iter().map(|(test, done)| json!({
                "name": test.name,
                "check": test.check.as_str(),
                "place": test.origin,
                "passed": done.passed,
                "expected": test.expect.word(),
                "found": render::terminal::found(done.seen.as_ref()),
            })).collect::<Vec<_>>(),
        })),
        Format::Github => {
            for (test, done) in done.iter().filter(|(_, done)| !done.passed) {
                screen.say(&github(&project, test, done));
            }
        }
        Format::Human | Format::Compact => {
            for (test, done) in &done {
                let one = render::terminal::tried(
                    plan,
                    test,
                    done.seen.as_ref(),
                    done.passed,
                    screen.color,
                );
                screen.say(&one);
            }
            screen.say(&format!("{} passed, {failed} failed", done.len() - failed));
        }
    }
    if done.is_empty() {
        screen.note("there is no test: add [[test]] to a file under rules/tests");
    }
    Ok(if failed > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    })
}

fn is_meant(test: &RuleTest, options: &Options) -> bool {
    options.words.is_empty()
        || options.words.iter().any(|word| {
            test.name.contains(word)
                || test.check.as_str().contains(word)
                || test.origin.contains(word)
        })
}

fn github(project: &Project, test: &RuleTest, done: &Rehearsed) -> String {
    let found = render::terminal::found(done.seen.as_ref());
    let message = format!(
        "{}: expected {}, found {found}",
        test.name,
        test.expect.word()
    );
    let diagnostic =
        crate::model::Diagnostic::error(crate::model::Code(221), message).at(test.span, "");
    validate::annotations(project, &[diagnostic])
}

/// Tests of checks that do not exist are mistakes of the configuration like any other.
pub(super) fn complain_of_unknown(project: &mut Project) {
    if project
        .diagnostics
        .iter()
        .any(|one| one.level == Level::Error)
    {
        // Checks that are missing because of another mistake are not complained of twice.
        return;
    }
    let checks = check::checks(&project.plan);
    let names: BTreeSet<&str> = checks.iter().map(|one| one.label().name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    project
        .diagnostics
        .extend(plan::unknown_checks(&project.plan.tests, &names));
}
