//! `[source.*]`: the systems that know counts.

use chrono::TimeDelta;

use crate::config::{Reader, Section, suggest};
use crate::model::{Code, Diagnostic, Name, Schedule};

use super::resolve::Resolver;
use super::{Decl, Project, Setting};

/// `[source.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct SourceDecl {
    /// Name, kind and table.
    pub decl: Decl,
    /// When it is pulled: the text of `every` or `cron`; the kind's default when `None`.
    pub schedule: Option<String>,
    /// Declared `arrives`, overriding the kind's.
    pub arrives: Option<TimeDelta>,
    /// Declared `settles`, overriding the kind's.
    pub settles: Option<TimeDelta>,
    /// Who looks after it.
    pub owner: Option<Name>,
    /// Whether its events have names of their own (GA4, Mixpanel, files of events) so that an
    /// event without `in.*` is expected there under its own name.
    pub event_named: bool,
    /// Whether it knows visits, and events by their usual names.
    pub analytics: bool,
}

/// Keys that every source has beside those of its kind.
pub const COMMON: [&str; 8] = [
    "type", "every", "cron", "arrives", "settles", "owner", "about", "base_url",
];

/// `[source.*]`. The settings of the kind are read by its builder.
pub(super) fn sources(resolver: &mut Resolver<'_>, project: &Project) -> Vec<SourceDecl> {
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("source") {
        let mut reader = Reader::new(section);
        let why = "say which system it is, such as type = \"ga4\"";
        let kind = reader.required_text("type", why).unwrap_or_default();
        let schedule = schedule(&mut reader, project);
        let arrives = reader.duration("arrives");
        let settles = reader.duration("settles");
        let owner = reader.name("owner").map(|(owner, _)| owner);
        let at = reader.place("type");
        let names: Vec<&str> = resolver
            .known
            .sources
            .iter()
            .map(|kind| kind.name)
            .collect();
        let facts = resolver
            .known
            .sources
            .iter()
            .find(|facts| facts.name == kind);
        // The other keys belong to the kind; only those that nobody knows are complained of.
        for key in COMMON
            .iter()
            .chain(facts.iter().flat_map(|f| f.settings).map(|s| &s.key))
        {
            reader.entry(key);
        }
        let mut complaints = reader.finish();
        match facts {
            None if !kind.is_empty() => {
                let message = format!("there is no source kind `{kind}`");
                let mut complaint = Diagnostic::error(Code(204), message).at(at, "not known");
                complaint = match suggest(&kind, &names) {
                    Some(near) => complaint.fix(at, format!("\"{near}\""), true),
                    None => complaint.help(format!("known kinds: {}", names.join(", "))),
                };
                complaints.retain(|one| one.code != Code(103));
                complaints.push(complaint);
            }
            Some(facts) if !facts.built => {
                complaints.retain(|one| one.code != Code(103));
                let message = format!("the source kind `{kind}` is not part of this release");
                complaints.push(
                    Diagnostic::note(Code(214), message)
                        .at(at, "known, not built")
                        .help("checks that need it are left out; everything else works"),
                );
            }
            Some(facts) => complaints.extend(lacking(section, facts.settings, &[])),
            None => {}
        }
        resolver.complaints.extend(complaints);
        found.push(SourceDecl {
            event_named: facts.is_some_and(|facts| facts.event_named),
            analytics: facts.is_some_and(|facts| facts.analytics),
            decl: Decl {
                name,
                kind,
                span,
                section: section.clone(),
            },
            schedule,
            arrives,
            settles,
            owner,
        });
    }
    found
}

/// What a kind needs and the table does not say.
pub(super) fn lacking(section: &Section, settings: &[Setting], except: &[&str]) -> Vec<Diagnostic> {
    settings
        .iter()
        .filter(|one| one.required && !except.contains(&one.key))
        .filter(|one| !section.entries.contains_key(one.key))
        .map(|one| {
            let message = format!("[{}] lacks `{}`", section.title(), one.key);
            Diagnostic::error(Code(104), message)
                .at(section.span, "in this table")
                .help(format!(
                    "{} = {}: {}",
                    one.key,
                    one.form.example(),
                    one.about
                ))
        })
        .collect()
}

fn schedule(reader: &mut Reader<'_>, project: &Project) -> Option<String> {
    if reader.has("cron") && reader.has("every") {
        reader.entry("every");
        let at = reader.place("every");
        reader.complain(
            Diagnostic::error(Code(208), "`every` and `cron` say the same thing twice")
                .at(at, "one of them is enough"),
        );
    }
    let key = if reader.has("cron") { "cron" } else { "every" };
    let text = reader.text(key)?;
    match Schedule::parse(&text, project.calendar.zone()) {
        Ok(_) => Some(text),
        Err(why) => {
            let at = reader.place(key);
            reader.complain(Diagnostic::error(Code(208), why.to_string()).at(at, "cannot be read"));
            None
        }
    }
}
