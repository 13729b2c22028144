//! Answers put into a template, and what stands beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;

use crate::app::{self, Reading};
use crate::config::{SecretRef, Text};
use crate::model::{Calendar, Name};

use super::super::quoted;
use super::schema;
use super::template::{Template, WORKFLOW};

/// What was answered; nothing where the template's own words stay.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Name of the company or product.
    pub(super) name: Option<String>,
    /// IANA name of the zone.
    pub(super) zone: Option<String>,
    /// Where to begin.
    pub(super) template: Option<&'static Template>,
    /// Where alerts go.
    pub(super) alerts: Option<Vec<Way>>,
}

/// A way for alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    Slack,
    Teams,
    /// An address.
    Mail(String),
}

/// A zone by its name, or what to write instead.
pub(super) fn zone(text: &str) -> Result<String, String> {
    let known = Calendar::parse(text).map(|calendar| calendar.zone().name().to_owned());
    known.map_err(|why| format!("{why}; write it like Europe/Berlin or America/New_York"))
}

/// `slack`, `teams`, addresses, or several with commas.
pub(super) fn alerts(text: &str) -> Result<Vec<Way>, String> {
    let way = |word: &str| match word {
        "slack" => Ok(Way::Slack),
        "teams" => Ok(Way::Teams),
        _ => {
            let parts: Vec<&str> = word.split('@').collect();
            let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '<' | '>' | '\\');
            let is_address =
                matches!(parts[..], [user, host] if !user.is_empty() && host.contains('.'));
            if is_address && word.chars().all(plain) {
                Ok(Way::Mail(word.to_owned()))
            } else {
                Err(format!(
                    "`{word}` is neither slack nor teams nor a mail address"
                ))
            }
        }
    };
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let found: Vec<Way> = words.map(way).collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err("slack, teams or a mail address".to_owned());
    }
    Ok(found)
}

/// Every file that is to be written.
pub(super) fn files(
    template: &Template,
    answers: &Answers,
) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut texts: Vec<Text> = Vec::new();
    for (path, text) in template.files {
        let is_main = *path == "truecount.toml";
        texts.push(Text {
            path: (*path).to_owned(),
            text: if is_main {
                main(text, answers)
            } else {
                (*text).to_owned()
            },
        });
    }
    let rules = texts.iter().filter(|one| !one.path.contains("/tests/"));
    let project = app::understand(
        PathBuf::from("."),
        rules.cloned().collect(),
        Reading::default(),
    );
    if project.refused() {
        let why = crate::render::diagnostic::human(&project.diagnostics, &project.files, false);
        bail!("these answers make no plan; nothing was written\n{why}");
    }
    let sample = sample(&project.plan.secrets());
    let mut all: Vec<(PathBuf, String)> = texts
        .into_iter()
        .map(|one| (PathBuf::from(one.path), one.text))
        .collect();
    all.push(("truecount.schema.json".into(), schema()));
    all.push((".env.example".into(), sample));
    all.push((
        ".github/workflows/truecount.yml".into(),
        WORKFLOW.to_owned(),
    ));
    Ok(all)
}

/// `truecount.toml` with the answers in place of its own words.
fn main(text: &str, answers: &Answers) -> String {
    let mut text = text.to_owned();
    if let Some(name) = &answers.name {
        text = with_value(&text, "name", &quoted(Name::clean(name).as_str()));
    }
    if let Some(zone) = &answers.zone {
        text = with_value(&text, "timezone", &quoted(zone));
    }
    match &answers.alerts {
        Some(ways) => with_route(&text, ways),
        None => text,
    }
}

