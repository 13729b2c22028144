//! `[[test]]`: what a check must say of given counts.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::config::{Entry, Reader, Section, Typed, human};
use crate::model::{Code, Diagnostic, Name, Span};

use super::resolve::Resolver;
use super::table::{key, required};
use super::{Form, Setting};

/// What is asked of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No alarm: fine, or a day that the plan leaves out.
    Ok,
    /// A warning.
    Warning,
    /// A failure.
    Failing,
    /// Not judged.
    NoData,
}

/// The days before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Given {
    /// Count of a day from Monday to Friday: of the event, of the baseline, of the earlier step.
    pub weekday: f64,
    /// Count of a Saturday or Sunday.
    pub weekend: f64,
    /// Weeks of history.
    pub weeks: u32,
    /// Relative spread of the days, beside that of pure chance.
    pub noise: f64,
    /// For shares, rates and comparisons: the part of the count.
    pub part: f64,
}

/// One newest day, or several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Today {
    /// A count.
    Count(f64),
    /// A part of the usual count: of events that carry the parameter, of the earlier step; for
    /// comparisons one plus the difference.
    Part(f64),
}

/// `[[test]]`
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTest {
    /// What it shows.
    pub name: String,
    /// The check, such as `purchase.volume`.
    pub check: Name,
    /// Where the check is named.
    pub span: Span,
    /// What was before.
    pub given: Given,
    /// What is now.
    pub today: Today,
    /// For so many days, the newest included.
    pub days: u32,
    /// The newest day.
    pub on: NaiveDate,
    /// What the check must say of it.
    pub expect: Expected,
    /// Where it was written.
    pub origin: String,
}

/// Keys of `[[test]]`.
pub(super) const KEYS: &[Setting] = &[
    required(key("name", Form::Text, "What it shows")),
    required(key(
        "check",
        Form::Text,
        "The check that is tried: purchase.volume",
    )),
    required(key(
        "given",
        Form::Table,
        "The days before: { weekday = 100, weekend = 40, weeks = 8, noise = \"10%\" }; shares, rates and comparisons have `part` too",
    )),
    required(key(
        "today",
        Form::Share,
        "What the newest day brings: a count, or \"91%\" of the usual one",
    )),
    key("days", Form::Whole, "For so many days; 1 unless given"),
    key("on", Form::Text, "The newest day: 2026-12-25"),
    required(key(
        "expect",
        Form::OneOf(&["ok", "warning", "failing", "no_data"]),
        "What the check must say",
    )),
];

/// A Wednesday without a holiday nearby: the newest day unless a test says otherwise.
const USUAL_DAY: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 10, 21);

/// Weeks of history unless a test says otherwise.
const WEEKS: u32 = 8;

/// Words of `expect`.
const EXPECTED: [(&str, Expected); 4] = [
    ("ok", Expected::Ok),
    ("warning", Expected::Warning),
    ("failing", Expected::Failing),
    ("no_data", Expected::NoData),
];

impl Expected {
    /// The word of the configuration.
    pub fn word(self) -> &'static str {
        EXPECTED
            .iter()
            .find(|(_, known)| *known == self)
            .map_or("", |(word, _)| word)
    }
}

