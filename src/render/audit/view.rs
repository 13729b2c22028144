//! An audit in words, ready to be placed by a template.

use std::collections::BTreeSet;

use crate::model::{Calendar, Name, Period};
use crate::report::{
    ChannelLine, CountLine, FunnelLine, Measure, Part, PayloadLine, Report, SourceLine, Target,
};

use super::super::words;
use super::drawing::{drawings, moved};
use super::rows::{self, GapRow, MappingRow, RepeatRow, TrendRow};
use super::sentence;
use super::trouble::{IncidentRow, incident, speed};

/// The first rows of a list, and how many more there are.
pub(super) struct List<T> {
    pub(super) rows: Vec<T>,
    pub(super) more: usize,
}

impl<T> List<T> {
    pub(super) fn of<L>(lines: &[L], most: usize, row: impl Fn(&L) -> T) -> Self {
        Self {
            rows: lines.iter().take(most).map(row).collect(),
            more: lines.len().saturating_sub(most),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// `and 12 more`; empty when everything is shown.
    pub(super) fn rest(&self) -> String {
        match self.more {
            0 => String::new(),
            more => format!("and {more} more in the archive, the CSV and the text of this audit"),
        }
    }
}

/// One figure.
pub(super) struct TargetRow {
    pub(super) mark: &'static str,
    pub(super) ink: &'static str,
    pub(super) name: &'static str,
    pub(super) how: &'static str,
    pub(super) current: String,
    pub(super) previous: String,
    pub(super) change: String,
    pub(super) goal: String,
    pub(super) why: String,
}

/// A number beside those before it.
pub(super) struct CountRow {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) current: String,
    pub(super) previous: String,
    pub(super) change: String,
    pub(super) last_year: String,
    pub(super) doubts: String,
}

/// A share beside the one before it.
pub(super) struct StepRow {
    pub(super) name: String,
    pub(super) current: String,
    pub(super) previous: String,
    pub(super) change: String,
    pub(super) remark: String,
}

/// One source.
pub(super) struct SourceRow {
    pub(super) ink: &'static str,
    pub(super) mark: &'static str,
    pub(super) name: String,
    pub(super) late: String,
    pub(super) pulls: String,
    pub(super) quota: String,
}

/// Something to do.
pub(super) struct TaskRow {
    pub(super) what: String,
    pub(super) owner: String,
    pub(super) link: String,
}

/// Everything of a report in words; the templates only place it.
pub(super) struct View {
    pub(super) project: String,
    /// `Weekly tracking audit`.
    pub(super) title: &'static str,
    pub(super) dates: String,
    /// `This week`, `Last week`.
    pub(super) now: &'static str,
    pub(super) before: &'static str,
    pub(super) year: &'static str,
    pub(super) headline: String,
    pub(super) sentences: String,
    pub(super) targets: Vec<TargetRow>,
    pub(super) incidents: List<IncidentRow>,
    pub(super) speed: String,
    pub(super) counts: List<CountRow>,
    pub(super) per_day: bool,
    /// Whether any count has a year to be compared with.
    pub(super) has_years: bool,
    pub(super) channels: List<CountRow>,
    pub(super) channel_years: bool,
    pub(super) gaps: List<GapRow>,
    pub(super) steps: List<StepRow>,
    pub(super) payload: List<StepRow>,
    pub(super) repeats: List<RepeatRow>,
    pub(super) mappings: List<MappingRow>,
    pub(super) unmapped: String,
    pub(super) trends: List<TrendRow>,
    pub(super) coverage: Vec<String>,
    pub(super) changes: List<String>,
    pub(super) sources: List<SourceRow>,
    pub(super) not_checked: List<String>,
    pub(super) tasks: Vec<TaskRow>,
    parts: BTreeSet<Part>,
    pub(super) foot: Vec<String>,
    pub(super) link: String,
    /// Content id of the drawing of all counts; empty without one.
    pub(super) picture: &'static str,
    pub(super) picture_says: String,
    /// Content id and the finding in words of each drawing of a check.
    pub(super) drawings: Vec<(String, String)>,
}

impl View {
    pub(super) fn shows_quality(&self) -> bool {
        self.parts.contains(&Part::Quality)
    }

    pub(super) fn shows_incidents(&self) -> bool {
        self.parts.contains(&Part::Incidents)
    }

    pub(super) fn shows_counts(&self) -> bool {
        self.parts.contains(&Part::Counts) && !self.counts.is_empty()
    }

    pub(super) fn shows_channels(&self) -> bool {
        self.parts.contains(&Part::Channels) && !self.channels.is_empty()
    }

    pub(super) fn shows_gaps(&self) -> bool {
        self.parts.contains(&Part::Gaps) && !self.gaps.is_empty()
    }

