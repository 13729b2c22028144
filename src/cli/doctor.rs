//! `doctor`: one line for one thing, each with its remedy.

use std::path::Path;

use chrono::TimeDelta;
use secrecy::ExposeSecret as _;

use crate::app::{self, Project, Reading};
use crate::daemon::World;
use crate::deliver::{self, SendError};
use crate::model::Timestamp;
use crate::net::MailError;
use crate::plan::Mail;
use crate::render::terminal::{Finding, Health};
use crate::render::{self, words};
use crate::source::{Means, SourceError};

use super::{Exit, Global, Screen};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only this source
    source: Option<String>,
    /// Print what this source kind is and needs, and test nothing
    #[arg(long, value_name = "KIND")]
    about: Option<String>,
}

/// A clock that differs by more disturbs the order of alerts, and signatures of webhooks.
const SKEW: TimeDelta = TimeDelta::seconds(30);

/// Free bytes that are worth a word, and those with which the daemon will soon stand still.
const SCARCE: u64 = 1 << 30;
const NO_ROOM: u64 = 100 << 20;

/// The daemon backs up each night.
const OLD_BACKUP: TimeDelta = TimeDelta::days(2);

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    if let Some(kind) = &options.about {
        return about(kind, screen);
    }
    let reading = Reading {
        allow_plain: global.allow_plain,
    };
    let project = app::load(&global.config, reading)?;
    let mut findings = vec![config(&project)];
    if !project.refused() {
        let only = options.source.as_deref();
        if let Some(name) = only {
            known(&project, name)?;
        } else {
            findings.extend(secrets(&project).await);
        }
        let path = app::store_path(&project, global.store.as_deref());
        match app::open(project, global.store.as_deref()).await {
            Ok(world) => findings.extend(look(&world, &path, only).await),
            Err(why) => {
                let remedy = "See docs/operations.md, \"Stop, crash, disk\"";
                findings.push(Finding::bad("Database", &format!("{why:#}"), remedy));
            }
        }
    }
    if screen.json() {
        screen.say_json(&render::terminal::doctor_json(&findings));
    } else {
        screen.say(&render::terminal::doctor(&findings, screen.color));
    }
    Ok(exit(&findings, global.deny_warnings))
}

/// The table of all commands: what must be mended is a finding; what could not be reached is no
/// data, unless something else must be mended.
fn exit(findings: &[Finding], deny_warnings: bool) -> Exit {
    let any = |health: Health| findings.iter().any(|one| one.health == health);
    if any(Health::Bad) || (deny_warnings && any(Health::Note)) {
        Exit::Findings
    } else if any(Health::Away) {
        Exit::NotEnoughData
    } else {
        Exit::Clean
    }
}

fn known(project: &Project, name: &str) -> anyhow::Result<()> {
    let names = project.plan.sources.iter().map(|one| &one.decl.name);
    let names: Vec<&str> = names.map(crate::model::Name::as_str).collect();
    if !names.contains(&name) {
        anyhow::bail!(
            "there is no source `{name}`; the plan has {}",
            names.join(", ")
        );
    }
    Ok(())
}

fn config(project: &Project) -> Finding {
    let files = project.files.len();
    let files = format!("{files} file{}", if files == 1 { "" } else { "s" });
    if project.refused() {
        let text = format!("{files}, with errors; nothing else was looked at");
        return Finding::bad("Config", &text, "Run: truecount validate");
    }
    let zone = project.plan.project.calendar.zone();
    Finding::good(
        "Config",
        &format!("{files}, no errors; days and hours of {zone}"),
    )
}

/// Secrets that belong to neither source nor route nor mail: those are told where they are used.
async fn secrets(project: &Project) -> Vec<Finding> {
    let reader = crate::secret::SystemSecrets {
        folder: project.folder.clone(),
    };
    let mut findings = Vec::new();
    for (place, at) in project.plan.secrets() {
        let ours = ["server.token", "heartbeat.url", "net.proxy"];
        if !ours.contains(&place.as_str()) {
            continue;
        }
        if let Err(why) = crate::secret::Secrets::read(&reader, &at).await {
            findings.push(Finding::bad(
                &format!("Secret {place}"),
                &why.to_string(),
                "Set it, then run: truecount doctor",
            ));
        }
    }
    findings
}

/// Everything that needs the world; of one source only what concerns it.
async fn look(world: &World, database: &Path, only: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if only.is_none() {
        findings.push(self::database(world).await);
        findings.push(disk(database));
    }
    findings.extend(sources(world, only).await);
    if only.is_none() {
        findings.extend(mail(world).await);
        findings.extend(routes(world).await);
        findings.push(clock(world));
    }
    findings
}

fn about(kind: &str, screen: &Screen) -> anyhow::Result<Exit> {
    let found = crate::source::KINDS
        .iter()
        .find(|known| known.name == kind)
        .map(|known| known.about);
    let found = found.or_else(|| {
        deliver::KINDS
            .iter()
            .find(|known| known.name == kind)
            .map(|known| known.about)
    });
    match found {
        Some(text) => {
            screen.say(text);
            Ok(Exit::Clean)
        }
        None => anyhow::bail!("there is no source or channel kind `{kind}`"),
    }
}