/// Every `[[test]]` of every file.
pub(super) fn tests(resolver: &mut Resolver<'_>) -> Vec<RuleTest> {
    let document = resolver.document;
    let Some(Entry { value, at, .. }) = document.entries().get("test") else {
        return Vec::new();
    };
    let Typed::List(items) = value else {
        resolver.complaints.push(
            Diagnostic::error(Code(102), "`test` should be a list of tables")
                .at(*at, format!("this is {}", value.what()))
                .help("begin each test with [[test]]"),
        );
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    for (at, item) in items {
        let Typed::Table(section) = item else {
            resolver.complaints.push(
                Diagnostic::error(Code(102), "`test` should be a list of tables")
                    .at(*at, format!("this is {}", item.what()))
                    .help("begin each test with [[test]]"),
            );
            continue;
        };
        let origin = resolver.origin(section.span);
        let Some(test) = resolver.read_section(section, |reader| read(reader, origin)) else {
            continue;
        };
        if let Some(first) = names.insert(test.name.clone(), section.span) {
            let message = format!("two tests are called `{}`", test.name);
            resolver.complaints.push(
                Diagnostic::error(Code(209), message)
                    .at(section.span, "again here")
                    .also(first, "first here"),
            );
        }
        found.push(test);
    }
    found
}

fn read(reader: &mut Reader<'_>, origin: String) -> Option<RuleTest> {
    let name = reader.required_text(
        "name",
        "say what it shows: name = \"a silent form is seen\"",
    );
    let check = reader.name("check");
    if check.is_none() && !reader.has("check") {
        reader.missing(
            "check",
            "say which check is tried: check = \"purchase.volume\"",
        );
    }
    let given = given(reader);
    let today = today(reader);
    let days = reader.whole("days").unwrap_or(1).clamp(1, 60);
    let on = reader.date("on").or(USUAL_DAY);
    let words: Vec<&str> = EXPECTED.iter().map(|(word, _)| *word).collect();
    if !reader.has("expect") {
        reader.missing("expect", "say what must come out: expect = \"failing\"");
    }
    let word = reader.one_of("expect", &words);
    let expect = EXPECTED
        .iter()
        .find(|(known, _)| Some(*known) == word.as_deref());
    let (check, span) = check?;
    Some(RuleTest {
        name: name?,
        check,
        span,
        given: given?,
        today: today?,
        days: u32::try_from(days).unwrap_or(1),
        on: on?,
        expect: expect?.1,
        origin,
    })
}

/// `given = { weekday = 100, weekend = 40, weeks = 8, noise = "10%", part = "98%" }`
fn given(reader: &mut Reader<'_>) -> Option<Given> {
    if !reader.has("given") {
        reader.missing(
            "given",
            "say what was before: given = { weekday = 100, weekend = 40, weeks = 8 }",
        );
        return None;
    }
    let table: &Section = reader.table("given")?;
    let mut inner = Reader::new(table);
    let weekday = inner.number("weekday");
    if weekday.is_none() && !inner.has("weekday") {
        inner.missing("weekday", "the count of a day: weekday = 100");
    }
    let weekend = inner.number("weekend").or(weekday);
    let weeks = inner.whole("weeks").map_or(WEEKS, |weeks| {
        u32::try_from(weeks.min(104)).unwrap_or(WEEKS)
    });
    let (noise, part) = (inner.share("noise"), part(&mut inner, "part"));
    for key in ["weekday", "weekend"] {
        if inner
            .number(key)
            .is_some_and(|count| !(0.0..=1e12).contains(&count))
        {
            let at = inner.place(key);
            inner.complain(
                Diagnostic::error(Code(216), format!("`{key}` is a count")).at(at, "out of range"),
            );
        }
    }
    for complaint in inner.finish() {
        reader.complain(complaint);
    }
    Some(Given {
        weekday: weekday?,
        weekend: weekend?,
        weeks,
        noise: noise.unwrap_or(0.05).clamp(0.0, 1.0),
        part: part.unwrap_or(1.0),
    })
}

/// `"98%"` of the count; with a sign a difference: `"-8%"` is 92% of it.
fn part(reader: &mut Reader<'_>, key: &str) -> Option<f64> {
    let text = reader.text(key)?;
    match human::share(&text) {
        Ok(share) if text.trim().starts_with(['+', '-', '−']) => Some(1.0 + share),
        Ok(share) => Some(share),
        Err(why) => {
            let at = reader.place(key);
            reader.complain(Diagnostic::error(Code(105), why).at(at, "cannot be read"));
            None
        }
    }
}

fn today(reader: &mut Reader<'_>) -> Option<Today> {
    let Some(entry) = reader.section().entries.get("today") else {
        reader.missing(
            "today",
            "say what the newest day brings: today = 38, or today = \"91%\"",
        );
        return None;
    };
    match entry.value {
        Typed::Text(_) => part(reader, "today").map(Today::Part),
        _ => reader.number("today").map(Today::Count),
    }
}

/// Tests name checks that exist; the plan alone cannot know them, so whoever made them says which.
pub fn unknown_checks(tests: &[RuleTest], checks: &[&str]) -> Vec<Diagnostic> {
    let missing = tests
        .iter()
        .filter(|test| !checks.contains(&test.check.as_str()));
    let complaint = |test: &RuleTest| {
        let message = format!("no check is called `{}`", test.check);
        let complaint = Diagnostic::error(Code(221), message).at(test.span, "no such check");
        match crate::config::suggest(test.check.as_str(), checks) {
            Some(near) => {
                complaint
                    .help("a similar check exists")
                    .fix(test.span, format!("\"{near}\""), true)
            }
            None => complaint.help("truecount check --all lists them"),
        }
    };
    missing.map(complaint).collect()
}