    pub(super) fn shows_funnel(&self) -> bool {
        self.parts.contains(&Part::Funnel) && !self.steps.is_empty()
    }

    pub(super) fn shows_payload(&self) -> bool {
        self.parts.contains(&Part::Payload) && !self.payload.is_empty()
    }

    pub(super) fn shows_plan(&self) -> bool {
        self.parts.contains(&Part::Plan)
    }

    pub(super) fn shows_sources(&self) -> bool {
        self.parts.contains(&Part::Sources)
    }
}

pub(super) const OK: &str = "#0f5f4a";
pub(super) const BAD: &str = "#9a3412";
pub(super) const WARN: &str = "#7a5200";
pub(super) const GRAY: &str = "#55636f";

/// A report in words, at most `most` rows of each list. `picture` is the content id of the drawing of
/// all counts and what it says.
#[expect(clippy::too_many_lines, reason = "one page from top to bottom")]
pub(super) fn view(report: &Report, most: usize, picture: (&'static str, String)) -> View {
    let calendar = Calendar::new(report.zone);
    let url = report.url.as_deref().unwrap_or_default();
    let at = |path: &str| match url {
        "" => String::new(),
        url => format!("{url}{path}"),
    };
    let (title, now, before, year) = match report.period {
        Period::Week => (
            "Weekly tracking audit",
            "This week",
            "Last week",
            "Year before",
        ),
        Period::Month => (
            "Monthly tracking audit",
            "This month",
            "Month before",
            "Year before",
        ),
    };
    let depth = &report.depth;
    let per_day = report.period == Period::Month;
    View {
        project: report.project.clone(),
        title,
        dates: dates(report, &calendar),
        now,
        before,
        year,
        headline: report.headline.clone(),
        sentences: sentence::gist(report),
        targets: report.targets.iter().map(target).collect(),
        incidents: List::of(&report.incidents, most, |one| {
            let path = one.number.map(|number| at(&format!("/i/{number}")));
            incident(one, report, &calendar, path.unwrap_or_default())
        }),
        speed: speed(report.speed),
        counts: List::of(&report.counts, most, |one| count(one, report)),
        per_day,
        has_years: report.counts.iter().any(|one| one.last_year.is_some()),
        channels: List::of(&report.channels, most, |one| channel(one, report)),
        channel_years: report.channels.iter().any(|one| one.last_year.is_some()),
        gaps: List::of(&report.gaps, most, rows::gap),
        steps: List::of(&report.funnels, most, step),
        payload: List::of(&report.payload, most, payload),
        repeats: List::of(&depth.repeats, most, rows::repeat),
        mappings: List::of(&depth.mappings, most, rows::mapping),
        unmapped: words::list(&spoken(&depth.unmapped), most),
        trends: List::of(&depth.trends, most, rows::trend),
        coverage: sentence::coverage(report),
        changes: List::of(&report.coverage.changes, most, |one| {
            let day = words::moment(&calendar, one.at);
            format!("{day}: {}", words::cut(one.what.as_str()))
        }),
        sources: List::of(&report.sources, most, source),
        not_checked: List::of(&report.not_checked, most, |(name, gap)| {
            format!(
                "{}: {}",
                words::cut(name.as_str()),
                words::gap(gap, &calendar)
            )
        }),
        tasks: report
            .tasks
            .iter()
            .map(|task| TaskRow {
                what: task.what.clone(),
                owner: task
                    .owner
                    .clone()
                    .unwrap_or_else(|| "no owner yet".to_owned()),
                link: at(&task.path),
            })
            .collect(),
        parts: report.parts.clone(),
        foot: sentence::foot(report, &calendar),
        link: url.to_owned(),
        picture: picture.0,
        picture_says: picture.1,
        drawings: drawings(report)
            .into_iter()
            .map(|(id, title, _)| (id, title))
            .collect(),
    }
}

/// `Week 42: Mon 12 Oct to Sun 18 Oct 2026`.
fn dates(report: &Report, calendar: &Calendar) -> String {
    let last = calendar.local(report.window.to - chrono::TimeDelta::hours(1));
    match report.period {
        Period::Week => format!(
            "{}: {} to {} {}",
            report.label,
            words::day(calendar, report.window.from),
            words::day(calendar, report.window.to - chrono::TimeDelta::hours(1)),
            last.format("%Y")
        ),
        Period::Month => last.format("%B %Y").to_string(),
    }
}

fn spoken(names: &[Name]) -> Vec<String> {
    names
        .iter()
        .map(|name| words::spoken(name.as_str()))
        .collect()
}

pub(super) fn amount(value: Option<f64>, measure: Measure) -> String {
    match (value, measure) {
        (None, _) => "not known".to_owned(),
        (Some(value), Measure::Share) => words::share(value),
        (Some(value), Measure::Rate) => format!("{value:.1}"),
        (Some(value), Measure::Days) => format!("{value:.0} d"),
    }
}

/// `at least 98%`.
pub(super) fn goal(one: &Target) -> String {
    let bound = if one.more_is_better {
        "at least"
    } else {
        "at most"
    };
    format!("{bound} {}", amount(Some(one.goal), one.measure))
}

fn target(one: &Target) -> TargetRow {
    let (mark, ink) = match one.met() {
        Some(true) => ("● met", OK),
        Some(false) => ("◆ missed", BAD),
        None => ("○ not known", GRAY),
    };
    let told = one.current.is_none() || one.measure == Measure::Rate;
    TargetRow {
        mark,
        ink,
        name: one.name,
        how: one.how,
        current: amount(one.current, one.measure),
        previous: amount(one.previous, one.measure),
        change: moved(one),
        goal: goal(one),
        why: if told { one.why.clone() } else { String::new() },
    }
}

/// `unreliable, see #4 and #5`; empty for a number without doubts.
pub(super) fn doubtful(doubts: &[u32]) -> String {
    let numbers: Vec<String> = doubts.iter().map(|number| format!("#{number}")).collect();
    match numbers.as_slice() {
        [] => String::new(),
        numbers => format!("unreliable, see {}", words::list(numbers, 4)),
    }
}

fn step(line: &FunnelLine) -> StepRow {
    let share = |value: Option<f64>| value.map_or("not known".to_owned(), words::share);
    let both = line.current.zip(line.previous);
    let provisional = line.provisional.then(|| "provisional".to_owned());
    let doubts = Some(doubtful(&line.doubts)).filter(|text| !text.is_empty());
    let remarks: Vec<String> = provisional.into_iter().chain(doubts).collect();
    StepRow {
        name: format!(
            "{}: {} to {}",
            words::spoken(line.funnel.as_str()),
            words::spoken(line.from.as_str()),
            words::spoken(line.to.as_str())
        ),
        current: share(line.current),
        previous: share(line.previous),
        change: both.map_or(String::new(), |(now, before)| words::points(now, before)),
        remark: remarks.join("; "),
    }
}

fn payload(line: &PayloadLine) -> StepRow {
    StepRow {
        name: words::cut(line.check.as_str()),
        current: words::share(line.current),
        previous: words::share(line.previous),
        change: words::points(line.current, line.previous),
        remark: String::new(),
    }
}

/// The change of a number; of months by the day, since they differ in length.
fn change(report: &Report, now: f64, before: Option<f64>, then: crate::model::Window) -> String {
    let days = |window: crate::model::Window| (window.length().num_hours() as f64 / 24.0).round();
    let scale = days(then) / days(report.window).max(1.0);
    before
        .filter(|before| *before > 0.0)
        .map_or(String::new(), |before| {
            words::moved(now / before * scale - 1.0)
        })
}

fn number_row(
    report: &Report,
    (now, before, year): (f64, Option<f64>, Option<f64>),
    doubts: &[u32],
) -> CountRow {
    let calendar = Calendar::new(report.zone);
    let year_before = report.period.year_before(&calendar, report.window);
    CountRow {
        name: String::new(),
        source: String::new(),
        current: words::number(now),
        previous: before.map_or("not known".to_owned(), words::number),
        change: change(report, now, before, report.before),
        last_year: change(report, now, year, year_before),
        doubts: doubtful(doubts),
    }
}

fn count(line: &CountLine, report: &Report) -> CountRow {
    CountRow {
        name: words::spoken(line.name.as_str()),
        source: line.source.to_string(),
        ..number_row(
            report,
            (line.current, line.previous, line.last_year),
            &line.doubts,
        )
    }
}

fn channel(line: &ChannelLine, report: &Report) -> CountRow {
    CountRow {
        name: words::cut(&line.value),
        source: words::spoken(line.event.as_str()),
        ..number_row(
            report,
            (line.current, line.previous, line.last_year),
            &line.doubts,
        )
    }
}

fn source(one: &SourceLine) -> SourceRow {
    let bad = one.failed > 0 || one.late.is_some();
    let failed = match (one.failed, &one.why) {
        (0, _) => format!("{}, none failed", words::many(one.pulls, "pull")),
        (failed, why) => format!(
            "{failed} of {} failed{}",
            words::many(one.pulls, "pull"),
            why.as_ref()
                .map_or(String::new(), |why| format!(" ({})", words::cut(why)))
        ),
    };
    SourceRow {
        ink: if bad { BAD } else { OK },
        mark: if bad { "◆" } else { "●" },
        name: words::cut(one.name.as_str()),
        late: one.late.map_or("on time".to_owned(), |late| {
            format!("late by {}", words::span(late))
        }),
        pulls: failed,
        quota: one.quota.as_deref().map(words::cut).unwrap_or_default(),
    }
}