/// The first line of a key with another value.
fn with_value(text: &str, key: &str, value: &str) -> String {
    let mut done = false;
    let line = |line: &str| {
        let known = line.split_once('=').filter(|(left, _)| left.trim() == key);
        match known {
            Some((left, _)) if !done => {
                done = true;
                format!("{left}= {value}\n")
            }
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

/// `[route.default]` with these ways, and `[mail]` where mail is one of them.
fn with_route(text: &str, ways: &[Way]) -> String {
    let addresses: Vec<String> = ways
        .iter()
        .filter_map(|way| match way {
            Way::Mail(address) => Some(quoted(address)),
            Way::Slack | Way::Teams => None,
        })
        .collect();
    let mut route = String::from("[route.default]\n");
    if ways.contains(&Way::Slack) {
        route.push_str("slack = { env = \"SLACK_WEBHOOK_URL\" }\n");
    }
    if ways.contains(&Way::Teams) {
        route.push_str("teams = { env = \"TEAMS_WEBHOOK_URL\" }\n");
    }
    if !addresses.is_empty() {
        route.push_str(&format!("email = [{}]\n", addresses.join(", ")));
    }
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.trim_end() == "[route.default]";
            if inside {
                out.push_str(&route);
            }
        }
        // The old lines of the table go; the space and comments behind it stay.
        let stays = line.trim().is_empty() || line.starts_with('#');
        if !inside || stays {
            out.push_str(line);
            out.push('\n');
        }
    }
    let host = addresses
        .first()
        .and_then(|one| one.trim_matches('"').split('@').nth(1));
    match host {
        Some(host) if !out.contains("[mail]") => out.push_str(&format!(
            "\n[mail]\nfrom = {}\nsmtp = {{ env = \"SMTP_URL\" }}                         # smtp://user:password@mail.example.com:587\n",
            quoted(&format!("Truecount <truecount@{host}>"))
        )),
        Some(host) => {
            let from = quoted(&format!("Truecount <truecount@{host}>"));
            out = with_value(&out, "from", &from);
        }
        None => {}
    }
    out
}

/// A sample of the environment: each variable once, with what needs it.
fn sample(secrets: &[(String, SecretRef)]) -> String {
    let mut needed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (place, secret) in secrets {
        if let SecretRef::Env(name) = secret {
            needed.entry(name).or_default().push(place);
        }
    }
    let mut out = String::from(
        "# Copy to .env, fill in, and read it into the environment before starting:\n\
         #   set -a; . ./.env; set +a\n\
         # Never commit .env.\n",
    );
    for (name, places) in needed {
        out.push_str(&format!("\n# {}\n{name}=\n", places.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::init::template;

    fn written(template: &Template, answers: &Answers) -> BTreeMap<String, String> {
        let files = files(template, answers).unwrap_or_default();
        let text = |path: PathBuf| path.display().to_string();
        files
            .into_iter()
            .map(|(path, body)| (text(path), body))
            .collect()
    }

    #[test]
    fn every_template_takes_every_answer() {
        let by_mail = |text: &str| Way::Mail(text.to_owned());
        for template in template::ALL {
            for ways in [
                vec![Way::Slack],
                vec![Way::Teams],
                vec![by_mail("ops@acme.example")],
                vec![
                    Way::Slack,
                    by_mail("one@acme.example"),
                    by_mail("b@acme.example"),
                ],
            ] {
                let answers = Answers {
                    name: Some("Ac\"me\\ \u{1F600}".to_owned()),
                    zone: Some("America/Sao_Paulo".to_owned()),
                    template: None,
                    alerts: Some(ways.clone()),
                };
                let files = written(template, &answers);
                let main = &files["truecount.toml"];
                assert!(
                    main.starts_with("#:schema ./truecount.schema.json\n"),
                    "{main}"
                );
                assert!(main.contains("\"America/Sao_Paulo\""), "{main}");
                assert_eq!(main.matches("[route.default]").count(), 1, "{main}");
                let sample = &files[".env.example"];
                let slack = sample.contains("\nSLACK_WEBHOOK_URL=\n");
                assert!(slack || !ways.contains(&Way::Slack), "{sample}");
                assert_eq!(main.contains("one@acme.example"), ways.len() == 3, "{main}");
                assert!(files.contains_key("truecount.schema.json"));
                assert!(files.contains_key(".github/workflows/truecount.yml"));
            }
        }
    }

    #[test]
    fn without_answers_a_template_stays_as_it_is_written() {
        for template in template::ALL {
            let files = written(template, &Answers::default());
            for (path, text) in template.files {
                assert_eq!(files[*path], *text, "{}: {path}", template.name);
            }
        }
    }
}
