//! Counts from files: CSV and JSON Lines, by glob, each line a count for an hour or a day; with the
//! feature `lake` also event rows and Parquet.

mod counts;
#[cfg(feature = "lake")]
mod events;
mod read;
mod tally;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::config::Reader;
use crate::model::{Diagnostic, Measure, Question, Subject};
use crate::plan::{Decl, Form, Kind, Plan, SOURCE_KEYS, Setting};

use super::{Ask, Cost, Means, Probe, Pulled, Source, SourceError};

const fn setting(
    key: &'static str,
    about: &'static str,
    form: Form,
    default: &'static str,
) -> Setting {
    Setting {
        key,
        about,
        form,
        required: false,
        default,
    }
}

pub(super) const KIND: Kind<dyn Source> = Kind {
    name: "files",
    about: include_str!("../../../docs/sources/files.md"),
    settings: &[
        Setting {
            required: true,
            ..setting("path", "A file or a pattern: exports/*.csv", Form::Text, "")
        },
        setting(
            "rows",
            "What a line is",
            Form::OneOf(&["counts", "events"]),
            "counts",
        ),
        setting("time", "The column that says when", Form::Text, "date"),
        setting("event", "The column of the event name", Form::Text, "event"),
        setting("count", "The column of the count", Form::Text, "count"),
        setting("sum", "The column of the amount", Form::Text, ""),
        setting(
            "zero",
            "What an absent day means",
            Form::OneOf(&["absent", "explicit"]),
            "absent",
        ),
        setting(
            "repeat",
            "What the same event and time twice means",
            Form::OneOf(&["refuse", "add"]),
            "refuse",
        ),
    ],
    mapping: &[setting("fields", "Parameter to column", Form::Table, "")],
    event_named: true,
    build,
};

/// Files as a source.
struct Files {
    pattern: String,
    columns: Columns,
    is_events: bool,
    fill: bool,
    adds_repeats: bool,
}

/// Names of the columns.
struct Columns {
    time: String,
    event: String,
    count: String,
    sum: Option<String>,
}

impl Columns {
    /// Whether a column has a meaning of its own; every other is a dimension.
    fn holds(&self, column: &str) -> bool {
        [&self.time, &self.event, &self.count]
            .into_iter()
            .chain(&self.sum)
            .any(|one| one == column)
    }
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    for key in SOURCE_KEYS {
        reader.entry(key);
    }
    let pattern = reader.required_text("path", "say where the files are: path = \"exports/*.csv\"");
    let mut word = |key: &str, words: &[&str]| {
        reader
            .has(key)
            .then(|| reader.one_of(key, words))
            .flatten()
            .unwrap_or_else(|| words[0].to_owned())
    };
    let is_events = word("rows", &["counts", "events"]) == "events";
    let fill = word("zero", &["absent", "explicit"]) == "absent";
    let adds_repeats = word("repeat", &["refuse", "add"]) == "add";
    refuse_lake(&mut reader, is_events, pattern.as_deref().unwrap_or(""));
    let mut column = |key: &str, usual: &str| reader.text(key).unwrap_or_else(|| usual.to_owned());
    let columns = Columns {
        time: column("time", "date"),
        event: column("event", "event"),
        count: column("count", "count"),
        sum: reader.text("sum"),
    };
    let complaints = reader.finish();
    match pattern {
        Some(pattern) if complaints.is_empty() => Ok(Box::new(Files {
            pattern,
            columns,
            is_events,
            fill,
            adds_repeats,
        })),
        _ => Err(complaints),
    }
}

/// A build with the engine refuses nothing.
#[cfg(feature = "lake")]
fn refuse_lake(_reader: &mut Reader<'_>, _is_events: bool, _pattern: &str) {}

/// Event rows and Parquet need the SQL engine.
#[cfg(not(feature = "lake"))]
fn refuse_lake(reader: &mut Reader<'_>, is_events: bool, pattern: &str) {
    if is_events || pattern.ends_with(".parquet") {
        let at = reader.place(if is_events { "rows" } else { "path" });
        reader.complain(
            Diagnostic::error(
                crate::model::Code(214),
                "event rows and Parquet need the SQL engine, which this build does not have",
            )
            .at(at, "needs the feature `lake`")
            .help("take a released binary, or build with: cargo build --release --features lake"),
        );
    }
}

#[async_trait]
impl Source for Files {
    fn arrives(&self) -> TimeDelta {
        TimeDelta::hours(6)
    }

    fn settles(&self) -> TimeDelta {
        TimeDelta::days(2)
    }

    fn has_hours(&self) -> bool {
        true
    }

    fn refuses(&self, question: &Question) -> Option<String> {
        #[cfg(feature = "lake")]
        if self.is_events {
            return crate::sql::refusal(question);
        }
        if !question.filter.0.is_empty() {
            return Some("counts in files cannot be filtered afterwards".to_owned());
        }
        match (&question.subject, &question.measure) {
            (Subject::Sessions, _) => Some("files of counts do not know sessions".to_owned()),
            (_, Measure::Count) => None,
            (_, Measure::Sum { .. }) if self.columns.sum.is_some() => None,
            (_, Measure::Sum { .. }) => {
                Some("the files have no column of amounts: add `sum`".to_owned())
            }
            _ => Some("files of counts know counts only, not parameters".to_owned()),
        }
    }

    fn cost(&self, _ask: &Ask) -> Cost {
        Cost {
            requests: 1,
            units: 0,
        }
    }

    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError> {
        let paths = self.paths(&means.folder)?;
        let mut pulled = Pulled::default();
        let mut good = Vec::new();
        for question in &ask.questions {
            match self.refuses(question) {
                Some(why) => pulled.unanswerable.push((question.clone(), why)),
                None => good.push(question.clone()),
            }
        }
        let ask = Ask {
            questions: good,
            ..ask.clone()
        };
        #[cfg(feature = "lake")]
        if self.is_events {
            return self.pull_events(paths, &means.folder, ask, pulled).await;
        }
        self.pull_counts(paths, &means.folder, ask, pulled).await
    }

    async fn probe(&self, means: &Means) -> Result<Probe, SourceError> {
        let paths = self.paths(&means.folder)?;
        let what = if self.is_events { "events" } else { "counts" };
        let files = match paths.len() {
            1 => format!("1 file of {what} matches"),
            many => format!("{many} files of {what} match"),
        };
        Ok(Probe {
            found: format!("{files} {}", self.pattern),
            remarks: Vec::new(),
        })
    }
}

impl Files {
    /// All files of the pattern, in order of their names.
    fn paths(&self, folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
        let full = folder.join(&self.pattern);
        let found = glob::glob(&full.to_string_lossy()).map_err(|why| SourceError::Refused {
            why: format!("`{}` is not a pattern: {}", self.pattern, why.msg),
        })?;
        let mut paths: Vec<PathBuf> = found
            .filter_map(Result::ok)
            .filter(|path| path.is_file())
            .collect();
        paths.sort();
        if paths.is_empty() {
            return Err(SourceError::Wait {
                after: None,
                why: format!("no file matches {}", self.pattern),
            });
        }
        Ok(paths)
    }
}
