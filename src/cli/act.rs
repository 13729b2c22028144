//! `incident`, `silence` and `mark`: what people do from a terminal.

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use clap::Subcommand;

use crate::config;
use crate::daemon::{self, World};
use crate::incident::{Event, Incident, Label};
use crate::model::{Digest, Fingerprint, Mark, MarkKind, Matcher, Name, Timestamp, Window};
use crate::notify::Silence;
use crate::render;
use crate::server;

use super::{Exit, Global, Screen, pull};

/// How far back lists look.
const RECENT: TimeDelta = TimeDelta::days(28);

#[derive(Debug, Subcommand)]
pub(super) enum IncidentCommand {
    /// Incidents of the last 28 days
    List,
    /// Everything about one
    Show {
        /// Its number
        number: u32,
    },
    /// Take it: reminders stop
    Ack {
        /// Its number
        number: u32,
        /// Who takes it
        #[arg(long, env = "USER", default_value = "somebody")]
        by: String,
    },
    /// End it
    Resolve {
        /// Its number
        number: u32,
        /// Who ends it
        #[arg(long, env = "USER", default_value = "somebody")]
        by: String,
    },
    /// Say what it was; baselines and the budget learn from it
    Label {
        /// Its number
        number: u32,
        /// real, expected or noise
        label: String,
    },
}

pub(super) async fn incident(
    command: &IncidentCommand,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let world = pull::world(global, screen).await?;
    let now = world.clock.now();
    match command {
        IncidentCommand::List => {
            let window = Window {
                from: now - RECENT,
                to: now + TimeDelta::seconds(1),
            };
            let found = world.store.incidents_in(window).await?;
            let told: Vec<Incident> = found
                .into_iter()
                .filter(|one| one.number.is_some())
                .collect();
            if screen.json() {
                let list: Vec<_> = told
                    .iter()
                    .map(|one| render::webhook::incident(&world.plan, one))
                    .collect();
                screen.say_json(&serde_json::json!({ "version": 1, "incidents": list }));
            } else {
                screen.say(&render::terminal::incidents(
                    &world.plan,
                    &told,
                    now,
                    screen.color,
                ));
            }
        }
        IncidentCommand::Show { number } => {
            let found = numbered(&world, *number).await?;
            if screen.json() {
                screen.say_json(&render::webhook::incident(&world.plan, &found));
            } else {
                screen.say(&render::terminal::incident(
                    &world.plan,
                    &found,
                    now,
                    screen.color,
                ));
            }
        }
        IncidentCommand::Ack { number, by } => {
            change(&world, *number, Event::Acknowledged { by }, screen).await?;
        }
        IncidentCommand::Resolve { number, by } => {
            change(&world, *number, Event::Ended { by }, screen).await?;
        }
        IncidentCommand::Label { number, label } => {
            let label = match label.as_str() {
                "real" => Label::Real,
                "expected" => Label::Expected,
                "noise" => Label::Noise,
                other => bail!("`{other}` is not a label: use real, expected or noise"),
            };
            change(&world, *number, Event::Labelled(label), screen).await?;
        }
    }
    Ok(Exit::Clean)
}

async fn numbered(world: &World, number: u32) -> anyhow::Result<Incident> {
    let found = world.store.incident(number).await?;
    found.with_context(|| {
        format!("no incident has the number {number}; see `truecount incident list`")
    })
}

async fn change(
    world: &World,
    number: u32,
    event: Event<'_>,
    screen: &Screen,
) -> anyhow::Result<()> {
    let found = numbered(world, number).await?;
    let now = world.clock.now();
    let after = daemon::act(world, &found, event, now).await?;
    if screen.json() {
        screen.say_json(&render::webhook::incident(&world.plan, &after));
        return Ok(());
    }
    screen.say(&render::terminal::incident(
        &world.plan,
        &after,
        now,
        screen.color,
    ));
    Ok(())
}

