//! `demo`: the whole way on a made-up company, with faults that are known beforehand.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use tokio::sync::Notify;

use crate::app::{self, Parts};
use crate::clock::{Clock, SystemClock};
use crate::daemon::{self, World};
use crate::deliver::{Channel, Desk, Means, SendError};
use crate::demo;
use crate::model::{Name, Period, Timestamp};
use crate::net::Net;
use crate::notify::{Letter, Notification, Payload, Reason};
use crate::render;
use crate::secret::{Secrets, SystemSecrets};
use crate::server::{self, Scope};
use crate::telemetry::Metrics;

use super::serve::{self, Readers};
use super::{Exit, Global, Screen};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Another company, other noise; the faults stay
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Where the letters, the audit and the database are written
    #[arg(long, default_value = "target/demo")]
    output: PathBuf,
    /// Stay up afterwards with the page on loopback
    #[arg(long)]
    serve: bool,
    /// Live as if this were today, and stay there: 2026-10-20
    #[arg(long, value_name = "DAY")]
    today: Option<NaiveDate>,
    /// Where to listen with `--serve`
    #[arg(long, default_value = "127.0.0.1:8787")]
    listen: String,
}

/// Days of daily life that are driven round by round; before them lies history.
const LIVED: i64 = 32;

/// Rounds a day.
const ROUNDS: i64 = 4;

/// A clock that stands still until it is moved.
struct SteppedClock {
    at: Mutex<Timestamp>,
    machine: SystemClock,
    /// From now on it is the machine's time: the page of `--serve` lives today.
    real: AtomicBool,
    /// From now on nothing moves it, and who sleeps really waits.
    still: AtomicBool,
}

impl SteppedClock {
    fn set(&self, at: Timestamp) {
        if let Ok(mut own) = self.at.lock() {
            *own = at;
        }
    }
}

#[async_trait]
impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        if self.real.load(Ordering::Relaxed) {
            return self.machine.now();
        }
        self.at
            .lock()
            .map_or_else(|broken| *broken.into_inner(), |at| *at)
    }

    fn uptime(&self) -> std::time::Duration {
        self.machine.uptime()
    }

    async fn sleep_until(&self, at: Timestamp) {
        if self.real.load(Ordering::Relaxed) {
            self.machine.sleep_until(at).await;
        } else if self.still.load(Ordering::Relaxed) {
            let length = (at - self.now()).max(TimeDelta::seconds(1));
            self.machine.sleep_until(self.machine.now() + length).await;
        } else if at > self.now() {
            self.set(at);
        }
    }
}

/// A letter that a channel would have sent.
#[derive(Clone)]
struct Sent {
    channel: Name,
    letter: Letter,
}

/// A real channel whose last step is a drawer instead of the network.
struct Drawer {
    inner: Arc<dyn Channel>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

#[async_trait]
impl Channel for Drawer {
    fn letter(&self, notification: &Notification, desk: &Desk<'_>) -> Payload {
        self.inner.letter(notification, desk)
    }

    async fn send(
        &self,
        letter: &Letter,
        _earlier: &[String],
        _now: Timestamp,
        _means: &Means,
    ) -> Result<String, SendError> {
        if let Ok(mut sent) = self.sent.lock() {
            sent.push(Sent {
                channel: letter.channel.clone(),
                letter: letter.clone(),
            });
        }
        Ok(format!("kept {}", letter.id))
    }

    async fn probe(&self, _means: &Means) -> Result<String, SendError> {
        Ok("a drawer".to_owned())
    }

