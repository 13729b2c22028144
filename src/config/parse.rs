//! All files in, one document and every complaint out.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::{Code, Diagnostic, Span};

use super::syntax::{breaches, span};
use super::{Entry, Section, Text, Typed};

/// What was typed, merged over all files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// The tables of all files.
    pub root: Section,
    /// Path and line starts of each file, for places in words.
    lines: Vec<(String, Vec<u32>)>,
    /// Lines that are not TOML: what was read there is a guess.
    guessed: Vec<Span>,
}

/// What is included unless the main file says otherwise.
const USUAL_INCLUDE: &str = "rules/**/*.toml";

/// The glob patterns of `include`, relative to the main file. A file that cannot be parsed gives
/// the usual ones; its mistakes are reported by [`parse`].
pub fn includes(main: &str) -> Vec<String> {
    let (table, _) = DeTable::parse_recoverable(main);
    let usual = || vec![USUAL_INCLUDE.to_owned()];
    match table.get_ref().get("include").map(Spanned::get_ref) {
        Some(DeValue::String(one)) => vec![one.to_string()],
        Some(DeValue::Array(many)) => many
            .iter()
            .filter_map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect(),
        _ => usual(),
    }
}

/// Parses every file, reports every mistake, and merges the tables. The same value in two files is
/// an error that shows both places.
pub fn parse(files: &[Text]) -> (Document, Vec<Diagnostic>) {
    let mut root = Section::default();
    let mut complaints = Vec::new();
    let mut guessed = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        let (table, mistakes) = DeTable::parse_recoverable(&file.text);
        let breaches = breaches(index, &file.text, &mistakes);
        complaints.extend(breaches.complaints);
        guessed.extend(breaches.lines);
        complaints.extend(include_apart(index, table.get_ref()));
        let whole = section(
            index,
            table.get_ref(),
            Vec::new(),
            span(index, &table.span()),
        );
        merge(&mut root, whole, &mut complaints);
    }
    let lines = files
        .iter()
        .map(|file| (file.path.clone(), line_starts(&file.text)))
        .collect();
    let document = Document {
        root,
        lines,
        guessed,
    };
    (document, complaints)
}

fn section(file: u16, table: &DeTable<'_>, path: Vec<String>, at: Span) -> Section {
    let entries = table
        .iter()
        .map(|(key, value)| {
            let mut inner = path.clone();
            inner.push(key.get_ref().to_string());
            let typed = typed(file, value, inner);
            let entry = Entry {
                key: span(file, &key.span()),
                at: span(file, &value.span()),
                value: typed,
            };
            (key.get_ref().to_string(), entry)
        })
        .collect();
    Section {
        path,
        span: at,
        entries,
        plain_secrets: false,
    }
}

fn typed(file: u16, value: &Spanned<DeValue<'_>>, path: Vec<String>) -> Typed {
    match value.get_ref() {
        DeValue::String(text) => Typed::Text(text.to_string()),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            match i64::from_str_radix(digits.trim_start_matches('+'), number.radix()) {
                Ok(number) => Typed::Whole(number),
                Err(_) => Typed::Text(number.as_str().to_owned()),
            }
        }
        DeValue::Float(number) => match number.as_str().replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => Typed::Decimal(number),
            _ => Typed::Text(number.as_str().to_owned()),
        },
        DeValue::Boolean(flag) => Typed::Flag(*flag),
        DeValue::Datetime(moment) => date(moment),
        DeValue::Array(items) => Typed::List(
            items
                .iter()
                .map(|item| (span(file, &item.span()), typed(file, item, path.clone())))
                .collect(),
        ),
        DeValue::Table(table) => {
            Typed::Table(section(file, table, path, span(file, &value.span())))
        }
    }
}

fn date(moment: &toml::value::Datetime) -> Typed {
    let only_date = moment.time.is_none() && moment.offset.is_none();
    match moment.date.filter(|_| only_date) {
        Some(date) => chrono::NaiveDate::from_ymd_opt(
            i32::from(date.year),
            u32::from(date.month),
            u32::from(date.day),
        )
        .map_or_else(|| Typed::Moment(moment.to_string()), Typed::Date),
        None => Typed::Moment(moment.to_string()),
    }
}