async fn database(world: &World) -> Finding {
    if let Err(why) = world.store.integrity().await {
        let remedy =
            "Stop the daemon, move the file aside, copy the newest of backups/ in its place";
        return Finding::bad("Database", &why.to_string(), remedy);
    }
    let now = world.clock.now();
    let size = world
        .store
        .bytes()
        .map(|bytes| format!(", {}", size(bytes)));
    backup(&size.unwrap_or_default(), world.store.backed_up(), now)
}

/// The line of a database without damage.
fn backup(size: &str, last: Option<Timestamp>, now: Timestamp) -> Finding {
    let Some(last) = last else {
        let text = format!("integrity ok{size}, no backup yet");
        return Finding::good("Database", &text);
    };
    let age = now - last;
    let text = format!("integrity ok{size}, last backup {} ago", words::span(age));
    if age > OLD_BACKUP {
        let remedy = "The daemon writes one each night. One now: truecount db backup FILE";
        Finding::note("Database", &text, remedy)
    } else {
        Finding::good("Database", &text)
    }
}

/// The room where the database lies.
fn disk(database: &Path) -> Finding {
    let folder = database
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // `.` says little on a screen that is read later.
    let whole = folder.canonicalize();
    let folder = whole.as_deref().unwrap_or(folder);
    match rustix::fs::statvfs(folder) {
        // What we may use: some room is often kept for root.
        Ok(facts) => room(facts.f_bavail.saturating_mul(facts.f_frsize), folder),
        Err(why) => {
            let text = format!("cannot tell the room of {}: {why}", folder.display());
            Finding::note("Disk", &text, "Look at the folder and its rights")
        }
    }
}

/// The line of so many free bytes.
fn room(free: u64, folder: &Path) -> Finding {
    let text = format!("{} free in {}", size(free), folder.display());
    let remedy = "Make room, or shrink the database: truecount db compact";
    if free < NO_ROOM {
        Finding::bad("Disk", &text, remedy)
    } else if free < SCARCE {
        Finding::note("Disk", &text, remedy)
    } else {
        Finding::good("Disk", &text)
    }
}

/// `41 MB`
fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        _ if bytes >= 1e10 => format!("{:.0} GB", bytes / 1e9),
        _ if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        _ if bytes >= 1e6 => format!("{:.0} MB", bytes / 1e6),
        _ => format!("{:.0} kB", (bytes / 1e3).ceil()),
    }
}

async fn sources(world: &World, only: Option<&str>) -> Vec<Finding> {
    let means: Means = crate::daemon::means(world);
    let mut findings = Vec::new();
    for (name, tap) in world
        .taps
        .iter()
        .filter(|(name, _)| only.is_none_or(|one| one == name.as_str()))
    {
        let title = format!("Source {name}");
        let then = format!("truecount doctor {name}");
        findings.push(match tap.source.probe(&means).await {
            Ok(probe) if probe.remarks.is_empty() => Finding::good(&title, &probe.found),
            Ok(probe) => Finding::note(&title, &probe.found, &probe.remarks.join("; ")),
            Err(SourceError::Wait { why, .. }) => Finding::away(
                &title,
                &why,
                &format!("It is asked again at the next pull. If this lasts, look at it, then run: {then}"),
            ),
            Err(why) => {
                let about = format!("What it needs: truecount doctor --about {}", tap.decl.decl.kind);
                let remedy = format!("{about}. Then run: {then}");
                Finding::bad(&title, &why.to_string(), &remedy)
            }
        });
    }
    findings
}

/// Routes that mail goes by, and reports.
fn mailed(world: &World) -> String {
    let routes = world.channels.keys().filter_map(|key| {
        let parts: Vec<&str> = key.as_str().split('/').collect();
        match parts[..] {
            // The other key with this end is that of a report.
            [route, number, "email"] if number.parse::<usize>().is_ok() => Some(route),
            _ => None,
        }
    });
    let mut names: Vec<String> = routes.map(|route| format!("route {route}")).collect();
    names.dedup();
    let reports = world.plan.reports.iter();
    names.extend(reports.map(|one| format!("report {}", one.name)));
    if names.is_empty() {
        "no route".to_owned()
    } else {
        names.join(", ")
    }
}

/// The mail server, once for all routes and reports that use it.
async fn mail(world: &World) -> Option<Finding> {
    let users = mailed(world);
    let title = "Mail";
    let address = match world.plan.mail.as_ref()? {
        Mail { smtp: Some(at), .. } => match world.secrets.read(at).await {
            Ok(text) => text,
            Err(why) => {
                let remedy = "Set it, then run: truecount doctor";
                return Some(Finding::bad(
                    title,
                    &format!("{why}; used by {users}"),
                    remedy,
                ));
            }
        },
        Mail { smtp: None, .. } => crate::secret::variable("TRUECOUNT_SMTP_URL")?,
    };
    Some(
        match crate::net::probe_mail(address.expose_secret()).await {
            Ok(found) => Finding::good(title, &format!("{found}; used by {users}")),
            Err(why) => {
                let text = format!("{why}; used by {users}");
                let remedy = "Check the address in [mail] smtp, then run: truecount doctor";
                match why {
                    MailError::Wait(_) => Finding::away(title, &text, remedy),
                    MailError::Refused(_) => Finding::bad(title, &text, remedy),
                }
            }
        },
    )
}

