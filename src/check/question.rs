//! What checks ask: totals by the day and by the hour, amounts, and how far back.

use crate::model::{Calendar, Grain, Mapping, Measure, Name, Question, Subject, Timestamp, Window};
use crate::plan::{Event, Plan};

use super::Need;

/// Days of history that are asked for.
const HISTORY: i64 = 400;

/// Days of hours that are asked for: six weeks teach, the rest bridges what is missing.
const HOURS: u32 = 70;

/// A daily total of an event in a source.
pub(super) fn daily(event: &Name, source: &Name, mapping: &Mapping, measure: Measure) -> Question {
    Question::total(
        source,
        Subject::Event(event.clone()),
        mapping.clone(),
        measure,
        Grain::Day,
    )
}

/// The daily sum of an event's amounts in a source, in the project's currency.
pub(super) fn amounts(plan: &Plan, event: &Event, source: &Name) -> Option<Question> {
    let mapping = event.mapping(source)?;
    let of = mapping.settings.get("sum").map_or("value", String::as_str);
    let measure = Measure::Sum {
        of: Name::clean(of),
        currency: plan.project.currency.clone(),
    };
    Some(daily(&event.name, source, mapping, measure))
}

/// The whole history of each question.
pub(super) fn history(questions: &[&Question], now: Timestamp, calendar: &Calendar) -> Vec<Need> {
    let today = calendar.bucket(Grain::Day, now);
    let window = Window {
        from: calendar
            .back(&today, u32::try_from(HISTORY).unwrap_or(400))
            .start,
        to: now,
    };
    questions
        .iter()
        .map(|question| Need {
            question: (*question).clone(),
            window,
            busy_only: false,
            filled_only: false,
            changes_only: false,
        })
        .collect()
}

/// The hours of a question, where its days are busy.
pub(super) fn hours(question: &Question, now: Timestamp, calendar: &Calendar) -> Need {
    let today = calendar.bucket(Grain::Day, now);
    Need {
        question: question.clone(),
        window: Window {
            from: calendar.back(&today, HOURS).start,
            to: now,
        },
        busy_only: true,
        filled_only: false,
        changes_only: false,
    }
}
