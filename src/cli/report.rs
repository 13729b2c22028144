//! `report`: the weekly audit as a file, from the store alone; `--send` mails it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;

use crate::daemon::{self, World};
use crate::model::Window;
use crate::render;

use super::{Exit, Global, Screen, pull, validate};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Html,
    Text,
    Json,
    Csv,
    Slack,
}

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Which week, such as 2026-W43; the last whole week unless given
    #[arg(long)]
    week: Option<String>,
    /// How it is written; text unless given
    #[arg(long = "as")]
    form: Option<Form>,
    /// Into this file; standard output unless given
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Mail it to the people of `[report.weekly]`
    #[arg(long)]
    send: bool,
}

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let world = pull::world(global, screen).await?;
    let now = world.clock.now();
    let week = match &options.week {
        Some(text) => week_of(&world, text)?,
        None => daemon::last_week(&world.plan.project.calendar, now),
    };
    let audit = daemon::collect(&world, week, now).await?;
    let usual = if screen.json() {
        Form::Json
    } else {
        Form::Text
    };
    let text = match options.form.unwrap_or(usual) {
        Form::Html => render::audit::page(&audit.report),
        Form::Text => render::audit::text(&audit.report),
        Form::Json => render::audit::json(&audit.report),
        Form::Csv => render::audit::csv(&audit.report),
        Form::Slack => format!("{:#}", render::audit::slack(&audit.report)),
    };
    if !daemon::has_judged(&world).await? {
        screen.note(render::terminal::NOT_JUDGED);
        screen.note("What this audit says of checks, events seen and incidents is: not known.");
    }
    match &options.output {
        Some(path) => {
            validate::write_whole(path, &text)
                .with_context(|| format!("cannot write {}", path.display()))?;
            screen.note(&format!("wrote {}", path.display()));
        }
        None => screen.say(&text),
    }
    if options.send {
        let count = daemon::send_report_now(&world, &audit, now).await?;
        daemon::deliver_now(&world).await?;
        screen.note(&match (count, world.store.next_letter().await?) {
            (0, _) => "nobody gets this audit; add `to` to [report.weekly]".to_owned(),
            (_, None) => "sent".to_owned(),
            (_, Some(at)) => format!(
                "not everything could be sent; the daemon tries again from {}",
                world.plan.project.calendar.local(at).format("%H:%M")
            ),
        });
    }
    Ok(Exit::Clean)
}

/// `2026-W43` to its Monday and the Monday after.
fn week_of(world: &World, text: &str) -> anyhow::Result<Window> {
    let calendar = &world.plan.project.calendar;
    daemon::week_named(calendar, text).with_context(|| {
        let last = daemon::last_week(calendar, world.clock.now());
        let example = daemon::week_label(calendar, last);
        format!("`{text}` is not a week; write it like {example}")
    })
}