/// Tables merge, values must not meet.
fn merge(into: &mut Section, from: Section, complaints: &mut Vec<Diagnostic>) {
    if into.entries.is_empty() && into.span == Span::default() {
        into.span = from.span;
        into.path.clone_from(&from.path);
    }
    let depth = from.path.len();
    for (key, entry) in from.entries {
        match into.entries.get_mut(&key) {
            None => {
                into.entries.insert(key, entry);
            }
            Some(there) => match (&mut there.value, entry.value) {
                // `[event]` may be spread over files; `[event.purchase]` may not.
                (Typed::Table(old), Typed::Table(new))
                    if depth == 0 && FAMILIES.contains(&key.as_str()) =>
                {
                    merge(old, new, complaints);
                }
                // The only list of tables: tests of several files are one list.
                (Typed::List(old), Typed::List(mut new)) if depth == 0 && key == "test" => {
                    old.append(&mut new);
                }
                (_, Typed::List(_)) if depth == 0 => {
                    complaints.push(list_of_tables(&key, entry.key));
                }
                _ => complaints.push(twice(&into.path, &key, there.key, entry.key)),
            },
        }
    }
}

/// Root tables of named tables, which may be spread over files.
pub const FAMILIES: &[&str] = &[
    "source",
    "event",
    "conversion",
    "funnel",
    "compare",
    "check",
    "owner",
    "route",
    "report",
    "silence",
    "calendar",
];

/// `include` counts in the main file, which comes first; elsewhere nobody would look at it.
fn include_apart(file: u16, table: &DeTable<'_>) -> Option<Diagnostic> {
    let (key, value) = table.get_key_value("include")?;
    let texts = match value.get_ref() {
        DeValue::String(_) => true,
        DeValue::Array(items) => items.iter().all(|item| item.get_ref().is_str()),
        _ => false,
    };
    if file > 0 {
        let complaint = Diagnostic::error(Code(103), "`include` stands in a file that is included");
        return Some(
            complaint
                .at(span(file, &key.span()), "nobody looks here")
                .help("write it in the main file, before its first table"),
        );
    }
    (!texts).then(|| {
        Diagnostic::error(Code(102), "`include` should be a text or a list of texts")
            .at(span(file, &value.span()), "this is something else")
            .help("write it like include = [\"rules/**/*.toml\"]")
    })
}

/// The complaint about `[[conversion]]`: tables have names.
pub fn list_of_tables(key: &str, at: Span) -> Diagnostic {
    Diagnostic::error(Code(102), format!("`{key}` is not a list of tables"))
        .at(at, "double brackets")
        .help(format!("every table has a name: write [{key}.NAME]"))
}

fn twice(path: &[String], key: &str, first: Span, second: Span) -> Diagnostic {
    let mut full = path.to_vec();
    full.push(key.to_owned());
    Diagnostic::error(
        Code(101),
        format!("`{}` is written in two places", full.join(".")),
    )
    .at(second, "written again here")
    .also(first, "first written here")
    .help("keep one of them; the same table cannot be continued in another file")
}

fn line_starts(text: &str) -> Vec<u32> {
    let breaks = text
        .match_indices('\n')
        .map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
    std::iter::once(0).chain(breaks).collect()
}

impl Document {
    /// Secrets may stand in the files as plain text from here on (`--allow-plain`).
    pub fn accept_plain_secrets(&mut self) {
        self.root.accept_plain_secrets();
    }

    /// A place in words, such as `rules/leads.toml:21`.
    pub fn place(&self, at: Span) -> String {
        let Some((path, starts)) = self.lines.get(usize::from(at.file)) else {
            return String::new();
        };
        format!(
            "{path}:{}",
            starts.partition_point(|start| *start <= at.start)
        )
    }

    /// Whether a place lies on a line that is not TOML, so that its meaning is a guess.
    pub fn is_guessed(&self, at: Span) -> bool {
        self.guessed
            .iter()
            .any(|line| line.file == at.file && (line.start..=line.end).contains(&at.start))
    }

    /// `[family.*]`, in order of appearance.
    pub fn family(&self, family: &str) -> Vec<(&str, Span, &Section)> {
        match self.root.entries.get(family).map(|entry| &entry.value) {
            Some(Typed::Table(section)) => section.tables(),
            _ => Vec::new(),
        }
    }

    /// `[name]`, when it is there.
    pub fn table(&self, name: &str) -> Option<&Section> {
        match self.root.entries.get(name).map(|entry| &entry.value) {
            Some(Typed::Table(section)) => Some(section),
            _ => None,
        }
    }

    /// All entries of the root, for what does not belong there.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.root.entries
    }
}
