//! From the typed document to a plan, and every complaint about it.

use std::collections::BTreeMap;

use crate::config::{Document, FAMILIES, Reader, Section, Typed, list_of_tables, suggest, unknown};
use crate::model::{Code, Diagnostic, Level, Name, Span};

use super::{
    Known, Plan, calendar, compare, consistent, conversion, event, project, report, route, rule,
    source, standard, test,
};

/// What the environment adds to the files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment {
    /// `TRUECOUNT_SMTP_URL` is set.
    pub smtp_url_set: bool,
}

/// Root tables that are single.
const TABLES: &[&str] = &[
    "project",
    "defaults",
    "utm",
    "naming",
    "consent",
    "mail",
    "store",
    "server",
    "net",
    "heartbeat",
    "noise",
    "release",
    "include",
];

/// What every table's reader needs to know of the others.
pub(super) struct Resolver<'a> {
    pub(super) document: &'a Document,
    pub(super) known: &'a Known,
    pub(super) environment: Environment,
    pub(super) complaints: Vec<Diagnostic>,
}

/// Reads every table. The plan is only fit for use when no complaint is an error.
pub fn resolve(
    document: &Document,
    known: &Known,
    environment: &Environment,
) -> (Plan, Vec<Diagnostic>) {
    let mut resolver = Resolver {
        document,
        known,
        environment: *environment,
        complaints: Vec::new(),
    };
    resolver.unknown_tables();
    let owners = route::owners(&mut resolver);
    let project = project::project(&mut resolver);
    let sources = source::sources(&mut resolver, &project);
    let events = event::events(&mut resolver, &sources);
    let conversions = conversion::conversions(&mut resolver, &events);
    let funnels = conversion::funnels(&mut resolver, &events);
    let compares = compare::compares(&mut resolver, &events, &sources);
    let checks = rule::rules(&mut resolver, &events, &conversions);
    let mail = route::mail(&mut resolver);
    let routes = route::routes(&mut resolver, &owners, mail.is_some());
    let reports = report::reports(&mut resolver, &owners, &project, mail.is_some());
    let calendars = calendar::calendars(&mut resolver, project.calendar.zone());
    let mut plan = Plan {
        calendars,
        tests: test::tests(&mut resolver),
        watch: standard::release(&mut resolver),
        utm: standard::utm(&mut resolver),
        naming: standard::naming(&mut resolver),
        consent: standard::consent(&mut resolver),
        silences: route::silences(&mut resolver, &project),
        store: project::store(&mut resolver),
        server: project::server(&mut resolver),
        net: project::net(&mut resolver),
        heartbeat: project::heartbeat(&mut resolver),
        noise: project::noise(&mut resolver),
        project,
        sources,
        events,
        conversions,
        funnels,
        compares,
        checks,
        owners,
        routes,
        mail,
        reports,
    };
    calendar::connect(&mut resolver, &mut plan);
    resolver.check_owners(&plan);
    resolver.check_names(&plan);
    consistent::check(&mut resolver, &plan);
    (plan, resolver.said())
}