#[derive(Debug, Subcommand)]
pub(super) enum SilenceCommand {
    /// Mute matching checks for a while
    Add {
        /// Check names; `purchase.*` for all of an event
        #[arg(required_unless_present_any = ["event", "source", "owner"])]
        checks: Vec<String>,
        /// Events
        #[arg(long)]
        event: Vec<String>,
        /// Sources
        #[arg(long)]
        source: Vec<String>,
        /// Owners
        #[arg(long)]
        owner: Vec<String>,
        /// How long, such as "2 hours" or "3 days"
        #[arg(long = "for", value_name = "DURATION")]
        length: String,
        /// Why; whoever reads this later wants to know
        #[arg(long)]
        reason: String,
        /// Who
        #[arg(long, env = "USER", default_value = "somebody")]
        by: String,
    },
    /// Silences in force
    List,
    /// End one now
    End {
        /// Its id, as `list` shows it
        id: String,
    },
}

pub(super) async fn silence(
    command: &SilenceCommand,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let world = pull::world(global, screen).await?;
    let now = world.clock.now();
    match command {
        SilenceCommand::Add {
            checks,
            event,
            source,
            owner,
            length,
            reason,
            by,
        } => {
            let length =
                config::human::duration(length).map_err(|why| anyhow::anyhow!("--for: {why}"))?;
            let matcher = Matcher {
                checks: checks.clone(),
                events: event.clone(),
                owners: owner.clone(),
                sources: source.clone(),
                primary_only: false,
            };
            let mut digest = Digest::new("silence.1");
            digest
                .text(&format!("{matcher:?}"))
                .text(&now.to_rfc3339())
                .text(reason);
            let silence = Silence {
                id: digest.fingerprint(),
                matcher,
                window: Window {
                    from: now,
                    to: now + length,
                },
                reason: Name::parse(reason).context("--reason")?.to_string(),
                by: Name::clean(by).to_string(),
            };
            world.store.silence(&silence).await?;
            screen.say(&render::terminal::silences(&world.plan, &[silence], now));
        }
        SilenceCommand::List => {
            let found = world.store.silences(now).await?;
            if screen.json() {
                let list: Vec<_> = found.iter().map(server::silence).collect();
                screen.say_json(&serde_json::json!({ "version": 1, "silences": list }));
            } else {
                screen.say(&render::terminal::silences(&world.plan, &found, now));
            }
        }
        SilenceCommand::End { id } => {
            let known = world.store.silences(now).await?;
            let found = Fingerprint::parse(id)
                .and_then(|id| known.into_iter().find(|one| one.id == id))
                .with_context(|| format!("no silence in force has the id {id}"))?;
            let window = Window {
                to: now.max(found.window.from),
                ..found.window
            };
            let ended = Silence { window, ..found };
            world.store.silence(&ended).await?;
            screen.say("the silence has ended; what still lasts is told once");
        }
    }
    Ok(Exit::Clean)
}

#[derive(Debug, clap::Args)]
pub(super) struct MarkOptions {
    /// What happened, such as "web 4.18.0"
    name: String,
    /// release, tag, campaign, setting or note
    #[arg(long, default_value = "release")]
    kind: String,
    /// When, such as 2026-11-24T08:41:00Z; now unless given
    #[arg(long)]
    at: Option<String>,
    /// Which source it concerns, if only one
    #[arg(long)]
    source: Option<String>,
}

pub(super) async fn mark(
    options: &MarkOptions,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let world = pull::world(global, screen).await?;
    let kind = MarkKind::parse(&options.kind)
        .with_context(|| format!("`{}` is not a kind of mark", options.kind))?;
    let at = match &options.at {
        Some(text) => moment(text)?,
        None => world.clock.now(),
    };
    let mark = Mark {
        at,
        kind,
        name: Name::parse(&options.name).context("the name")?,
        source: options.source.as_deref().map(Name::clean),
    };
    world.store.mark(&mark).await?;
    screen.say(&format!(
        "noted: {} {}, {}",
        mark.kind.word(),
        mark.name,
        render::words::moment(&world.plan.project.calendar, mark.at)
    ));
    Ok(Exit::Clean)
}

fn moment(text: &str) -> anyhow::Result<Timestamp> {
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .with_context(|| format!("--at {text}: write it like 2026-11-24T08:41:00Z"))
}
