//! Puts the parts together: the only file that knows all plugs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use tokio::sync::Notify;

use crate::check::{self, Check};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Text};
use crate::daemon::{self, Job, Tap, World};
use crate::deliver;
use crate::model::{Diagnostic, Digest, Level, Mark, MarkKind, Name, Schedule, Timestamp};
use crate::net::Net;
use crate::plan::{self, Environment, KindFacts, Known, Plan};
use crate::secret::{Secrets, SystemSecrets};
use crate::source;
use crate::store::{Memory, sqlite};
use crate::telemetry::Metrics;

/// A configuration that was read, with everything that is to be said about it.
pub struct Project {
    /// The folder of `truecount.toml`.
    pub folder: PathBuf,
    /// The files as read.
    pub files: Vec<Text>,
    /// What they mean.
    pub plan: Plan,
    /// Complaints of all levels.
    pub diagnostics: Vec<Diagnostic>,
}

impl Project {
    /// Whether something forbids running it.
    pub fn refused(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.level == Level::Error)
    }
}

/// Every plug a plan may mention.
pub fn known() -> Known {
    let planned = source::PLANNED.iter().map(|(name, event_named)| KindFacts {
        name,
        settings: &[],
        mapping: &[],
        event_named: *event_named,
        analytics: false,
        built: false,
    });
    Known {
        sources: source::KINDS
            .iter()
            .map(|kind| KindFacts {
                analytics: source::ANALYTICS.contains(&kind.name),
                ..kind.facts()
            })
            .chain(planned)
            .collect(),
        channels: deliver::KINDS.iter().map(|kind| kind.facts()).collect(),
        checks: check::KINDS.iter().map(|kind| kind.facts()).collect(),
    }
}

/// What the environment adds to the files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// Secrets may be written in the files.
    pub allow_plain: bool,
}

/// Reads the configuration file and everything it includes.
pub fn read(path: &Path) -> anyhow::Result<(PathBuf, Vec<Text>)> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_path_buf();
    let main = text_of(path, &folder)?;
    let mut files = vec![main];
    let mut paths: BTreeSet<PathBuf> = BTreeSet::new();
    for pattern in config::includes(&files[0].text) {
        let full = folder.join(&pattern);
        let found = glob::glob(&full.to_string_lossy())
            .with_context(|| format!("`include` has a pattern that cannot be read: {pattern}"))?;
        paths.extend(found.filter_map(Result::ok).filter(|found| found.is_file()));
    }
    let own = path.canonicalize().ok();
    for found in paths {
        // Rule tests are read by `truecount test`, not by the daemon.
        let is_main = found.canonicalize().ok() == own;
        if !is_main {
            files.push(text_of(&found, &folder)?);
        }
    }
    Ok((folder, files))
}

fn text_of(path: &Path, folder: &Path) -> anyhow::Result<Text> {
    let bytes = std::fs::read(path).with_context(|| {
        format!(
            "cannot read {}; make one with `truecount init`",
            path.display()
        )
    })?;
    let shown = path
        .strip_prefix(folder)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned();
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Text { path: shown, text }),
        Err(why) => bail!(
            "{shown} is not UTF-8 text: byte {} cannot be read; save it as UTF-8",
            why.utf8_error().valid_up_to() + 1
        ),
    }
}

/// Reads and understands the configuration at `path`.
pub fn load(path: &Path, reading: Reading) -> anyhow::Result<Project> {
    let (folder, files) = read(path)?;
    Ok(understand(folder, files, reading))
}

/// Understands texts: the same for files, for the demo and for tests.
pub fn understand(folder: PathBuf, files: Vec<Text>, reading: Reading) -> Project {
    let (mut document, mut diagnostics) = config::parse(&files);
    if reading.allow_plain {
        document.accept_plain_secrets();
    }
    let environment = Environment {
        smtp_url_set: deliver::smtp_url_is_set(),
    };
    let (plan, more) = plan::resolve(&document, &known(), &environment);
    diagnostics.extend(more);
    if diagnostics
        .iter()
        .all(|diagnostic| diagnostic.level != Level::Error)
    {
        diagnostics.extend(build_plugs(&plan).1);
    }
    Project {
        folder,
        files,
        plan,
        diagnostics,
    }
}

/// Sources and channels of a plan.
#[derive(Default)]
struct Plugs {
    taps: BTreeMap<Name, Arc<Tap>>,
    channels: BTreeMap<Name, Arc<dyn deliver::Channel>>,
}

