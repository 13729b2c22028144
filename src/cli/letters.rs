//! `letters`: messages that nobody took, what they say, and sending them again.

use anyhow::{Context as _, bail};
use clap::Subcommand;

use crate::daemon::World;
use crate::render;
use crate::store::LetterRow;

use super::{Exit, Global, Screen, pull};

/// Most letters that a list shows.
const MOST: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum LettersCommand {
    /// Messages that nobody took
    List,
    /// What one of them says, and why it was not taken
    Show {
        /// Its id, or the beginning of it
        id: String,
    },
    /// Put one back into the outbox, or all
    Resend {
        /// Its id, or the beginning of it
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// Every message that nobody took
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

pub(super) async fn run(
    command: &LettersCommand,
    global: &Global,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let world = pull::world(global, screen).await?;
    let dead = world.store.letters(None, MOST).await?;
    match command {
        LettersCommand::List => {
            let rows: Vec<(String, String, String, u32)> = dead.iter().map(listed).collect();
            if screen.json() {
                let list: Vec<_> = rows
                    .iter()
                    .map(|(id, channel, why, attempts)| {
                        serde_json::json!({ "id": id, "channel": channel, "why": why, "attempts": attempts })
                    })
                    .collect();
                screen.say_json(&serde_json::json!({ "version": 1, "letters": list }));
            } else {
                screen.say(&render::terminal::dead_letters(&rows));
            }
            Ok(if rows.is_empty() {
                Exit::Clean
            } else {
                Exit::Findings
            })
        }
        LettersCommand::Show { id } => {
            screen.say(&shown(&world, one(&dead, id)?));
            Ok(Exit::Clean)
        }
        LettersCommand::Resend { id, all: _ } => {
            let chosen: Vec<&LetterRow> = match id {
                Some(id) => vec![one(&dead, id)?],
                None => dead.iter().collect(),
            };
            let mut count = 0;
            for row in chosen {
                count += usize::from(world.store.resend(row.letter.id, world.clock.now()).await?);
            }
            screen.say(&format!(
                "{count} put back into the outbox; a running daemon sends them, or `truecount serve` at its next start"
            ));
            Ok(Exit::Clean)
        }
    }
}

/// The dead letter with this id or this unique beginning of one.
fn one<'a>(dead: &'a [LetterRow], id: &str) -> anyhow::Result<&'a LetterRow> {
    let id = id.trim().to_ascii_lowercase();
    let mut found = dead
        .iter()
        .filter(|row| !id.is_empty() && row.letter.id.hex().starts_with(&id));
    let first = found
        .next()
        .with_context(|| format!("no dead letter has the id {id}; see `truecount letters list`"))?;
    if found.next().is_some() {
        bail!("several dead letters begin with {id}; give more of the id");
    }
    Ok(first)
}

fn listed(row: &LetterRow) -> (String, String, String, u32) {
    (
        row.letter.id.hex(),
        row.letter.channel.to_string(),
        row.why.clone().unwrap_or_default(),
        row.attempts,
    )
}

/// What stands around the letter, and its frozen text. Addresses and keys are no part of it.
fn shown(world: &World, row: &LetterRow) -> String {
    let letter = &row.letter;
    let calendar = &world.plan.project.calendar;
    let moment = |at| render::words::moment(calendar, at);
    let receiver = world.channels.get(&letter.channel);
    let receiver = receiver.map_or("no longer in the plan".to_owned(), |one| one.receiver());
    let text = if letter.payload.content_type == "message/rfc822" {
        render::mail::text_of(&letter.payload.body)
    } else {
        serde_json::from_slice::<serde_json::Value>(&letter.payload.body)
            .and_then(|value| serde_json::to_string_pretty(&value))
            .unwrap_or_else(|_| String::from_utf8_lossy(&letter.payload.body).into_owned())
    };
    let settled = row.settled_at.map_or("not yet".to_owned(), moment);
    format!(
        "id        {}\nchannel   {} ({receiver})\nreason    {}\nwritten   {}\ngiven up  {settled}, {} tries\nwhy       {}\n\n{text}\n",
        letter.id.hex(),
        letter.channel,
        letter.reason.word(),
        moment(letter.written_at),
        row.attempts,
        row.why.as_deref().unwrap_or(""),
    )
}