/// One line for each channel of each route, without sending anything: only a message is an honest
/// test, so the line says how to send one. Mail is looked at by itself.
async fn routes(world: &World) -> Vec<Finding> {
    let means = deliver::Means {
        net: world.net.clone(),
        secrets: std::sync::Arc::clone(&world.secrets),
    };
    let mut findings = Vec::new();
    for (key, channel) in &world.channels {
        let mut parts = key.as_str().split('/');
        let (Some(route), Some(kind)) = (parts.next(), parts.next_back()) else {
            continue;
        };
        if kind == "email" {
            continue;
        }
        let title = format!("Route {route}");
        let receiver = channel.receiver();
        let sample = format!("truecount notify test {route}");
        findings.push(match channel.probe(&means).await {
            Ok(found) => {
                let text = format!("{receiver}: {found}; a sample: {sample}");
                Finding::good(&title, &text)
            }
            Err(SendError::Wait { why, .. }) => {
                let remedy = format!("Messages wait for it. When it is back, run: {sample}");
                Finding::away(&title, &format!("{receiver}: {why}"), &remedy)
            }
            Err(SendError::Refused { why }) => {
                let remedy = format!("Mend it in [route.{route}], then run: {sample}");
                Finding::bad(&title, &format!("{receiver}: {why}"), &remedy)
            }
        });
    }
    findings
}

/// Our clock against the `Date` of whoever answered last.
fn clock(world: &World) -> Finding {
    let now = world.clock.now();
    let calendar = &world.plan.project.calendar;
    match world.net.gauge.skew() {
        Some((who, skew)) => against(&who, skew),
        None => Finding::good(
            "Clock",
            &format!(
                "{} in {}; nobody was asked who tells the time",
                words::moment(calendar, now),
                calendar.zone()
            ),
        ),
    }
}

/// The line of a clock that is so far ahead of another.
fn against(who: &str, skew: TimeDelta) -> Finding {
    let seconds = skew.abs().num_seconds();
    if skew.abs() <= SKEW {
        return Finding::good("Clock", &format!("right to {} s by {who}", seconds.max(1)));
    }
    let way = if skew > TimeDelta::zero() {
        "ahead of"
    } else {
        "behind"
    };
    Finding::note(
        "Clock",
        &format!(
            "{seconds} s {way} {who}; alerts may sort wrongly, and receivers may refuse signatures"
        ),
        "Set it by the network: timedatectl set-ntp true",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_clock_disk_and_backup() {
        let second = TimeDelta::seconds(1);
        assert_eq!(against("a", SKEW).health, Health::Good);
        let behind = against("a.example", -(SKEW + second));
        assert_eq!(behind.health, Health::Note);
        assert!(
            behind.text.starts_with("31 s behind a.example"),
            "{behind:?}"
        );
        let ahead = against("a.example", TimeDelta::hours(1));
        assert!(ahead.text.starts_with("3600 s ahead of"), "{ahead:?}");

        let health = |free| room(free, Path::new("/var/lib")).health;
        assert_eq!(health(SCARCE), Health::Good);
        assert_eq!(health(SCARCE - 1), Health::Note);
        assert_eq!(health(NO_ROOM), Health::Note);
        assert_eq!(health(NO_ROOM - 1), Health::Bad);
        assert_eq!(room(104_857, Path::new("/x")).text, "105 kB free in /x");

        let now = Timestamp::UNIX_EPOCH + TimeDelta::days(20_000);
        let last = |age: TimeDelta| backup(", 41 MB", Some(now - age), now);
        assert_eq!(last(OLD_BACKUP).health, Health::Good);
        assert_eq!(last(OLD_BACKUP + second).health, Health::Note);
        assert_eq!(
            last(TimeDelta::hours(3)).text,
            "integrity ok, 41 MB, last backup 3 h ago"
        );
        assert_eq!(backup("", None, now).text, "integrity ok, no backup yet");
    }

    #[test]
    fn what_is_away_is_no_data_and_what_is_wrong_a_finding() {
        let good = Finding::good("a", "");
        let note = Finding::note("b", "", "");
        let away = Finding::away("c", "", "");
        let bad = Finding::bad("d", "", "");
        let cases = [
            (vec![good.clone()], false, Exit::Clean),
            (vec![good.clone(), note.clone()], false, Exit::Clean),
            (vec![good, note.clone()], true, Exit::Findings),
            (vec![note, away.clone()], false, Exit::NotEnoughData),
            (vec![away, bad], false, Exit::Findings),
        ];
        for (findings, deny, wanted) in cases {
            assert_eq!(exit(&findings, deny), wanted, "{findings:?}");
        }
    }
}