impl<'a> Resolver<'a> {
    /// Reads `[name]`; an absent table reads as an empty one.
    pub(super) fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Reader<'a>) -> T,
    ) -> Option<T> {
        let section = self.document.table(name)?;
        Some(self.read_section(section, read))
    }

    /// Reads a table and collects its complaints.
    pub(super) fn read_section<T>(
        &mut self,
        section: &'a Section,
        read: impl FnOnce(&mut Reader<'a>) -> T,
    ) -> T {
        let mut reader = Reader::new(section);
        let value = read(&mut reader);
        self.complaints.extend(reader.finish());
        value
    }

    /// Where a table was written, such as `rules/leads.toml:21`.
    pub(super) fn origin(&self, at: Span) -> String {
        self.document.place(at)
    }

    /// `[family.*]` with checked names.
    pub(super) fn family(&mut self, family: &str) -> Vec<(Name, Span, &'a Section)> {
        let mut found = Vec::new();
        for (key, at, section) in self.document.family(family) {
            match table_name(key) {
                Ok(name) => found.push((name, at, section)),
                Err(why) => self.complaints.push(
                    Diagnostic::error(
                        Code(106),
                        format!("`{key}` cannot be the name of a {family}"),
                    )
                    .at(at, why),
                ),
            }
        }
        found
    }

    /// `[family.name]`
    pub(super) fn named(&self, family: &str, name: &Name) -> Option<&'a Section> {
        let family = &self.document.table(family)?.entries;
        match &family.get(name.as_str())?.value {
            Typed::Table(section) => Some(section),
            _ => None,
        }
    }

    /// Complaints in the order of files and lines, without those about lines that are not TOML.
    fn said(self) -> Vec<Diagnostic> {
        let document = self.document;
        let guessed = |one: &Diagnostic| one.at.is_some_and(|at| document.is_guessed(at));
        let mut said = self.complaints;
        said.retain(|one| !guessed(one));
        said.sort_by_key(|one| one.at);
        said
    }

    /// A reference that should lead somewhere; complains with a suggestion when it does not.
    pub(super) fn refer(
        &mut self,
        code: u16,
        what: &str,
        wanted: &Name,
        at: Span,
        known: &[(Name, Span)],
    ) -> bool {
        self.refer_written(code, what, wanted, at, known, |near| format!("\"{near}\""))
    }

    /// [`Resolver::refer`] for a reference that stands as a key.
    pub(super) fn refer_key(
        &mut self,
        code: u16,
        what: &str,
        wanted: &Name,
        at: Span,
        known: &[(Name, Span)],
    ) -> bool {
        self.refer_written(code, what, wanted, at, known, str::to_owned)
    }

    fn refer_written(
        &mut self,
        code: u16,
        what: &str,
        wanted: &Name,
        at: Span,
        known: &[(Name, Span)],
        written: impl Fn(&str) -> String,
    ) -> bool {
        if known.iter().any(|(name, _)| name == wanted) {
            return true;
        }
        let mut names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
        names.dedup();
        let message = format!("there is no {what} `{wanted}`");
        let mut complaint =
            Diagnostic::error(Code(code), message).at(at, format!("no such {what}"));
        if let Some(near) = suggest(wanted.as_str(), &names) {
            if let Some((_, there)) = known.iter().find(|(name, _)| name.as_str() == near) {
                complaint = complaint.also(*there, "did you mean this one?");
            }
            let similar = format!("a similar {what} exists");
            complaint = complaint.help(similar).fix(at, written(near), true);
        } else if names.is_empty() {
            complaint = complaint.help(format!("the plan defines no {what} at all"));
        } else {
            complaint = complaint.help(format!("the plan has {}", names.join(", ")));
        }
        self.complaints.push(complaint);
        false
    }

    fn unknown_tables(&mut self) {
        let tables = TABLES.iter().chain(FAMILIES).copied();
        let known: Vec<&str> = tables.chain(["test"]).collect();
        for (key, entry) in self.document.entries() {
            if key == "test" {
                continue;
            }
            let is_table = matches!(entry.value, Typed::Table(_));
            let is_tables = matches!(&entry.value, Typed::List(items)
                if items.iter().any(|(_, item)| matches!(item, Typed::Table(_))));
            if !known.contains(&key.as_str()) {
                self.complaints.push(unknown("", key, entry.key, &known));
            } else if is_tables && key != "include" {
                self.complaints.push(list_of_tables(key, entry.key));
            } else if !is_table && key != "include" {
                self.complaints.push(
                    Diagnostic::error(Code(102), format!("`{key}` should be a table"))
                        .at(entry.at, format!("this is {}", entry.value.what()))
                        .help(format!("write [{key}] on a line of its own")),
                );
            }
        }
    }

    /// Owners are mentioned everywhere; they are checked in one place.
    fn check_owners(&mut self, plan: &Plan) {
        let known: Vec<(Name, Span)> = self
            .document
            .family("owner")
            .into_iter()
            .filter_map(|(key, at, _)| Some((Name::parse(key).ok()?, at)))
            .collect();
        let mentions: Vec<(Name, Span)> = ["event", "compare", "check", "source"]
            .iter()
            .flat_map(|family| self.document.family(family))
            .filter_map(|(_, _, section)| {
                let entry = section.entries.get("owner")?;
                match &entry.value {
                    Typed::Text(text) => Some((Name::parse(text).ok()?, entry.at)),
                    _ => None,
                }
            })
            .collect();
        for (name, at) in mentions {
            if !plan.owners.contains_key(&name) {
                // A plan may name owners that hear nothing yet; it is told, not refused.
                let before = self.complaints.len();
                self.refer(203, "owner", &name, at, &known);
                for complaint in &mut self.complaints[before..] {
                    complaint.level = Level::Warning;
                }
            }
        }
    }

    /// Events, conversions, funnels and comparisons share one space of names.
    fn check_names(&mut self, plan: &Plan) {
        let mut taken: BTreeMap<Name, (&str, Span)> = BTreeMap::new();
        for family in ["event", "conversion", "funnel", "compare", "check"] {
            for (key, at, _) in self.document.family(family) {
                let Ok(name) = Name::parse(key) else { continue };
                let marks_event = family == "conversion"
                    && plan
                        .conversions
                        .iter()
                        .any(|one| one.name == name && one.event == name);
                if marks_event {
                    continue;
                }
                if let Some((other, there)) = taken.get(&name) {
                    self.complaints.push(
                        Diagnostic::error(Code(209), format!("`{key}` names two things"))
                            .at(at, format!("{family} here"))
                            .also(*there, format!("{other} here"))
                            .help("rename one of them: check names are made of these names"),
                    );
                } else {
                    taken.insert(name, (family, at));
                }
            }
        }
    }
}

/// Names of tables end up in check names, addresses and files.
fn table_name(key: &str) -> Result<Name, String> {
    let plain = key
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let begins = key.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    if !plain || !begins {
        return Err("use letters, digits, `_` and `-`, and begin with a letter".to_owned());
    }
    Name::parse(key).map_err(|why| why.to_string())
}