fn build_plugs(plan: &Plan) -> (Plugs, Vec<Diagnostic>) {
    let mut plugs = Plugs::default();
    let mut complaints = Vec::new();
    for decl in &plan.sources {
        let Some(kind) = source::KINDS
            .iter()
            .find(|kind| kind.name == decl.decl.kind)
        else {
            continue; // Known and not built: `plan` has said so.
        };
        match (kind.build)(&decl.decl, plan) {
            Ok(source) => {
                let tap = Tap {
                    decl: decl.clone(),
                    source,
                };
                plugs.taps.insert(decl.decl.name.clone(), Arc::new(tap));
            }
            Err(more) => complaints.extend(more),
        }
    }
    for route in &plan.routes {
        for (index, channel) in route.channels.iter().enumerate() {
            let key = deliver::channel_key(&route.name, index, &channel.kind);
            let Some(kind) = deliver::KINDS.iter().find(|kind| kind.name == channel.kind) else {
                continue;
            };
            let decl = plan::Decl {
                name: key.clone(),
                kind: channel.kind.clone(),
                span: channel.span,
                section: channel.section.clone(),
            };
            match (kind.build)(&decl, plan) {
                Ok(built) => {
                    plugs.channels.insert(key, Arc::from(built));
                }
                Err(more) => complaints.extend(more),
            }
        }
    }
    (plugs, complaints)
}

/// What a world is built from beside its plan.
pub struct Parts {
    /// What is remembered.
    pub store: Arc<dyn Memory>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The door to other hosts.
    pub net: Net,
    /// Secret texts.
    pub secrets: Arc<dyn Secrets>,
    /// Our own numbers.
    pub metrics: Arc<Metrics>,
    /// Relative files are sought here.
    pub folder: PathBuf,
    /// Where reports are kept as files.
    pub archive: Option<PathBuf>,
    /// Who we are, for leases and claims.
    pub holder: String,
    /// Wakes of the loop and of the outbox, kept over reloads.
    pub wakes: (Arc<Notify>, Arc<Notify>),
}

/// Builds a world of a plan without errors.
pub fn build(plan: Plan, parts: Parts) -> anyhow::Result<World> {
    let (plugs, complaints) = build_plugs(&plan);
    if let Some(first) = complaints.first() {
        bail!("{} {}", first.code, first.message);
    }
    let mut plugs = plugs;
    if let Some(mail) = &plan.mail {
        for report in &plan.reports {
            plugs
                .channels
                .insert(daemon::report_channel(&report.name), deliver::mailer(mail));
        }
    }
    let checks: Vec<Arc<dyn Check>> = check::checks(&plan).into_iter().map(Arc::from).collect();
    let readers = daemon::readers(&checks, parts.clock.now(), &plan.project.calendar);
    let jobs = jobs(&plan, &plugs)?;
    let (stir, letters_wait) = parts.wakes;
    Ok(World {
        plan: Arc::new(plan),
        taps: plugs.taps,
        checks,
        readers,
        channels: plugs.channels,
        jobs,
        store: parts.store,
        clock: parts.clock,
        net: parts.net,
        secrets: parts.secrets,
        folder: parts.folder,
        archive: parts.archive,
        metrics: parts.metrics,
        holder: parts.holder,
        seeded: Mutex::new(BTreeSet::new()),
        letters_wait,
        stir,
    })
}

/// Sources without a schedule are pulled this often.
const USUAL_PULL: &str = "every 30 minutes";

/// Looking after the database.
const MAINTENANCE: &str = "daily 03:30";

/// Longest shift of a pull against its schedule.
const JITTER: TimeDelta = TimeDelta::seconds(20);

/// A report that could not be sent within this time is given up.
const REPORT_DEADLINE: TimeDelta = TimeDelta::days(3);

fn jobs(plan: &Plan, plugs: &Plugs) -> anyhow::Result<Vec<Job>> {
    let zone = plan.project.calendar.zone();
    let mut jobs = Vec::new();
    for (name, tap) in &plugs.taps {
        let job = format!("pull:{name}");
        let text = tap.decl.schedule.as_deref().unwrap_or(USUAL_PULL);
        jobs.push(Job {
            jitter: Schedule::jitter(&job, JITTER),
            schedule: Schedule::parse(text, zone)?,
            name: job,
            deadline: None,
        });
    }
    for report in &plan.reports {
        jobs.push(Job {
            name: format!("report:{}", report.name),
            schedule: Schedule::parse(&report.at, zone)?,
            jitter: TimeDelta::zero(),
            deadline: Some(REPORT_DEADLINE),
        });
    }
    jobs.push(Job {
        name: "maintain".to_owned(),
        schedule: Schedule::parse(MAINTENANCE, zone)?,
        jitter: TimeDelta::zero(),
        deadline: Some(TimeDelta::days(1)),
    });
    Ok(jobs)
}

/// Where the database lies: flag or environment, then `[store] url`, then beside the configuration.
pub fn store_path(project: &Project, flag: Option<&str>) -> PathBuf {
    let text = flag.or(project.plan.store.url.as_deref());
    let Some(text) = text else {
        return project.folder.join("truecount.db");
    };
    let path = text.strip_prefix("sqlite:").unwrap_or(text);
    let path = path.strip_prefix("//").unwrap_or(path);
    if flag.is_some() {
        PathBuf::from(path)
    } else {
        project.folder.join(path)
    }
}

