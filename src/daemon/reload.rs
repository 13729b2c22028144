//! A new world from changed files, whole or not at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::sync::{Notify, watch};

use super::World;

/// What became of an attempt to build a new world.
pub enum Rebuilt {
    /// A new world that takes over.
    Changed(Arc<World>),
    /// The files say what the running world says.
    Same,
    /// Refused as a whole; the text lists every mistake.
    Refused(String),
}

/// Builds worlds; handed in by `app`, the only room that knows all plugs.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Every file that matters, with a stamp that changes when its content may have.
    fn stamp(&self) -> Vec<(PathBuf, u64)>;

    /// Reads the files and builds a world in place of `running`.
    async fn build(&self, running: &Arc<World>) -> Rebuilt;
}

/// How often files are looked at. A look costs a few `stat` calls; notices of the kernel are not
/// used, since a file that is mounted alone into a container gives none.
const LOOK: TimeDelta = TimeDelta::seconds(2);

/// A file that changed is read once it has rested this long, so that half-written files rest too.
const REST: Duration = Duration::from_millis(500);

/// Watches the files and hands new worlds to everybody.
pub struct Watcher {
    /// Builds.
    pub builder: Arc<dyn Builder>,
    /// Takes the new world.
    pub worlds: watch::Sender<Arc<World>>,
    /// Asks for a look at once: SIGHUP or the API.
    pub asked: Arc<Notify>,
}

impl Watcher {
    /// Runs until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut known = self.builder.stamp();
        while !*stop.borrow() {
            let world = Arc::clone(&self.worlds.borrow());
            let next = world.clock.now() + LOOK;
            let forced = tokio::select! {
                () = world.clock.sleep_until(next) => false,
                () = self.asked.notified() => true,
                changed = stop.changed() => if changed.is_err() { return } else { continue },
            };
            let stamp = self.builder.stamp();
            if !forced && stamp == known {
                continue;
            }
            let rest = TimeDelta::from_std(REST).unwrap_or_default();
            world.clock.sleep_until(world.clock.now() + rest).await;
            known = self.builder.stamp();
            self.reload(&world).await;
        }
    }

    /// Builds and swaps, or says why not.
    async fn reload(&self, running: &Arc<World>) {
        match self.builder.build(running).await {
            Rebuilt::Changed(world) => {
                world.metrics.reload_ok.set(1);
                tracing::info!("the configuration was read again and is in force");
                self.worlds.send_replace(world);
            }
            Rebuilt::Same => {
                running.metrics.reload_ok.set(1);
                tracing::info!("the configuration was read again; nothing changed");
            }
            Rebuilt::Refused(why) => {
                running.metrics.reload_ok.set(0);
                tracing::error!("the new configuration is refused, the old one stays:\n{why}");
            }
        }
    }
}
