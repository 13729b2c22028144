//! `status`: health at a glance, from the store alone.

use crate::render;

use super::{Exit, Global, Screen, check, pull};

#[derive(Debug, clap::Args)]
pub(super) struct Options {}

pub(super) async fn run(_: &Options, global: &Global, screen: &Screen) -> anyhow::Result<Exit> {
    let world = pull::world(global, screen).await?;
    let now = world.clock.now();
    let latest = world.store.latest().await?;
    let incidents = world.store.incidents(now).await?;
    let pulls: Vec<_> = world
        .store
        .pulls()
        .await?
        .into_iter()
        .map(|(name, (pull, success))| render::terminal::SourceLine {
            name,
            last_success: success,
            failure: pull.failure,
        })
        .collect();
    if screen.json() {
        screen.say_json(&render::terminal::check_json(&world.plan, &latest, now));
    } else {
        let text =
            render::terminal::status(&world.plan, &latest, &incidents, &pulls, now, screen.color);
        screen.say(&text);
    }
    Ok(check::exit(&latest, global.deny_warnings))
}
