//! `status`: health at a glance, from the store alone.

use crate::daemon;
use crate::render;

use super::{Exit, Global, Screen, check, pull};

#[derive(Debug, clap::Args)]
pub(super) struct Options {}

pub(super) async fn run(_: &Options, global: &Global, screen: &Screen) -> anyhow::Result<Exit> {
    let world = pull::world(global, screen).await?;
    let now = world.clock.now();
    let judged = daemon::has_judged(&world).await?;
    let latest = world.store.latest().await?;
    let incidents = world.store.incidents(now).await?;
    let mut pulls = world.store.pulls().await?;
    let sources: Vec<_> = world
        .taps
        .keys()
        .map(|name| {
            let known = pulls.remove(name);
            render::terminal::SourceLine {
                name: name.clone(),
                asked: known.is_some(),
                last_success: known.as_ref().and_then(|(_, success)| *success),
                failure: known.as_ref().and_then(|(pull, _)| pull.failure.clone()),
                notes: known.map_or_else(Vec::new, |(pull, _)| pull.notes),
            }
        })
        .collect();
    if screen.json() {
        let mut value = render::terminal::check_json(&world.plan, &latest, now);
        value["judged"] = judged.into();
        screen.say_json(&value);
    } else {
        let seen = judged.then_some(&latest[..]);
        let text =
            render::terminal::status(&world.plan, seen, &incidents, &sources, now, screen.color);
        screen.say(&text);
    }
    Ok(if judged {
        check::exit(&latest, global.deny_warnings)
    } else {
        Exit::NotEnoughData
    })
}
