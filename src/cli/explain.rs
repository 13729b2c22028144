//! `explain`: why a check says what it says; what a code, a check kind or a source kind means.

use std::sync::Arc;

use anyhow::bail;
use chrono::NaiveDate;

use crate::check as rules;
use crate::config;
use crate::daemon::{self, Looked, World};
use crate::model::{Evaluation, Name};
use crate::render;
use crate::source;

use super::{Exit, Global, Screen, check, pull};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A check (`purchase.volume`), a code (`TC201`), a check kind or a source kind
    name: String,
    /// Look at a past day
    #[arg(long, value_name = "DAY")]
    at: Option<NaiveDate>,
}

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    if let Some(text) = known_word(&options.name) {
        screen.say(&text);
        return Ok(Exit::Clean);
    }
    let world = pull::world(global, screen).await?;
    let at = match options.at {
        None => world.clock.now(),
        Some(day) => check::end_of(&world, day)?,
    };
    let found = named(&world, &options.name)?;
    let looked = daemon::look(&world, at).await?;
    let tests = rules::tests(&looked.seen);
    let promise = looked.allowed.promise;
    let budget = budget(&looked, &found.label().name, world.plan.project.budget);
    let seen: Vec<_> = looked
        .seen
        .into_iter()
        .filter(|one| one.check == found.label().name)
        .collect();
    let lines = daemon::chart(&world, &**found, at).await?;
    let incidents = world.store.incidents(at - daemon::REOPEN).await?;
    let incident = incidents
        .iter()
        .find(|one| one.members.contains(&found.label().name));
    let known = daemon::baselines(&world, std::slice::from_ref(found), at).await?;
    let baseline = known.into_values().next();
    if screen.json() {
        let mut value = render::terminal::check_json(&world.plan, &seen, at);
        value["baseline"] = render::omitted::json(baseline.as_ref());
        screen.say_json(&value);
        return Ok(check::exit(&seen, global.deny_warnings));
    }
    let settings = found.label().settings.clone();
    let outlooks = daemon::outlooks(&world, std::slice::from_ref(found), at).await?;
    let outlook = outlooks.into_values().next().unwrap_or_default();
    let reach = outlook.sight.as_ref().map(reach);
    let finality = outlook.final_after.map(about);
    let judged_by_chance = seen.iter().any(|one| {
        let finding = one.outcome.finding();
        finding.is_some_and(|finding| finding.p.is_some())
    });
    let mut text = render::terminal::explain(&render::terminal::Explanation {
        plan: &world.plan,
        seen: &seen,
        past: &lines,
        baseline: baseline.as_ref(),
        incident,
        settings: &settings,
        reach: reach.as_ref(),
        share: judged_by_chance.then(|| (tests, rules::share(&promise, tests))),
        finality: finality.as_deref(),
        borrowed: &outlook.borrowed,
        now: at,
        color: screen.color,
    });
    if !budget.is_empty() {
        text.push_str("\n  Alert budget\n");
        for line in budget {
            text.push_str(&format!("    {line}\n"));
        }
    }
    screen.say(&text);
    Ok(check::exit(&seen, global.deny_warnings))
}

/// What the alert budget did to a check: where it held findings back, and whether it shrank.
fn budget(looked: &Looked, check: &Name, says: f64) -> Vec<String> {
    let holds = rules::holds(&looked.seen, &looked.allowed.promise);
    let mut lines: Vec<String> = looked
        .seen
        .iter()
        .zip(holds)
        .filter(|(one, _)| one.check == *check)
        .filter_map(|(one, hold)| Some(held(one, &hold?)))
        .collect();
    let allowed = &looked.allowed;
    if allowed.less {
        lines.push(format!(
            "budget {} a week: {} of the last 8 weeks {} called noise (the plan says {says})",
            short(allowed.promise.per_week),
            render::words::many(allowed.noise, "alarm"),
            if allowed.noise == 1 { "was" } else { "were" },
        ));
    }
    lines
}

/// `0.5`, `0.38`, `0.0025`.
fn short(value: f64) -> f64 {
    let digits = if value < 0.1 { 1e4 } else { 1e2 };
    (value * digits).round() / digits
}

/// `held back at its source: …`.
fn held(one: &Evaluation, hold: &rules::Hold) -> String {
    let source = one.source.as_ref().map_or("the plan", Name::as_str);
    let event = one.event.as_ref().unwrap_or(&one.check);
    let (level, why) = match hold.level {
        rules::Level::Source => ("source", format!("all of {source} together is as usual")),
        rules::Level::Event => (
            "event",
            format!("something is wrong in {source}, but {event} is as usual"),
        ),
        rules::Level::Series => (
            "series",
            format!("something is wrong with {event}, but this series is as usual"),
        ),
    };
    let of = if one.segment.is_empty() {
        String::new()
    } else {
        format!("{}: ", render::words::segment(&one.segment))
    };
    format!(
        "{of}held back at its {level}: {why} (p = {}, it speaks below p = {})",
        render::words::chance(hold.chance),
        render::words::chance(hold.limit)
    )
}

/// `in about 2 days`.
fn about(hours: f64) -> String {
    if hours < 36.0 {
        let plural = if hours < 1.5 { "" } else { "s" };
        format!("in about {hours:.0} hour{plural}, as kept readings show")
    } else {
        format!("in about {:.0} days, as kept readings show", hours / 24.0)
    }
}

/// The check of this name; an unknown one is answered with the nearest that is known.
fn named<'a>(world: &'a World, name: &str) -> anyhow::Result<&'a Arc<dyn rules::Check>> {
    let names: Vec<&str> = world
        .checks
        .iter()
        .map(|one| one.label().name.as_str())
        .collect();
    if let Some(at) = names.iter().position(|one| *one == name) {
        return Ok(&world.checks[at]);
    }
    let stem = name.split('.').next().unwrap_or("");
    let kin = names.iter().find(|one| one.split('.').next() == Some(stem));
    let near = config::suggest(name, &names).or_else(|| kin.copied());
    bail!(
        "no check is called `{name}`{}",
        near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
    );
}

/// What a check could find, as the screens want it.
pub(super) fn reach(sight: &rules::Sight) -> render::terminal::Reach {
    render::terminal::Reach {
        within: sight.within.to_vec(),
        half_after: sight.half_after,
    }
}

/// A diagnostic code, a kind of check or a kind of source.
fn known_word(word: &str) -> Option<String> {
    if let Some(text) = config::explain_code(word) {
        return Some(text);
    }
    let check = rules::KINDS
        .iter()
        .find(|kind| kind.name == word)
        .map(|kind| kind.about);
    let source = source::KINDS
        .iter()
        .find(|kind| kind.name == word)
        .map(|kind| kind.about);
    check.or(source).map(str::to_owned)
}