    fn spacing(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    fn receiver(&self) -> String {
        self.inner.receiver()
    }
}

pub(super) async fn run(options: &Options, _: &Global, screen: &Screen) -> anyhow::Result<Exit> {
    let machine = SystemClock::start();
    let began = machine.uptime();
    let today = options.today.map_or_else(
        || machine.now(),
        |day| day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(10),
    );
    std::fs::create_dir_all(&options.output)
        .with_context(|| format!("cannot make {}", options.output.display()))?;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let clock = Arc::new(SteppedClock {
        at: Mutex::new(today),
        machine,
        real: AtomicBool::new(false),
        still: AtomicBool::new(false),
    });
    let world = build(options, &clock, &sent, today).await?;
    screen.note(&format!(
        "{} · seed {} · {} days of history, the last {LIVED} lived round by round",
        world.plan.project.name,
        options.seed,
        demo::DAYS
    ));
    live(&world, &clock, today, screen).await?;
    let exit = show(options, screen, &world, &sent, today).await?;
    let took = world.clock.uptime().saturating_sub(began);
    screen.note(&format!(
        "{:.1} s for {} rounds",
        took.as_secs_f64(),
        LIVED * ROUNDS
    ));
    if options.serve {
        let mode = if options.today.is_some() {
            &clock.still
        } else {
            &clock.real
        };
        mode.store(true, Ordering::Relaxed);
        let now = world.clock.now();
        let name = Name::clean("demo");
        let token = server::create(&*world.store, &name, Scope::Write, None, now).await?;
        screen.note(&format!(
            "the page: http://{}  (Ctrl+C ends it)\nto acknowledge and silence there, sign in with {token}",
            options.listen
        ));
        serve::serve(world, Some(&options.listen), None, Readers::Everybody).await?;
    }
    Ok(exit)
}

async fn build(
    options: &Options,
    clock: &Arc<SteppedClock>,
    sent: &Arc<Mutex<Vec<Sent>>>,
    today: Timestamp,
) -> anyhow::Result<Arc<World>> {
    let files = demo::plan_files(options.seed, today);
    let path = options.output.join("truecount.db");
    make_room(options, &path)?;
    for file in &files {
        std::fs::write(options.output.join(&file.path), &file.text)?;
    }
    let project = app::understand(options.output.clone(), files, app::Reading::default());
    if project.refused() {
        bail!(
            "the demo's own plan has errors:\n{}",
            render::diagnostic::human(&project.diagnostics, &project.files, false)
        );
    }
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let secrets: Arc<dyn Secrets> = Arc::new(SystemSecrets {
        folder: options.output.clone(),
    });
    let net = Net::open(&project.plan.net, &*secrets, Arc::clone(&clock)).await?;
    let parts = Parts {
        store: app::open_store(&path, &project.plan.project.id, today)?,
        clock,
        net,
        secrets,
        metrics: Arc::new(Metrics::new()),
        folder: options.output.clone(),
        archive: Some(options.output.join("reports")),
        holder: "demo".to_owned(),
        wakes: (Arc::new(Notify::new()), Arc::new(Notify::new())),
    };
    let mut world = app::build(project.plan, parts)?;
    for channel in world.channels.values_mut() {
        let inner = Arc::clone(channel);
        *channel = Arc::new(Drawer {
            inner,
            sent: Arc::clone(sent),
        });
    }
    Ok(Arc::new(world))
}

/// Removes an earlier demo's database with its copies; anything else is left alone.
fn make_room(options: &Options, path: &Path) -> anyhow::Result<()> {
    let folder = &options.output;
    let plan = folder.join("truecount.toml");
    let own = std::fs::read_to_string(&plan).is_ok_and(|text| text.contains(demo::COMPANY));
    if !own && (plan.exists() || path.exists()) {
        bail!(
            "{} holds a project that is not the demo's; name another folder with --output",
            folder.display()
        );
    }
    let old = ["", "-wal", "-shm"].map(|ending| folder.join(format!("truecount.db{ending}")));
    for old in old.iter().filter(|old| old.exists()) {
        std::fs::remove_file(old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    let copies = folder.join("backups");
    if own && copies.exists() {
        std::fs::remove_dir_all(&copies)
            .with_context(|| format!("cannot remove {}", copies.display()))?;
    }
    Ok(())
}

/// Lives the last days: pull, judge, tell, four times a day, by the same steps as the daemon.
async fn live(
    world: &Arc<World>,
    clock: &Arc<SteppedClock>,
    today: Timestamp,
    screen: &Screen,
) -> anyhow::Result<()> {
    let step = TimeDelta::days(1) / i32::try_from(ROUNDS).unwrap_or(1);
    let rounds = LIVED * ROUNDS;
    for mark in demo::marks(today) {
        world.store.mark(&mark).await?;
    }
    for round in (0..=rounds).rev() {
        let now = today - step * i32::try_from(round).unwrap_or(0);
        clock.set(now);
        daemon::tick(world, now).await?;
        if round % (ROUNDS * 8) == 0 && round > 0 {
            screen.note(&format!(
                "  {} …",
                world.plan.project.calendar.local(now).date()
            ));
        }
    }
    Ok(())
}

/// Shows what a user would get, and what was found of what was planted.
#[expect(clippy::too_many_lines, reason = "one screen from top to bottom")]
async fn show(
    options: &Options,
    screen: &Screen,
    world: &Arc<World>,
    sent: &Arc<Mutex<Vec<Sent>>>,
    today: Timestamp,
) -> anyhow::Result<Exit> {
    let latest = world.store.latest().await?;
    title(screen, "What `truecount check` shows now");
    screen.say(&render::terminal::check(
        &world.plan,
        &latest,
        false,
        today,
        screen.color,
    ));
    let letters = sent.lock().map(|sent| sent.clone()).unwrap_or_default();
    let folder = &options.output;
    title(screen, "A Slack message that went out");
    let window = crate::model::Window {
        from: today - TimeDelta::days(LIVED + 1),
        to: today,
    };
    let incidents = world.store.incidents_in(window).await?;
    // The one that concerns the primary conversion says most.
    let primary = incidents.iter().find(|one| one.primary).map(|one| one.id);
    let opened = |one: &&Sent| one.letter.reason == Reason::Opened;
    let newest = |kind: &str| {
        let mine = || {
            letters
                .iter()
                .rev()
                .filter(opened)
                .filter(|one| one.channel.as_str().ends_with(kind))
        };
        mine()
            .find(|one| one.letter.about.map(|(id, _)| id) == primary)
            .or_else(|| mine().next())
    };
    let slack = newest("/slack");
    if let Some(one) = slack {
        let text = String::from_utf8_lossy(&one.letter.payload.body).into_owned();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        screen.say(&render::terminal::slack_preview(&value));
        std::fs::write(folder.join("slack.json"), format!("{value:#}"))?;
    }
    title(screen, "A mail that went out");
    let mail = newest("/email");
    if let Some(one) = mail {
        std::fs::write(folder.join("mail.eml"), &one.letter.payload.body)?;
        screen.say(&render::mail::text_of(&one.letter.payload.body));
    }
    let calendar = &world.plan.project.calendar;
    let week = daemon::Stretch::last(Period::Week, calendar, today);
    let mut audit = daemon::collect(world, week, today).await?;
    if let Some(table) = world.plan.reports.first() {
        audit.report = audit.report.asked_by(table);
    }
    title(screen, "The weekly audit");
    screen.say(&render::audit::text(&audit.report));
    std::fs::write(
        folder.join("audit.html"),
        render::audit::page(&audit.report),
    )?;
    std::fs::write(
        folder.join("audit_mail.html"),
        render::audit::mail(&audit.report).html,
    )?;
    let card = demo::scorecard(&incidents, today);
    title(screen, "Faults that were planted, and what became of them");
    screen.say(&render::terminal::scorecard(&card.lines(), screen.color));
    screen.note(&format!(
        "{} messages. Written to {}: truecount.toml, truecount.db, slack.json, mail.eml, audit.html",
        letters.len(),
        folder.display()
    ));
    Ok(if card.kept_its_promise() {
        Exit::Clean
    } else {
        Exit::Findings
    })
}

fn title(screen: &Screen, text: &str) {
    screen.say(&format!(
        "\n── {text} {}\n",
        "─".repeat(72_usize.saturating_sub(text.chars().count()))
    ));
}
