//! `check`: judge once from stored counts and show the screen.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use chrono::{NaiveDate, NaiveTime};

use crate::app;
use crate::daemon::{self, World};
use crate::model::{Evaluation, Held, Outcome, Status, Timestamp};
use crate::render;

use super::{Exit, Global, Screen, pull};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only these checks; `purchase.*` for all of an event
    names: Vec<String>,
    /// Look at a past day, as it was known at its end: 2026-10-23
    #[arg(long, value_name = "DAY")]
    at: Option<NaiveDate>,
    /// Fetch first
    #[arg(long)]
    fresh: bool,
    /// Also list the checks that are fine
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let project = pull::project(global, screen)?;
    if options.fresh {
        app::require_secrets(&project).await?;
    }
    let world = Arc::new(app::open(project, global.store.as_deref()).await?);
    if options.fresh {
        for tap in world.taps.values() {
            daemon::pull(&world, tap, world.clock.now()).await?;
        }
    }
    let at = match options.at {
        None => world.clock.now(),
        Some(day) => end_of(&world, day)?,
    };
    let looked = daemon::look(&world, at).await?;
    let seen = chosen(looked.seen, &options.names)?;
    show(&world, &seen, options.all, at, screen);
    Ok(exit(&seen, global.deny_warnings))
}

/// The end of a local day; not later than now.
pub(super) fn end_of(world: &World, day: NaiveDate) -> anyhow::Result<Timestamp> {
    let calendar = &world.plan.project.calendar;
    let next = day
        .succ_opt()
        .context("that day is the last of the calendar")?;
    let end = calendar.instant(next.and_time(NaiveTime::MIN));
    let now = world.clock.now();
    if calendar.day(day).start > now {
        bail!("{day} has not come yet");
    }
    Ok(end.min(now))
}

/// Only the checks that were asked for; a name that fits none is an error.
pub(super) fn chosen(seen: Vec<Evaluation>, names: &[String]) -> anyhow::Result<Vec<Evaluation>> {
    let fits = |seen: &Evaluation, name: &String| match name.strip_suffix('*') {
        Some(stem) => seen.check.as_str().starts_with(stem),
        None => seen.check.as_str() == name,
    };
    for name in names {
        if !seen.iter().any(|one| fits(one, name)) {
            bail!("no check is called `{name}`; `truecount check --all` lists them");
        }
    }
    let wanted = |one: &Evaluation| names.is_empty() || names.iter().any(|name| fits(one, name));
    Ok(seen.into_iter().filter(wanted).collect())
}

/// Prints the screen or its JSON.
pub(super) fn show(world: &World, seen: &[Evaluation], all: bool, at: Timestamp, screen: &Screen) {
    if screen.json() {
        screen.say_json(&render::terminal::check_json(&world.plan, seen, at));
    } else {
        screen.say(&render::terminal::check(
            &world.plan,
            seen,
            all,
            at,
            screen.color,
        ));
    }
}

/// Watched findings and witnesses do not fail a run; a cold start is not *no data*.
pub(super) fn exit(seen: &[Evaluation], deny_warnings: bool) -> Exit {
    let alarming = |one: &&Evaluation| !one.witness && one.held == Held::No;
    let worst = seen
        .iter()
        .filter(alarming)
        .filter_map(|one| one.outcome.status())
        .max();
    match worst {
        Some(Status::Failing) => Exit::Findings,
        Some(Status::Warning) if deny_warnings => Exit::Findings,
        _ if seen.iter().any(source_trouble) => Exit::NotEnoughData,
        _ => Exit::Clean,
    }
}

fn source_trouble(seen: &Evaluation) -> bool {
    matches!(&seen.outcome, Outcome::NoData(gap) if gap.is_source_trouble())
}
