//! `pull`: one fetch now.

use std::sync::Arc;

use anyhow::bail;
use chrono::TimeDelta;
use serde_json::Value;

use crate::app::{self, Project};
use crate::config;
use crate::daemon::{self, Tap, World};
use crate::model::Timestamp;
use crate::render;

use super::{Exit, Global, Screen, progress};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only this source
    source: Option<String>,
    /// Read everything again from so long ago, such as 90d
    #[arg(long, value_name = "DURATION")]
    since: Option<String>,
    /// Say what would be asked and the quota it would take, and ask nothing
    #[arg(long)]
    dry_run: bool,
}

/// The right of a process that was killed in the middle of a pull ends by itself after this time.
const ABANDONED: TimeDelta = TimeDelta::seconds(24);

/// How often it is looked whether it has ended.
const LOOK: TimeDelta = TimeDelta::seconds(2);

/// Reads the configuration and refuses one with errors.
pub(super) fn project(global: &Global, screen: &Screen) -> anyhow::Result<Project> {
    let reading = app::Reading {
        allow_plain: global.allow_plain,
    };
    let project = app::load(&global.config, reading)?;
    if project.refused() {
        screen.note(&render::diagnostic::human(
            &project.diagnostics,
            &project.files,
            screen.color,
        ));
        bail!("the configuration has errors; `truecount validate` lists them");
    }
    Ok(project)
}

/// The world of the machine for commands that look and act once.
pub(super) async fn world(global: &Global, screen: &Screen) -> anyhow::Result<Arc<World>> {
    let project = project(global, screen)?;
    Ok(Arc::new(app::open(project, global.store.as_deref()).await?))
}

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let project = project(global, screen)?;
    if !options.dry_run {
        app::require_secrets(&project).await?;
    }
    let world = Arc::new(app::open(project, global.store.as_deref()).await?);
    if let Some(name) = &options.source
        && !world.taps.contains_key(name.as_str())
    {
        let known: Vec<&str> = world.taps.keys().map(crate::model::Name::as_str).collect();
        bail!(
            "there is no source `{name}`; the plan has {}",
            known.join(", ")
        );
    }
    let since = match &options.since {
        None => None,
        Some(text) => {
            let length = config::human::duration(text)
                .map_err(|why| anyhow::anyhow!("--since: {why}, such as 90d"))?;
            Some(world.clock.now() - length)
        }
    };
    let mut list = Vec::new();
    let mut failed = false;
    let wanted = |name: &str| options.source.as_ref().is_none_or(|only| only == name);
    for (name, tap) in world.taps.iter().filter(|(name, _)| wanted(name.as_str())) {
        if options.dry_run {
            list.push(plan_one(&world, tap, since, screen).await?);
        } else if let Some((value, good)) = pull_one(&world, tap, since, screen).await? {
            failed |= !good;
            list.push(value);
        } else {
            screen.note(&format!("{name}: another process is pulling it now"));
        }
    }
    if screen.json() {
        screen.say_json(&serde_json::json!({ "version": 1, "sources": list }));
    }
    Ok(if failed {
        Exit::NotEnoughData
    } else {
        Exit::Clean
    })
}

/// Says what a source would be asked.
async fn plan_one(
    world: &World,
    tap: &Tap,
    since: Option<Timestamp>,
    screen: &Screen,
) -> anyhow::Result<Value> {
    let name = &tap.decl.decl.name;
    let asks = daemon::forecast(world, tap, world.clock.now(), since).await?;
    let calendar = &world.plan.project.calendar;
    let planned: Vec<render::terminal::Planned<'_>> = asks
        .iter()
        .map(|(ask, cost)| render::terminal::Planned {
            window: ask.window,
            questions: &ask.questions,
            requests: cost.requests,
            units: cost.units,
        })
        .collect();
    if !screen.json() {
        screen.say(&render::terminal::forecast(name, &planned, calendar));
    }
    Ok(render::terminal::forecast_json(name, &planned, calendar))
}

/// Pulls a source and says what came; `None` when another process is at it.
async fn pull_one(
    world: &World,
    tap: &Arc<Tap>,
    since: Option<Timestamp>,
    screen: &Screen,
) -> anyhow::Result<Option<(Value, bool)>> {
    let name = &tap.decl.decl.name;
    let now = world.clock.now();
    let asks = daemon::forecast(world, tap, now, since).await?;
    let mut waited = TimeDelta::zero();
    loop {
        let work = daemon::pull_since(world, tap, now, since);
        if progress::watched(world, name, &asks, screen, work).await? == daemon::Step::Worked {
            break;
        }
        if waited >= ABANDONED {
            return Ok(None);
        }
        if waited.is_zero() {
            screen.note(&format!(
                "{name}: another process is pulling it, or was ended in the middle; waiting"
            ));
        }
        waited += LOOK;
        world.clock.sleep_until(world.clock.now() + LOOK).await;
    }
    let pulls = world.store.pulls().await?;
    Ok(pulls.get(name).map(|(pull, _)| {
        let why = pull.failure.as_deref();
        if !screen.json() {
            screen.say(&render::terminal::pulled(
                name,
                pull.rows,
                pull.took,
                why,
                &pull.notes,
            ));
        }
        let value = render::terminal::pulled_json(name, pull.rows, pull.took, why, &pull.notes);
        (value, why.is_none())
    }))
}
