//! `report`: the audit of a week or month as a file, from the store alone; `--send` mails it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;

use crate::daemon::{self, Stretch, World};
use crate::model::Period;
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
    #[arg(long, value_name = "YYYY-Www")]
    week: Option<String>,
    /// Which month, such as 2026-10, with repeats, CRM mapping and 13 weeks
    #[arg(long, value_name = "YYYY-MM", conflicts_with = "week")]
    month: Option<String>,
    /// How it is written; text unless given
    #[arg(long = "as")]
    form: Option<Form>,
    /// Into this file; standard output unless given
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Mail it to the people of the `[report.*]` of its kind
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
    let calendar = &world.plan.project.calendar;
    let stretch = match (&options.week, &options.month) {
        (Some(text), _) => named(&world, Period::Week, text)?,
        (None, Some(text)) => named(&world, Period::Month, text)?,
        (None, None) => Stretch::last(Period::Week, calendar, now),
    };
    let audit = daemon::collect(&world, stretch, now).await?;
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
            (0, _) => format!(
                "nobody gets this audit; add `to` to [report.{}ly]",
                stretch.period.word()
            ),
            (_, None) => "sent".to_owned(),
            (_, Some(at)) => format!(
                "not everything could be sent; the daemon tries again from {}",
                world.plan.project.calendar.local(at).format("%H:%M")
            ),
        });
    }
    Ok(Exit::Clean)
}

/// `2026-W43` or `2026-10`; the error shows how one is written.
fn named(world: &World, period: Period, text: &str) -> anyhow::Result<Stretch> {
    let calendar = &world.plan.project.calendar;
    let found = Stretch::named(calendar, text).filter(|found| found.period == period);
    found.with_context(|| {
        let sample = Stretch::last(period, calendar, world.clock.now()).label(calendar);
        let kind = period.word();
        format!("`{text}` is not a {kind}; write it like {sample}")
    })
}
