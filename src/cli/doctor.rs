//! `doctor`: one line a test, each with its remedy.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;

use crate::app;
use crate::daemon::World;
use crate::deliver;
use crate::plan::Mail;
use crate::render::{self, terminal::Finding};
use crate::source::Means;

use super::{Exit, Global, Screen, pull};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only this source
    source: Option<String>,
    /// Print what this source kind is and needs, and test nothing
    #[arg(long, value_name = "KIND")]
    about: Option<String>,
}

pub(super) async fn run(
    options: &Options,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    if let Some(kind) = &options.about {
        return about(kind, screen);
    }
    let project = pull::project(global, screen)?;
    let mut findings = vec![Finding::good(
        "Config",
        &format!(
            "{} file{}, no errors; days and hours of {}",
            project.files.len(),
            if project.files.len() == 1 { "" } else { "s" },
            project.plan.project.calendar.zone()
        ),
    )];
    for (place, at) in project.plan.secrets() {
        let secrets = crate::secret::SystemSecrets {
            folder: project.folder.clone(),
        };
        if let Err(why) = crate::secret::Secrets::read(&secrets, &at).await {
            findings.push(Finding::bad(
                &format!("Secret {place}"),
                &why.to_string(),
                "Set it, then run this again",
            ));
        }
    }
    match app::open(project, global.store.as_deref()).await {
        Ok(world) => {
            findings.push(database(&world).await);
            findings.extend(sources(&world, options.source.as_deref()).await);
            findings.extend(mail(&world).await);
            findings.extend(routes(&world));
            findings.extend(channels(&world).await);
        }
        Err(why) => findings.push(Finding::bad(
            "Database",
            &format!("{why:#}"),
            "See docs/operations.md",
        )),
    }
    let bad = findings.iter().any(Finding::is_bad);
    if screen.json() {
        screen.say_json(&render::terminal::doctor_json(&findings));
    } else {
        screen.say(&render::terminal::doctor(&findings, screen.color));
    }
    Ok(if bad { Exit::Findings } else { Exit::Clean })
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
    match world.store.integrity().await {
        Ok(()) => Finding::good("Database", "opens, no damage found"),
        Err(why) => Finding::bad("Database", &why.to_string(), "See docs/operations.md"),
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
        match tap.source.probe(&means).await {
            Ok(probe) => {
                findings.push(Finding::good(&title, &probe.found));
                findings.extend(
                    probe
                        .remarks
                        .iter()
                        .map(|text| Finding::remark(&title, text)),
                );
            }
            Err(why) => {
                let next = format!("Then run: truecount doctor {name}");
                findings.push(Finding::bad(&title, &why.to_string(), &next));
            }
        }
    }
    findings
}

/// Channels, without sending anything. The mail server is looked at by itself: reports use it too.
async fn channels(world: &World) -> Vec<Finding> {
    let means = deliver::Means {
        net: world.net.clone(),
        secrets: std::sync::Arc::clone(&world.secrets),
    };
    let mut findings = Vec::new();
    for (key, channel) in &world.channels {
        if key.as_str().ends_with("/email") {
            continue;
        }
        let title = format!("Channel {key}");
        let route = key.as_str().split('/').next().unwrap_or("");
        findings.push(match channel.probe(&means).await {
            Ok(found) => Finding::good(&title, &format!("{}: {found}", channel.receiver())),
            Err(why) => {
                let next = format!("Then run: truecount notify test {route}");
                Finding::bad(&title, &why.to_string(), &next)
            }
        });
    }
    findings
}

async fn mail(world: &World) -> Vec<Finding> {
    let address = match &world.plan.mail {
        Some(Mail { smtp: Some(at), .. }) => match world.secrets.read(at).await {
            Ok(text) => text,
            Err(_) => return Vec::new(), // Already listed among the secrets.
        },
        Some(Mail { smtp: None, .. }) => match crate::secret::variable("TRUECOUNT_SMTP_URL") {
            Some(text) => text,
            None => return Vec::new(),
        },
        None => return Vec::new(),
    };
    let outcome = crate::net::probe_mail(address.expose_secret()).await;
    vec![match outcome {
        Ok(found) => Finding::good("Mail", &found),
        Err(why) => Finding::bad("Mail", &why.to_string(), "Check the address in [mail] smtp"),
    }]
}

/// A message is the only honest test of a route, so `doctor` says how to send one.
fn routes(world: &World) -> Vec<Finding> {
    let mut ways: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in world.channels.keys() {
        let mut parts = key.as_str().split('/');
        if let (Some(route), Some(kind)) = (parts.next(), parts.nth(1)) {
            ways.entry(route).or_default().push(kind);
        }
    }
    ways.into_iter()
        .map(|(route, kinds)| {
            let found = format!(
                "{}; try it: truecount notify test {route}",
                kinds.join(", ")
            );
            Finding::good(&format!("Route {route}"), &found)
        })
        .collect()
}
