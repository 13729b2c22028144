//! `notify test`: one clearly marked sample through a route.

use anyhow::bail;
use clap::Subcommand;

use crate::app;
use crate::daemon;
use crate::plan::Route;

use super::{Exit, Global, Screen, pull};

#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Send one sample through every channel of a route, or of all routes
    Test {
        /// The route; all routes unless given
        route: Option<String>,
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
    let routes: Vec<&Route> = world
        .plan
        .routes
        .iter()
        .filter(|one| {
            route
                .as_deref()
                .is_none_or(|name| one.name.as_str() == name)
        })
        .collect();
    if routes.is_empty() {
        let names = world.plan.routes.iter().map(|one| one.name.as_str());
        let names: Vec<&str> = names.collect();
        match route {
            Some(route) => bail!(
                "there is no route `{route}`; the plan has {}",
                names.join(", ")
            ),
            None => bail!("nobody is told: the plan has no [route.*]"),
        }
    }
    let mut failed = false;
    for route in routes {
        for (channel, outcome) in daemon::send_sample(&world, route).await {
            let receiver = world.channels.get(&channel);
            let receiver = receiver.map_or(String::new(), |one| format!(" ({})", one.receiver()));
            match outcome {
                Ok(receipt) => screen.say(&format!("{channel}{receiver}: taken, {receipt}")),
                Err(why) => {
                    failed = true;
                    screen.say(&format!("{channel}{receiver}: NOT taken: {why}"));
                }
            }
        }
    }
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}
