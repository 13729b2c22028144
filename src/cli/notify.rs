//! `notify test`: one clearly marked sample through a route.

use anyhow::bail;
use clap::Subcommand;

use crate::app;
use crate::daemon;

use super::{Exit, Global, Screen, pull};

#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Send one sample alert through a route
    Test {
        /// The route
        route: String,
    },
}

pub(super) async fn run(
    command: &NotifyCommand,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let NotifyCommand::Test { route } = command;
    let project = pull::project(global, screen)?;
    app::require_secrets(&project).await?;
    let world = app::open(project, global.store.as_deref()).await?;
    let Some(found) = world
        .plan
        .routes
        .iter()
        .find(|one| one.name.as_str() == route)
    else {
        let names: Vec<&str> = world
            .plan
            .routes
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        bail!(
            "there is no route `{route}`; the plan has {}",
            names.join(", ")
        );
    };
    let mut failed = false;
    for (channel, outcome) in daemon::send_sample(&world, found).await {
        match outcome {
            Ok(receipt) => screen.say(&format!("{channel}: taken ({receipt})")),
            Err(why) => {
                failed = true;
                screen.say(&format!("{channel}: {why}"));
            }
        }
    }
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}