/// A world of the machine: its clock, its network, its files.
pub async fn open(project: Project, flag: Option<&str>) -> anyhow::Result<World> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let now = clock.now();
    let path = store_path(&project, flag);
    let store = open_store(&path, &project.plan.project.id, now)?;
    let secrets: Arc<dyn Secrets> = Arc::new(SystemSecrets {
        folder: project.folder.clone(),
    });
    let net = Net::open(&project.plan.net, &*secrets, Arc::clone(&clock)).await?;
    let archive = path.parent().map(|folder| folder.join("reports"));
    let parts = Parts {
        store,
        clock,
        net,
        secrets,
        metrics: Arc::new(Metrics::new()),
        folder: project.folder.clone(),
        archive,
        holder: format!("command {}", std::process::id()),
        wakes: (Arc::new(Notify::new()), Arc::new(Notify::new())),
    };
    build(project.plan, parts)
}

/// The world of the one daemon of a database. It holds a lock on a file beside the database, so
/// that what an earlier process left in flight is surely nobody's and can be sent at once.
pub async fn open_daemon(
    project: Project,
    flag: Option<&str>,
) -> anyhow::Result<(World, std::fs::File)> {
    let path = store_path(&project, flag).with_extension("lock");
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let lock =
        std::fs::File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    lock.try_lock().map_err(|_| {
        anyhow::anyhow!(
            "another truecount serves this database already ({} is locked)",
            path.display()
        )
    })?;
    let mut world = open(project, flag).await?;
    DAEMON.clone_into(&mut world.holder);
    world.store.reclaim(DAEMON).await?;
    Ok((world, lock))
}

/// The name under which the daemon holds leases and letters.
const DAEMON: &str = "daemon";

/// Opens the database, or says what is wrong with it.
pub fn open_store(path: &Path, project: &Name, now: Timestamp) -> anyhow::Result<Arc<dyn Memory>> {
    let store = sqlite::Sqlite::open(path, project, now)
        .with_context(|| format!("cannot open the database {}", path.display()))?;
    Ok(Arc::new(store))
}

/// A world of changed files in place of a running one, with its store and clock; `None` when the
/// files say the same. A changed plan writes its difference as marks.
pub async fn rebuild(project: Project, running: &Arc<World>) -> anyhow::Result<Option<World>> {
    let changes = plan::diff(&running.plan, &project.plan);
    if project.plan == *running.plan {
        return Ok(None);
    }
    if project.plan.project.id != running.plan.project.id {
        bail!("[project] id changed; stop the daemon and start it anew to move to another project");
    }
    require_secrets(&project).await?;
    let now = running.clock.now();
    let net = Net::open(
        &project.plan.net,
        &*running.secrets,
        Arc::clone(&running.clock),
    )
    .await?;
    let parts = Parts {
        store: Arc::clone(&running.store),
        clock: Arc::clone(&running.clock),
        net,
        secrets: Arc::clone(&running.secrets),
        metrics: Arc::clone(&running.metrics),
        folder: project.folder.clone(),
        archive: running.archive.clone(),
        holder: running.holder.clone(),
        wakes: (Arc::clone(&running.stir), Arc::clone(&running.letters_wait)),
    };
    let world = build(project.plan, parts)?;
    for change in changes {
        let mark = Mark {
            at: now,
            kind: MarkKind::Plan,
            name: Name::clean(&change.to_string()),
            source: None,
        };
        world.store.mark(&mark).await?;
    }
    Ok(Some(world))
}

/// Every secret that the plan mentions must be readable before anything runs (decision 30).
pub async fn require_secrets(project: &Project) -> anyhow::Result<()> {
    let secrets = SystemSecrets {
        folder: project.folder.clone(),
    };
    let mut missing = Vec::new();
    for (place, at) in project.plan.secrets() {
        if let Err(why) = secrets.read(&at).await {
            missing.push(format!("{place}: {why}"));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "{} secrets cannot be read\n  {}",
        missing.len(),
        missing.join("\n  ")
    )
}

/// Every file of a configuration with a stamp of its size and time of change. A file that cannot
/// be looked at has the stamp 0: its return is a change.
pub fn stamp(path: &Path) -> Vec<(PathBuf, u64)> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut paths: BTreeSet<PathBuf> = BTreeSet::from([path.to_path_buf()]);
    let main = std::fs::read_to_string(path).unwrap_or_default();
    for pattern in config::includes(&main) {
        let full = folder.join(pattern);
        let found = glob::glob(&full.to_string_lossy()).into_iter().flatten();
        paths.extend(found.filter_map(Result::ok));
    }
    paths
        .into_iter()
        .map(|path| (path.clone(), stamp_of(&path)))
        .collect()
}

fn stamp_of(path: &Path) -> u64 {
    let Ok(facts) = std::fs::metadata(path) else {
        return 0;
    };
    let changed = facts
        .modified()
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_nanos());
    let mut digest = Digest::new("stamp.1");
    digest
        .text(&facts.len().to_string())
        .text(&changed.to_string());
    digest.number()
}
