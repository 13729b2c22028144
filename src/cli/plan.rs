//! `plan docs` and `plan infer`: the tracking plan as a page, and a first plan from what a source counts.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use clap::Subcommand;

use crate::app;
use crate::daemon;
use crate::model::{Grain, Mapping, Measure, Name, Question, Subject, Window};
use crate::plan::{Event, Plan};
use crate::source::Ask;

use super::{Exit, Global, Screen, pull, quoted};

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// The tracking plan as a Markdown page
    Docs,
    /// Tables for the events that a source counted in the last 28 days and the plan does not have
    Infer {
        /// The source that is asked
        source: String,
    },
}

/// Days of counts that `infer` looks at.
const DAYS: i64 = 28;

pub(super) async fn run(
    command: &PlanCommand,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    match command {
        PlanCommand::Docs => {
            let project = pull::project(global, screen)?;
            screen.say(&page(&project.plan));
            Ok(Exit::Clean)
        }
        PlanCommand::Infer { source } => infer(source, global, screen).await,
    }
}

/// A cell of a Markdown table.
fn cell(text: &str) -> String {
    let text = text.replace('|', "\\|").replace('\n', " ");
    if text.is_empty() {
        "–".to_owned()
    } else {
        text
    }
}

fn page(plan: &Plan) -> String {
    let mut out = format!("# Tracking plan of {}\n\n", plan.project.name);
    out.push_str("| event | what it is | owner | counted by |\n| --- | --- | --- | --- |\n");
    for event in &plan.events {
        let systems: Vec<&str> = event
            .mappings
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        out.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            event.name,
            cell(event.about.as_deref().unwrap_or("")),
            cell(&owner(plan, event)),
            cell(&systems.join(", "))
        ));
    }
    for event in plan
        .events
        .iter()
        .filter(|event| !event.parameters.is_empty())
    {
        out.push_str(&format!(
            "\n## `{}`\n\n| parameter | must be there | what it is |\n| --- | --- | --- |\n",
            event.name
        ));
        for one in &event.parameters {
            let must = if one.required { "yes" } else { "no" };
            out.push_str(&format!(
                "| `{}` | {must} | {} |\n",
                one.name,
                cell(&one.form)
            ));
        }
    }
    if !plan.conversions.is_empty() {
        out.push_str("\n## Conversions\n\n| conversion | event | primary |\n| --- | --- | --- |\n");
        for one in &plan.conversions {
            let primary = if one.primary { "yes" } else { "no" };
            out.push_str(&format!(
                "| `{}` | `{}` | {primary} |\n",
                one.name, one.event
            ));
        }
    }
    out
}

fn owner(plan: &Plan, event: &Event) -> String {
    let known = event.owner.as_ref();
    known.map_or(String::new(), |id| {
        plan.owners
            .get(id)
            .map_or_else(|| id.to_string(), |owner| owner.name.clone())
    })
}

async fn infer(source: &str, global: &Global, screen: &Screen) -> anyhow::Result<Exit> {
    let project = pull::project(global, screen)?;
    app::require_secrets(&project).await?;
    let world = app::open(project, global.store.as_deref()).await?;
    let (name, tap) = world
        .taps
        .iter()
        .find(|(name, _)| name.as_str() == source)
        .with_context(|| format!("there is no source `{source}`"))?;
    let question = Question::total(
        name,
        Subject::AnyEvent,
        Mapping::default(),
        Measure::Count,
        Grain::Day,
    );
    let question = Question {
        top: u16::MAX,
        ..question.split(&[Name::clean("event")])
    };
    if let Some(why) = tap.source.refuses(&question) {
        bail!("`{source}` does not list its events: {why}");
    }
    let calendar = world.plan.project.calendar.clone();
    let now = world.clock.now();
    let window = Window {
        from: calendar
            .day(calendar.local(now - TimeDelta::days(DAYS)).date())
            .start,
        to: calendar.day(calendar.local(now).date()).start,
    };
    let ask = Ask {
        questions: vec![question],
        window,
        calendar,
        now,
    };
    let pulled = tap.source.pull(&ask, &daemon::means(&world)).await?;
    if let Some((_, why)) = pulled.unanswerable.first() {
        bail!("`{source}` does not list its events: {why}");
    }
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for one in pulled.observations {
        for value in one.series.segment.values().cloned() {
            *counts.entry(value).or_default() += one.value;
        }
    }
    screen.say(&tables(&world.plan, name, counts));
    Ok(Exit::Clean)
}

/// One table for each event that the plan does not have, the most frequent first. Where the plan has
/// an event of that name, a second table would make it unreadable: a remark says so instead.
fn tables(plan: &Plan, source: &Name, counts: BTreeMap<String, f64>) -> String {
    let in_plan = |native: &str| {
        let mut mappings = plan.events.iter().flat_map(|event| &event.mappings);
        mappings.any(|(name, mapping)| name == source && mapping.native.as_deref() == Some(native))
    };
    let mut new: Vec<(String, f64)> = counts
        .into_iter()
        .filter(|(name, _)| !name.starts_with('(') && !in_plan(name))
        .collect();
    new.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    if new.is_empty() {
        return format!("# every event of {source} is in the plan");
    }
    let mut out = String::new();
    let mut taken = BTreeSet::new();
    for (native, count) in new {
        let base = plain_name(&native);
        if plan.events.iter().any(|event| event.name.as_str() == base) {
            out.push_str(&format!(
                "# {count} in {DAYS} days; the plan has an event {base}, which may be the same:\n# in.{source} = {}\n\n",
                quoted(&native)
            ));
            continue;
        }
        let mut ours = base.clone();
        let mut number = 2;
        while !taken.insert(ours.clone()) {
            ours = format!("{base}_{number}");
            number += 1;
        }
        out.push_str(&format!("[event.{ours}]   # {count} in {DAYS} days\n"));
        if ours == native {
            out.push_str(&format!("in.{source} = true\n\n"));
        } else {
            out.push_str(&format!("in.{source} = {}\n\n", quoted(&native)));
        }
    }
    out
}

/// The name in the plan: lower case, words joined by `_`, beginning with a letter.
fn plain_name(native: &str) -> String {
    let words = native.split(|c: char| !c.is_ascii_alphanumeric());
    let joined = words
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("_");
    if joined.is_empty() {
        "unnamed".to_owned()
    } else if joined.starts_with(|c: char| c.is_ascii_digit()) {
        format!("event_{joined}")
    } else {
        joined
    }
}
