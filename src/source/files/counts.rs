//! Lines of counts to the answers of all questions, in one pass and little memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::model::{Calendar, Grain, Measure, Subject, Window};
use crate::source::line;
use crate::source::{Ask, Pulled, SourceError};

use super::read::{self, Row};
use super::tally::{Repeats, Sums, Times};
use super::{Columns, Files};

/// What has been read so far.
struct Tally<'a> {
    columns: &'a Columns,
    ask: &'a Ask,
    times: Times,
    sums: Vec<Sums>,
    /// Places of the questions about one event by its name in the file: a line concerns few of
    /// what may be thousands of questions.
    by_event: HashMap<String, Vec<usize>>,
    /// Places of all questions about an event: a file without a column of events holds one event.
    about_events: Vec<usize>,
    /// Places of the questions about every line.
    about_all: Vec<usize>,
    /// Where each event and time stood first; `None` when repeats add up.
    repeats: Option<Repeats>,
    days: Option<(NaiveDate, NaiveDate)>,
    has_day_lines: bool,
}

impl Files {
    /// Every line of every file; one broken line refuses all, since a part is not a count.
    pub(super) async fn pull_counts(
        &self,
        paths: Vec<PathBuf>,
        folder: &Path,
        ask: Ask,
        mut pulled: Pulled,
    ) -> Result<Pulled, SourceError> {
        #[cfg(feature = "lake")]
        if self.pattern.ends_with(".parquet") {
            let rows = self.parquet_rows(paths, &ask).await?;
            let names = [self.pattern.clone()];
            let mut tally = Tally::new(&self.columns, &ask, self.adds_repeats);
            for (line, row) in (1..).zip(&rows) {
                let place = |why| SourceError::Odd {
                    why: format!("{}, row {line}: {why}", self.pattern),
                };
                tally
                    .add(0, line, Row::Fields(row), &names)
                    .map_err(place)?;
            }
            tally.answer(self.fill, &mut pulled);
            return Ok(pulled);
        }
        let names: Vec<String> = paths.iter().map(|path| name(path, folder)).collect();
        let columns = Columns {
            time: self.columns.time.clone(),
            event: self.columns.event.clone(),
            count: self.columns.count.clone(),
            sum: self.columns.sum.clone(),
        };
        let (adds_repeats, fill) = (self.adds_repeats, self.fill);
        let work = move || -> Result<Pulled, SourceError> {
            let mut tally = Tally::new(&columns, &ask, adds_repeats);
            for (file, path) in paths.iter().enumerate() {
                read::lines(path, &names[file], &mut |line, row| {
                    tally.add(file, line, row, &names)
                })?;
            }
            tally.answer(fill, &mut pulled);
            Ok(pulled)
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|why| {
                Err(SourceError::Wait {
                    after: None,
                    why: format!("reading was cut off: {why}"),
                })
            })
    }
}

/// As the person who configured it knows it.
pub(super) fn name(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder)
        .unwrap_or(path)
        .display()
        .to_string()
}

impl<'a> Tally<'a> {
    fn new(columns: &'a Columns, ask: &'a Ask, adds_repeats: bool) -> Self {
        let mut by_event: HashMap<String, Vec<usize>> = HashMap::new();
        let (mut about_events, mut about_all) = (Vec::new(), Vec::new());
        for (place, question) in ask.questions.iter().enumerate() {
            match &question.subject {
                Subject::Event(_) => {
                    about_events.push(place);
                    if let Some(native) = &question.mapping.native {
                        by_event.entry(native.clone()).or_default().push(place);
                    }
                }
                Subject::AnyEvent => about_all.push(place),
                Subject::Sessions => (),
            }
        }
        Self {
            columns,
            ask,
            times: Times::default(),
            sums: ask.questions.iter().map(|_| Sums::default()).collect(),
            by_event,
            about_events,
            about_all,
            repeats: (!adds_repeats).then(Repeats::default),
            days: None,
            has_day_lines: false,
        }
    }

    fn add(
        &mut self,
        file: usize,
        line: u64,
        row: Row<'_>,
        names: &[String],
    ) -> Result<(), String> {
        let take = |column: &str| row.get(column).ok_or_else(|| row.lacks(column));
        let time = take(&self.columns.time)?;
        let count = line::count(take(&self.columns.count)?)?;
        let sum = match &self.columns.sum {
            Some(column) => Some(line::amount(take(column)?)?),
            None => None,
        };
        let event = row.get(&self.columns.event);
        let time = self.times.read(time, self.ask)?;
        let day = time.day;
        self.days = Some(
            self.days
                .map_or((day, day), |(first, last)| (first.min(day), last.max(day))),
        );
        self.has_day_lines |= time.is_day();
        let of_event = match event {
            Some(event) => self.by_event.get(event).map_or(&[][..], Vec::as_slice),
            None => &self.about_events,
        };
        let mut concerned = false;
        for place in of_event.iter().chain(&self.about_all).copied() {
            let question = &self.ask.questions[place];
            let Some(bucket) = time.bucket(question.grain) else {
                continue;
            };
            concerned = true;
            let value = match question.measure {
                Measure::Sum { .. } => sum.unwrap_or(0.0),
                _ => count,
            };
            self.sums[place].add(question, bucket, event, row, value);
        }
        // What lies outside of the window, or is asked for by nobody, cannot spoil the answer.
        match &mut self.repeats {
            Some(repeats) if concerned => repeats
                .first(event, &time, row, self.columns, (file, line))
                .map_or(Ok(()), |(before, number)| {
                    Err(format!(
                        "the same event and time stand in {}:{number} already; if they add up, say repeat = \"add\"",
                        names[before]
                    ))
                }),
            _ => Ok(()),
        }
    }

    fn answer(self, fill: bool, pulled: &mut Pulled) {
        let range = self
            .days
            .map(|(first, last)| covered(first, last, &self.ask.calendar));
        drop(self.repeats); // Its room is wanted for the answers.
        for (question, sums) in self.ask.questions.iter().zip(self.sums) {
            sums.answer(question, self.ask, &self.times, &mut pulled.observations);
            // Lines of days cannot say that an hour had none.
            let blind = question.grain == Grain::Hour && self.has_day_lines;
            let range = range.filter(|range| range.overlaps(&self.ask.window));
            if let Some(range) = range.filter(|_| fill && !blind) {
                let window = Window {
                    from: range.from.max(self.ask.window.from),
                    to: range.to.min(self.ask.window.to),
                };
                pulled.covered.push((question.clone(), window));
            }
        }
    }
}

/// From the first to the last written day: an absent day in between is zero.
pub(super) fn covered(first: NaiveDate, last: NaiveDate, calendar: &Calendar) -> Window {
    Window {
        from: calendar.day(first).start,
        to: calendar.day(last).end,
    }
}
