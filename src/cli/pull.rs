//! `pull`: one fetch now.

use anyhow::bail;

use crate::app::{self, Project};
use crate::daemon::{self, World};
use crate::render;

use super::{Exit, Global, Screen};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only this source
    source: Option<String>,
    /// Say what would be asked, and ask nothing
    #[arg(long)]
    dry_run: bool,
}

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
pub(super) async fn world(
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<std::sync::Arc<World>> {
    let project = project(global, screen)?;
    Ok(std::sync::Arc::new(
        app::open(project, global.store.as_deref()).await?,
    ))
}

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let project = project(global, screen)?;
    app::require_secrets(&project).await?;
    let world = std::sync::Arc::new(app::open(project, global.store.as_deref()).await?);
    if let Some(name) = &options.source
        && !world.taps.contains_key(name.as_str())
    {
        let known: Vec<&str> = world.taps.keys().map(crate::model::Name::as_str).collect();
        bail!(
            "there is no source `{name}`; the plan has {}",
            known.join(", ")
        );
    }
    let wanted = |name: &str| options.source.as_ref().is_none_or(|only| only == name);
    let mut failed = 0;
    for (name, tap) in world.taps.iter().filter(|(name, _)| wanted(name.as_str())) {
        if options.dry_run {
            let (asks, cost) = daemon::forecast(&world, tap, world.clock.now()).await?;
            screen.say(&render::terminal::forecast(
                name,
                asks,
                cost.requests,
                cost.units,
            ));
            continue;
        }
        daemon::pull(&world, tap, world.clock.now()).await?;
        if let Some((pull, _)) = world.store.pulls().await?.get(name) {
            failed += u32::from(pull.failure.is_some());
            let why = pull.failure.as_deref();
            screen.say(&render::terminal::pulled(
                name,
                pull.rows,
                pull.took,
                why,
                &pull.notes,
            ));
        }
    }
    Ok(if failed > 0 {
        Exit::NotEnoughData
    } else {
        Exit::Clean
    })
}
