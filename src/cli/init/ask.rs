//! Four questions, each with a default and asked again until the answer can be used.

use std::io::{BufRead, Write};

use anyhow::bail;

use super::fill::{self, Answers};
use super::template;

/// Tries of one question; who misses them all is helped by `--help`, not by asking on.
const TRIES: usize = 5;

/// Asks what was not given. Nothing is written before the last answer.
pub(super) fn missing(
    given: Answers,
    system_zone: Option<&str>,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> anyhow::Result<Answers> {
    let mut desk = Desk { input, output };
    let Answers {
        name,
        zone,
        template,
        alerts,
    } = given;
    let name = match name {
        Some(name) => name,
        None => desk.ask("Name of the company or product", "My company", |text| {
            Ok(text.to_owned())
        })?,
    };
    let zone = match zone {
        Some(zone) => zone,
        None => desk.ask(
            "Time zone in which days are cut",
            system_zone.unwrap_or("Europe/Berlin"),
            fill::zone,
        )?,
    };
    let template = match template {
        Some(template) => template,
        None => {
            desk.say("What do you count?")?;
            for (index, one) in template::ALL.iter().enumerate() {
                desk.say(&format!("  {}  {:<11} {}", index + 1, one.name, one.about))?;
            }
            desk.ask("Number or name", "1", chosen)?
        }
    };
    let alerts = match alerts {
        Some(alerts) => alerts,
        None => desk.ask(
            "Where do alerts go: slack, teams, mail addresses, or several with commas",
            "slack",
            fill::alerts,
        )?,
    };
    Ok(Answers {
        name: Some(name),
        zone: Some(zone),
        template: Some(template),
        alerts: Some(alerts),
    })
}

/// A template by its number or name.
fn chosen(text: &str) -> Result<&'static template::Template, String> {
    let number = text.parse::<usize>().ok();
    let by_number = number.and_then(|number| template::ALL.get(number.checked_sub(1)?));
    by_number
        .or_else(|| template::ALL.iter().find(|one| one.name == text))
        .ok_or_else(|| format!("a number from 1 to {}", template::ALL.len()))
}

/// Where questions are asked.
struct Desk<'a, I, O> {
    input: &'a mut I,
    output: &'a mut O,
}

impl<I: BufRead, O: Write> Desk<'_, I, O> {
    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.output, "{text}")?)
    }

    fn ask<T>(
        &mut self,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        for _ in 0..TRIES {
            write!(self.output, "{question} [{default}]: ")?;
            self.output.flush()?;
            let mut line = String::new();
            if self.input.read_line(&mut line)? == 0 {
                bail!("no answer came; nothing was written");
            }
            let text = Some(line.trim()).filter(|text| !text.is_empty());
            match read(text.unwrap_or(default)) {
                Ok(answer) => return Ok(answer),
                Err(why) => self.say(&format!("  please: {why}"))?,
            }
        }
        bail!("no answer could be used; nothing was written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::init::fill::Way;

    fn asked(typed: &str, given: Answers) -> (anyhow::Result<Answers>, String) {
        let mut output = Vec::new();
        let answers = missing(
            given,
            Some("Asia/Tokyo"),
            &mut typed.as_bytes(),
            &mut output,
        );
        (answers, String::from_utf8_lossy(&output).into_owned())
    }

    #[test]
    fn four_questions_with_defaults_and_second_tries() -> anyhow::Result<()> {
        let (answers, shown) = asked("\n\n\n\n", Answers::default());
        let answers = answers?;
        assert_eq!(answers.name.as_deref(), Some("My company"));
        assert_eq!(answers.zone.as_deref(), Some("Asia/Tokyo"), "of the system");
        assert_eq!(answers.template.map(|one| one.name), Some("minimal"));
        assert_eq!(answers.alerts, Some(vec![Way::Slack]));
        assert_eq!(shown.matches("]: ").count(), 4, "{shown}");

        let typed = "Acme \"GmbH\"\nEurope/Berln\nEurope/Vienna\n7\necommerce\nfax\nteams, ops@acme.example\n";
        let (answers, shown) = asked(typed, Answers::default());
        let answers = answers?;
        assert_eq!(answers.name.as_deref(), Some("Acme \"GmbH\""));
        assert_eq!(answers.zone.as_deref(), Some("Europe/Vienna"));
        assert_eq!(answers.template.map(|one| one.name), Some("ecommerce"));
        let mail = Way::Mail("ops@acme.example".to_owned());
        assert_eq!(answers.alerts, Some(vec![Way::Teams, mail]));
        assert_eq!(shown.matches("please: ").count(), 3, "{shown}");
        Ok(())
    }

    #[test]
    fn what_was_given_is_not_asked_and_silence_writes_nothing() {
        let given = Answers {
            name: Some("Acme".to_owned()),
            alerts: Some(vec![Way::Slack]),
            ..Answers::default()
        };
        let (answers, shown) = asked("\n2\n", given);
        assert_eq!(
            answers
                .ok()
                .and_then(|one| one.template)
                .map(|one| one.name),
            Some("b2b-leads")
        );
        assert_eq!(shown.matches("]: ").count(), 2, "{shown}");
        let (answers, _) = asked("Acme\n", Answers::default());
        assert!(answers.is_err_and(|why| why.to_string().contains("nothing was written")));
    }
}
