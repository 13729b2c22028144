//! `serve`: the daemon with its server, until it is asked to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};

use crate::app;
use crate::daemon::{self, Builder, Rebuilt, Watcher, World};
use crate::render;
use crate::server::{self, Server};

use super::{Exit, Global, Screen};

/// Where the server listens unless the plan says otherwise.
const USUAL_ADDRESS: &str = "127.0.0.1:8787";

/// Everything must have ended this long after a stop was asked for.
const STOP: Duration = Duration::from_secs(9);

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where to listen, in place of `[server] listen`
    #[arg(long, env = "TRUECOUNT_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
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
    app::require_secrets(&project).await?;
    let (world, _lock) = app::open_daemon(project, global.store.as_deref()).await?;
    let world = Arc::new(world);
    let builder = Files {
        path: global.config.clone(),
        reading,
        screen: screen.clone(),
    };
    let listen = options.listen.as_deref();
    serve(world, listen, Some(Arc::new(builder)), Readers::WithToken).await?;
    Ok(Exit::Clean)
}

/// Who may read when somebody has a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Whoever has a token.
    WithToken,
    /// Everybody who reaches us on loopback: the demo has nothing to hide.
    Everybody,
}

/// Runs a world until the process is asked to stop.
pub(super) async fn serve(
    world: Arc<World>,
    listen: Option<&str>,
    builder: Option<Arc<dyn Builder>>,
    readers: Readers,
) -> anyhow::Result<()> {
    // Before the first letter can leave: a stop that came earlier would be a kill.
    let signals = Signals::listen()?;
    let (listener, server_parts) = bind(&world, listen, readers).await?;
    let address = listener.local_addr()?;
    let (world_sender, worlds) = watch::channel(Arc::clone(&world));
    let (stop_sender, stop) = watch::channel(false);
    let asked = Arc::new(Notify::new());
    let reload = builder.is_some().then(|| Arc::clone(&asked));
    let server = Server::new(
        worlds.clone(),
        server_parts.open_reading,
        server_parts.token,
        reload,
    );
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(daemon::run(worlds.clone(), stop.clone()));
    let serving = stop.clone();
    tasks.spawn(async move {
        if let Err(why) = server::serve(server, listener, serving).await {
            tracing::error!("the server ended: {why}");
        }
    });
    if let Some(builder) = builder {
        let watcher = Watcher {
            builder,
            worlds: world_sender,
            asked: Arc::clone(&asked),
        };
        tasks.spawn(watcher.run(stop.clone()));
        tasks.spawn(watch_hangup(signals.hangup, asked, stop.clone()));
    }
    tasks.spawn(keep_watchdog(Arc::clone(&world), worlds, stop));
    tracing::info!("listening on http://{address}");
    notify_manager(&[sd_notify::NotifyState::Ready]);
    let signal = wait_for_stop(signals.terminate, signals.interrupt).await;
    tracing::info!("stopping: {signal}");
    notify_manager(&[sd_notify::NotifyState::Stopping]);
    stop_sender.send_replace(true);
    let ended = tokio::time::timeout(STOP, async { while tasks.join_next().await.is_some() {} });
    if ended.await.is_err() {
        tracing::warn!("not everything ended in time; nothing that was committed is lost");
    }
    Ok(())
}

struct ServerParts {
    open_reading: bool,
    token: Option<[u8; 32]>,
}

/// Binds, and refuses an address that others reach while nobody needs a token.
async fn bind(
    world: &World,
    listen: Option<&str>,
    readers: Readers,
) -> anyhow::Result<(TcpListener, ServerParts)> {
    let settings = &world.plan.server;
    let text = listen
        .or(settings.listen.as_deref())
        .unwrap_or(USUAL_ADDRESS);
    let text = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.to_owned()
    };
    let token = match &settings.token {
        Some(at) => {
            let text = world.secrets.read(at).await.context("[server] token")?;
            Some(server::hash(text.expose_secret()))
        }
        None => None,
    };
    let anybody_has_token = token.is_some() || world.store.has_tokens().await?;
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(&text)
        .await
        .with_context(|| {
            format!("`{text}` is not an address to listen on; write it like {USUAL_ADDRESS}")
        })?
        .collect();
    let loopback = addresses.iter().all(|address| address.ip().is_loopback());
    if !loopback && !anybody_has_token {
        bail!(
            "refusing to listen on {text} without a token: others could read and change everything\n\
             make one with `truecount token create NAME`, set `[server] token`, or listen on {USUAL_ADDRESS}"
        );
    }
    let listener = TcpListener::bind(&*addresses)
        .await
        .with_context(|| format!("cannot listen on {text}; is another process there?"))?;
    Ok((
        listener,
        ServerParts {
            open_reading: loopback && (!anybody_has_token || readers == Readers::Everybody),
            token,
        },
    ))
}

/// What the process is told from outside.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// A file that may not grow is an error of that write, not the end of the process.
    _full: Signal,
}

/// SIGXFSZ of Linux.
const FILE_TOO_LARGE: i32 = 25;

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            _full: signal(SignalKind::from_raw(FILE_TOO_LARGE))?,
        })
    }
}

async fn wait_for_stop(mut terminate: Signal, mut interrupt: Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "asked to terminate",
        _ = interrupt.recv() => "interrupted",
    }
}

async fn watch_hangup(mut hangup: Signal, asked: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! {
            got = hangup.recv() => match got {
                Some(()) => asked.notify_one(),
                None => return,
            },
            changed = stop.changed() => if changed.is_err() { return },
        }
    }
}

/// Tells systemd that the loop turns: only while the database answers.
async fn keep_watchdog(
    world: Arc<World>,
    worlds: watch::Receiver<Arc<World>>,
    mut stop: watch::Receiver<bool>,
) {
    let Some(period) = sd_notify::watchdog_enabled() else {
        return;
    };
    let half = chrono::TimeDelta::from_std(period / 2).unwrap_or(chrono::TimeDelta::seconds(30));
    while !*stop.borrow() {
        let current = Arc::clone(&worlds.borrow());
        if current.store.next_letter().await.is_ok() {
            notify_manager(&[sd_notify::NotifyState::Watchdog]);
        }
        tokio::select! {
            () = world.clock.sleep_until(world.clock.now() + half) => (),
            changed = stop.changed() => if changed.is_err() { return },
        }
    }
}

fn notify_manager(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(why) = sd_notify::notify(states) {
        tracing::debug!("no service manager listens: {why}");
    }
}

/// Builds worlds from the files of a project.
struct Files {
    path: PathBuf,
    reading: app::Reading,
    screen: Screen,
}

#[async_trait]
impl Builder for Files {
    fn stamp(&self) -> Vec<(PathBuf, u64)> {
        app::stamp(&self.path)
    }

    async fn build(&self, running: &Arc<World>) -> Rebuilt {
        let project = match app::load(&self.path, self.reading) {
            Ok(project) => project,
            Err(why) => return Rebuilt::Refused(format!("{why:#}")),
        };
        if project.refused() {
            let color = self.screen.color;
            return Rebuilt::Refused(render::diagnostic::human(
                &project.diagnostics,
                &project.files,
                color,
            ));
        }
        match app::rebuild(project, running).await {
            Ok(Some(world)) => Rebuilt::Changed(Arc::new(world)),
            Ok(None) => Rebuilt::Same,
            Err(why) => Rebuilt::Refused(format!("{why:#}")),
        }
    }
}
