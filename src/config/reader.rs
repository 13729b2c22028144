//! Typed values out of a table, with complaints that name place, reason and remedy.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};

use crate::model::{Code, DailyHours, Diagnostic, Name, Span};

use super::{Entry, SecretRef, Section, Typed, human, suggest};

/// Reads one table. Whatever was not asked for by the end is an unknown key.
pub struct Reader<'a> {
    section: &'a Section,
    asked: BTreeSet<String>,
    complaints: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    /// Begins to read a table.
    pub fn new(section: &'a Section) -> Self {
        Self {
            section,
            asked: BTreeSet::new(),
            complaints: Vec::new(),
        }
    }

    /// The table itself.
    pub fn section(&self) -> &'a Section {
        self.section
    }

    /// Whether the key is written.
    pub fn has(&self, key: &str) -> bool {
        self.section.entries.contains_key(key)
    }

    /// The raw entry; asking marks the key as known.
    pub fn entry(&mut self, key: &str) -> Option<&'a Entry> {
        self.asked.insert(key.to_owned());
        self.section.entries.get(key)
    }

    /// Where the value of a key stands; the header when it is not written.
    pub fn place(&self, key: &str) -> Span {
        self.section
            .entries
            .get(key)
            .map_or(self.section.span, |entry| entry.at)
    }

    /// Keeps a complaint of the caller.
    pub fn complain(&mut self, complaint: Diagnostic) {
        self.complaints.push(complaint);
    }

    fn wrong(&mut self, key: &str, entry: &Entry, wanted: &str) {
        let title = self.section.title();
        self.complaints.push(
            Diagnostic::error(
                Code(102),
                format!("`{key}` of [{title}] should be {wanted}"),
            )
            .at(entry.at, format!("this is {}", entry.value.what())),
        );
    }

    fn unreadable(&mut self, at: Span, why: String) {
        self.complaints
            .push(Diagnostic::error(Code(105), why).at(at, "cannot be read"));
    }

    /// Complains that a key is missing, with the reason why it is needed.
    pub fn missing(&mut self, key: &str, why: &str) {
        let title = self.section.title();
        self.complaints.push(
            Diagnostic::error(Code(104), format!("[{title}] lacks `{key}`"))
                .at(self.section.span, "in this table")
                .help(why.to_owned()),
        );
    }

    /// A text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        let entry = self.entry(key)?;
        match &entry.value {
            Typed::Text(text) => Some(text.clone()),
            _ => {
                self.wrong(key, entry, "a text in quotes");
                None
            }
        }
    }

    /// A text that must be there.
    pub fn required_text(&mut self, key: &str, why: &str) -> Option<String> {
        if !self.has(key) {
            self.asked.insert(key.to_owned());
            self.missing(key, why);
            return None;
        }
        self.text(key)
    }

    /// A text that is a name.
    pub fn name(&mut self, key: &str) -> Option<(Name, Span)> {
        let text = self.text(key)?;
        let at = self.place(key);
        match Name::parse(&text) {
            Ok(name) => Some((name, at)),
            Err(why) => {
                self.unreadable(at, why.to_string());
                None
            }
        }
    }

    /// A text or a list of texts, each with its place.
    pub fn texts(&mut self, key: &str) -> Option<Vec<(String, Span)>> {
        let entry = self.entry(key)?;
        match &entry.value {
            Typed::Text(text) => Some(vec![(text.clone(), entry.at)]),
            Typed::List(items) => {
                let mut found = Vec::new();
                for (at, item) in items {
                    match item {
                        Typed::Text(text) => found.push((text.clone(), *at)),
                        Typed::Date(date) => found.push((date.to_string(), *at)),
                        other => {
                            let title = self.section.title();
                            let what = other.what();
                            self.complaints.push(
                                Diagnostic::error(
                                    Code(102),
                                    format!("`{key}` of [{title}] should hold texts"),
                                )
                                .at(*at, format!("this is {what}")),
                            );
                        }
                    }
                }
                Some(found)
            }
            _ => {
                self.wrong(key, entry, "a text or a list of texts");
                None
            }
        }
    }

    /// Texts that are names.
    pub fn names(&mut self, key: &str) -> Option<Vec<(Name, Span)>> {
        let texts = self.texts(key)?;
        let mut found = Vec::new();
        for (text, at) in texts {
            match Name::parse(&text) {
                Ok(name) => found.push((name, at)),
                Err(why) => self.unreadable(at, why.to_string()),
            }
        }
        Some(found)
    }

    /// A whole number that is not negative.
    pub fn whole(&mut self, key: &str) -> Option<u64> {
        let entry = self.entry(key)?;
        let number = match &entry.value {
            Typed::Whole(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong(key, entry, "a whole number that is not negative");
        }
        number
    }

    /// Any number.
    pub fn number(&mut self, key: &str) -> Option<f64> {
        let entry = self.entry(key)?;
        match &entry.value {
            #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
            Typed::Whole(number) => Some(*number as f64),
            Typed::Decimal(number) => Some(*number),
            _ => {
                self.wrong(key, entry, "a number");
                None
            }
        }
    }

    /// true or false.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        let entry = self.entry(key)?;
        match &entry.value {
            Typed::Flag(flag) => Some(*flag),
            _ => {
                self.wrong(key, entry, "true or false");
                None
            }
        }
    }

    /// A date without a time.
    pub fn date(&mut self, key: &str) -> Option<NaiveDate> {
        let entry = self.entry(key)?;
        match &entry.value {
            Typed::Date(date) => Some(*date),
            Typed::Text(text) => match human::days(text) {
                Ok(days) => days.first().copied(),
                Err(why) => {
                    self.unreadable(entry.at, why);
                    None
                }
            },
            _ => {
                self.wrong(key, entry, "a date such as 2026-10-23");
                None
            }
        }
    }

    fn parsed<T>(&mut self, key: &str, read: fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        let at = self.place(key);
        match read(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.unreadable(at, why);
                None
            }
        }
    }

    /// `"2 days"`
    pub fn duration(&mut self, key: &str) -> Option<TimeDelta> {
        self.parsed(key, human::duration)
    }

    /// `"5%"` or a number between 0 and 1.
    pub fn share(&mut self, key: &str) -> Option<f64> {
        match self.section.entries.get(key).map(|entry| &entry.value) {
            Some(Typed::Decimal(_) | Typed::Whole(_)) => self.number(key),
            _ => self.parsed(key, human::share),
        }
    }

    /// A share of a whole: 0 to 1. A bare `5` is most often meant as `"5%"`.
    pub fn part(&mut self, key: &str) -> Option<f64> {
        let share = self.share(key)?;
        if (0.0..=1.0).contains(&share) {
            return Some(share);
        }
        let at = self.place(key);
        let title = self.section.title();
        let shown = format!("{}%", share * 100.0);
        let complaint = Diagnostic::error(
            Code(216),
            format!("`{key}` of [{title}] is {shown}, and a share lies between 0% and 100%"),
        )
        .at(at, "outside");
        self.complaints.push(if (1.0..=100.0).contains(&share) {
            complaint
                .help("a share is written with a percent sign")
                .fix(at, format!("\"{share}%\""), false)
        } else {
            complaint
        });
        None
    }

    /// `"60%..85%"`
    pub fn band(&mut self, key: &str) -> Option<(f64, f64)> {
        self.parsed(key, human::band)
    }

    /// `"20:00-07:00"`
    pub fn hours(&mut self, key: &str) -> Option<DailyHours> {
        self.parsed(key, human::hours)
    }

    /// An http or https address.
    pub fn url(&mut self, key: &str) -> Option<url::Url> {
        self.parsed(key, |text| {
            let wrong = |why: String| format!("`{text}` is not an address: {why}");
            let url = url::Url::parse(text).map_err(|why| wrong(why.to_string()))?;
            if matches!(url.scheme(), "http" | "https") {
                Ok(url)
            } else {
                Err(wrong("it should begin with https://".to_owned()))
            }
        })
    }

    /// One of some words.
    pub fn one_of(&mut self, key: &str, words: &[&str]) -> Option<String> {
        let text = self.text(key)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        let at = self.place(key);
        let mut complaint = Diagnostic::error(
            Code(105),
            format!("`{text}` is not one of {}", words.join(", ")),
        )
        .at(at, "not known here");
        if let Some(near) = suggest(&text, words) {
            complaint = complaint.fix(at, format!("\"{near}\""), true);
        }
        self.complaints.push(complaint);
        None
    }

    /// A table.
    pub fn table(&mut self, key: &str) -> Option<&'a Section> {
        let entry = self.entry(key)?;
        match &entry.value {
            Typed::Table(section) => Some(section),
            _ => {
                self.wrong(key, entry, "a table");
                None
            }
        }
    }

    /// Where a secret is kept; a text in the file is refused (TC310), unless plain
    /// secrets are allowed. It is returned as [`SecretRef::Plain`] all the same, so that reading
    /// goes on and every other mistake is found too.
    pub fn secret(&mut self, key: &str) -> Option<SecretRef> {
        let entry = self.entry(key)?;
        match &entry.value {
            Typed::Text(text) => {
                let table = self.section.path.last().map_or("", String::as_str);
                // `slack = "…"` in a route is read as a table of its own with the key `to`.
                let (written, variable) = if key == "to" && self.section.path.len() == 1 {
                    (table, format!("{table}_url"))
                } else {
                    (key, format!("{table}_{key}"))
                };
                if self.section.plain_secrets {
                    return Some(SecretRef::Plain(text.clone()));
                }
                self.complaints.push(
                    Diagnostic::error(Code(310), "a secret is written in the file")
                        .at(entry.at, "anyone who can read this file can use it")
                        .help(format!(
                            "put it in the environment: {written} = {{ env = \"{}\" }}",
                            variable.to_uppercase().replace(['-', '.'], "_")
                        )),
                );
                Some(SecretRef::Plain(text.clone()))
            }
            Typed::Table(table) => self.secret_table(key, entry, table),
            _ => {
                self.wrong(key, entry, "a secret such as { env = \"NAME\" }");
                None
            }
        }
    }

    fn secret_table(&mut self, key: &str, entry: &Entry, table: &Section) -> Option<SecretRef> {
        let mut found =
            table
                .entries
                .iter()
                .filter_map(|(word, inner)| match (word.as_str(), &inner.value) {
                    ("env", Typed::Text(text)) => Some(SecretRef::Env(text.clone())),
                    ("file", Typed::Text(text)) => Some(SecretRef::File(text.clone())),
                    ("credential", Typed::Text(text)) => Some(SecretRef::Credential(text.clone())),
                    ("command", Typed::List(items)) => {
                        let words: Vec<String> = items
                            .iter()
                            .filter_map(|(_, item)| match item {
                                Typed::Text(text) => Some(text.clone()),
                                _ => None,
                            })
                            .collect();
                        (words.len() == items.len() && !words.is_empty())
                            .then_some(SecretRef::Command(words))
                    }
                    _ => None,
                });
        let secret = found.next();
        if table.entries.len() == 1 && secret.is_some() {
            return secret;
        }
        self.complaints.push(
            Diagnostic::error(Code(105), format!("`{key}` does not say where the secret is kept"))
                .at(entry.at, "cannot be read")
                .help("write { env = \"NAME\" }, { file = \"path\" }, { credential = \"name\" } or { command = [\"program\", \"argument\"] }"),
        );
        None
    }

    /// Ends reading: every key that nobody asked for is unknown.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        let known: Vec<&String> = self.asked.iter().collect();
        for (key, entry) in &self.section.entries {
            if !self.asked.contains(key) {
                self.complaints
                    .push(unknown_key(&self.section.title(), key, entry.key, &known));
            }
        }
        self.complaints
    }
}

/// A key that does not belong where it stands.
pub(super) fn unknown_key<T: AsRef<str>>(
    title: &str,
    key: &str,
    at: Span,
    known: &[T],
) -> Diagnostic {
    let title = if title.is_empty() {
        "the top level".to_owned()
    } else {
        format!("[{title}]")
    };
    let complaint = Diagnostic::error(Code(103), format!("{title} knows no `{key}`"));
    match suggest(key, known) {
        Some(near) => complaint
            .at(at, format!("did you mean `{near}`?"))
            .help("a similar key exists")
            .fix(at, near, true),
        None => {
            let list: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
            complaint
                .at(at, "not known here")
                .help(format!("known here: {}", list.join(", ")))
        }
    }
}

/// [`unknown_key`] for the root and for families, which have no reader.
pub fn unknown(title: &str, key: &str, at: Span, known: &[&str]) -> Diagnostic {
    unknown_key(title, key, at, known)
}
