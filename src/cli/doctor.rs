//! `doctor`: one line a test, each with its remedy.

use secrecy::ExposeSecret as _;

use crate::app;
use crate::daemon::World;
use crate::deliver;
use crate::plan::Mail;
use crate::render::terminal::{Finding, doctor as screen_of};
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
        &format!("{} files, no errors", project.files.len()),
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
        }
        Err(why) => findings.push(Finding::bad(
            "Database",
            &format!("{why:#}"),
            "See docs/operations.md",
        )),
    }
    let bad = findings.iter().any(Finding::is_bad);
    screen.say(&screen_of(&findings, screen.color));
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
    match world.store.next_letter().await {
        Ok(_) => Finding::good("Database", "answers"),
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
