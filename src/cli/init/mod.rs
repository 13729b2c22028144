//! `init`: a first configuration from one of the shipped examples, after four questions.

mod ask;
mod fill;
mod template;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::app;
use crate::plan;

use super::{Exit, Screen};

use fill::Answers;
use template::Template;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where to write; here unless given
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// b2b-leads, ecommerce, mobile-app or minimal
    #[arg(long)]
    template: Option<String>,
    /// Name of the company or product
    #[arg(long)]
    name: Option<String>,
    /// IANA name of the zone in which days are cut, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Where alerts go: slack, teams, mail addresses, or several with commas
    #[arg(long)]
    alerts: Option<String>,
    /// Ask nothing: what is not given is taken from the template and the system
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(options: &Options, screen: &Screen) -> anyhow::Result<Exit> {
    let main = options.folder.join("truecount.toml");
    if main.exists() {
        bail!("{} exists already; nothing was written", main.display());
    }
    let given = given(options)?;
    let asks = !options.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let answers = if asks {
        let mut input = std::io::stdin().lock();
        let mut output = std::io::stderr().lock();
        ask::missing(given, system_zone().as_deref(), &mut input, &mut output)?
    } else {
        Answers {
            zone: given.zone.or_else(system_zone),
            ..given
        }
    };
    let template = answers.template.unwrap_or(&template::ALL[0]);
    let files = fill::files(template, &answers)?;
    let all = files
        .into_iter()
        .map(|(path, text)| (options.folder.join(path), text));
    let all: Vec<(PathBuf, String)> = all.collect();
    if let Some((taken, _)) = all.iter().find(|(path, _)| path.exists()) {
        bail!("{} exists already; nothing was written", taken.display());
    }
    for (path, text) in &all {
        write(path, text)?;
        screen.say(&format!("wrote {}", path.display()));
    }
    screen.note(&format!(
        "Next: fill in {} and .env.example, then run: truecount validate, truecount doctor, truecount serve",
        main.display()
    ));
    Ok(Exit::Clean)
}

/// What the flags say.
fn given(options: &Options) -> anyhow::Result<Answers> {
    let template = options.template.as_deref().map(named).transpose()?;
    let zone = options.timezone.as_deref().map(fill::zone).transpose();
    let alerts = options.alerts.as_deref().map(fill::alerts).transpose();
    Ok(Answers {
        name: options.name.clone(),
        zone: zone.map_err(anyhow::Error::msg)?,
        template,
        alerts: alerts.map_err(anyhow::Error::msg)?,
    })
}

fn named(name: &str) -> anyhow::Result<&'static Template> {
    let known = template::ALL.iter().find(|one| one.name == name);
    known.with_context(|| {
        let names: Vec<&str> = template::ALL.iter().map(|one| one.name).collect();
        format!("there is no template `{name}`: use {}", names.join(", "))
    })
}

/// The zone of the machine. Servers and containers say UTC without meaning it: that is no answer.
fn system_zone() -> Option<String> {
    let name = iana_time_zone::get_timezone().ok()?;
    let means_it = !["UTC", "Etc/UTC", "Etc/UCT", "GMT", "Etc/GMT"].contains(&name.as_str());
    fill::zone(&name).ok().filter(|_| means_it)
}

fn schema() -> String {
    format!("{:#}\n", plan::schema(&app::known()))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
