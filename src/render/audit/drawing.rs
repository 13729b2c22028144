//! Pictures of the audit: open incidents and the primary conversion over two periods; and how figures
//! moved.

use crate::model::{Calendar, Evaluation};
use crate::render::facts::head_line;
use crate::render::history::History;
use crate::render::words;
use crate::report::{Measure, Report, Target};

/// Each check that is drawn: content id, the finding in words, and its history.
pub(super) fn drawings(report: &Report) -> Vec<(String, String, History)> {
    let calendar = Calendar::new(report.zone);
    let word = report.period.word();
    report
        .charts
        .iter()
        .filter_map(|chart| {
            let judged: Vec<&Evaluation> = chart.judged.iter().collect();
            let history = History::of(&judged, &[]);
            let about = chart.incident.map(|number| {
                let one = report
                    .incidents
                    .iter()
                    .find(|one| one.number == Some(number));
                one.map_or(String::new(), |one| {
                    format!("#{number} {}", head_line(one, &calendar))
                })
            });
            let id = match chart.incident {
                Some(number) => format!("incident-{number}@truecount"),
                None => "primary@truecount".to_owned(),
            };
            let title = about.unwrap_or_else(|| {
                format!(
                    "{}, this {word} and the one before",
                    words::capital(&words::spoken(
                        chart.check.as_str().trim_end_matches(".volume")
                    ))
                )
            });
            history.is_drawable().then_some((id, title, history))
        })
        .collect()
}

/// How a figure moved since the period before; empty when either is not known.
pub(super) fn moved(one: &Target) -> String {
    let Some((now, before)) = one.current.zip(one.previous) else {
        return String::new();
    };
    let sign = if now < before { "−" } else { "+" };
    let by = (now - before).abs();
    match one.measure {
        Measure::Share => words::points(now, before),
        Measure::Rate if by < 0.05 => words::NO_CHANGE.to_owned(),
        Measure::Rate => format!("{sign}{by:.1}"),
        Measure::Days if by < 0.5 => words::NO_CHANGE.to_owned(),
        Measure::Days => format!("{sign}{by:.0} d"),
    }
}
