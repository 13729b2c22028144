//! `db` and `token`: the database as a file, and who may use the API.

use std::path::PathBuf;

use anyhow::Context as _;
use chrono::TimeDelta;
use clap::Subcommand;

use crate::app;
use crate::clock::{Clock as _, SystemClock};
use crate::model::Name;
use crate::server::{self, Scope};
use crate::store::sqlite::Sqlite;

use super::{Exit, Global, Screen, pull};

#[derive(Debug, Subcommand)]
pub(super) enum DbCommand {
    /// Copy the database while it is in use
    Backup {
        /// The new file
        to: PathBuf,
    },
    /// Thin old readings by the rule and give space back
    Compact,
    /// Look for damage
    Check,
}

/// The database of the project, the time, and how long the project keeps readings.
fn open(global: &Global, screen: &Screen) -> anyhow::Result<(Sqlite, SystemClock, TimeDelta)> {
    let project = pull::project(global, screen)?;
    let clock = SystemClock::start();
    let path = app::store_path(&project, global.store.as_deref());
    let store = Sqlite::open(&path, &project.plan.project.id, clock.now())
        .with_context(|| format!("cannot open the database {}", path.display()))?;
    Ok((store, clock, project.plan.store.kept()))
}

pub(super) async fn database(
    command: &DbCommand,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    use crate::store::Maintenance as _;
    let (store, clock, keep) = open(global, screen)?;
    match command {
        DbCommand::Backup { to } => {
            store.backup(to).await?;
            screen.say(&format!("copied to {}", to.display()));
        }
        DbCommand::Compact => {
            let gone = store.thin(clock.now(), keep).await?;
            store.shrink().await?;
            screen.say(&format!(
                "{gone} old readings went; {} days are kept ([store] keep)",
                keep.num_days()
            ));
        }
        DbCommand::Check => {
            store.integrity().await?;
            screen.say("no damage found");
        }
    }
    Ok(Exit::Clean)
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token; it is shown once
    Create {
        /// Who will use it
        name: String,
        /// What it may do: push (counts and marks), read, or write
        #[arg(long, default_value = "read")]
        scope: String,
        /// End it by itself after this many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: Option<u16>,
    },
    /// Who has a token, and for what
    List,
    /// End a token
    Revoke {
        /// Who used it
        name: String,
    },
}

pub(super) async fn token(
    command: &TokenCommand,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    use crate::store::Browse as _;
    let (store, clock, _) = open(global, screen)?;
    match command {
        TokenCommand::Create { name, scope, days } => {
            let scope = Scope::parse(scope)
                .with_context(|| format!("`{scope}` is not a scope: use push, read or write"))?;
            let name = Name::parse(name).context("the name of the token")?;
            let now = clock.now();
            let ends = days.map(|days| now + TimeDelta::days(i64::from(days)));
            let text = server::create(&store, &name, scope, ends, now).await?;
            screen.note("Keep this text; only its hash is stored:");
            screen.say(&text);
        }
        TokenCommand::List => {
            let known = store.tokens().await?;
            if screen.json() {
                let list: Vec<_> = known
                    .iter()
                    .map(|one| {
                        serde_json::json!({
                            "name": one.name.as_str(), "scope": one.scope, "made_at": one.made_at.to_rfc3339(),
                            "ends_at": one.ends_at.map(|at| at.to_rfc3339()),
                        })
                    })
                    .collect();
                screen.say_json(&serde_json::json!({ "version": 1, "tokens": list }));
            } else if known.is_empty() {
                screen.say("there is no token; make one: truecount token create NAME --scope read");
            } else {
                for one in known {
                    let day = |at: crate::model::Timestamp| at.format("%Y-%m-%d").to_string();
                    let ends = match one.ends_at {
                        None => String::new(),
                        Some(at) if at <= clock.now() => format!(", ended {}", day(at)),
                        Some(at) => format!(", ends {}", day(at)),
                    };
                    let (name, scope) = (one.name, one.scope);
                    screen.say(&format!(
                        "{name}  {scope}  since {}{ends}",
                        day(one.made_at)
                    ));
                }
            }
        }
        TokenCommand::Revoke { name } => {
            use crate::store::Desk as _;
            let name = Name::parse(name).context("the name of the token")?;
            if !store.tokens().await?.iter().any(|known| known.name == name) {
                anyhow::bail!("there is no token of {name}; `truecount token list` shows them");
            }
            store.token(&name, &[0; 32], None, clock.now()).await?;
            screen.say(&format!("the token of {name} is no longer accepted"));
        }
    }
    Ok(Exit::Clean)
}
