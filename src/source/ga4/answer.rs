//! Reports as observations.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;

use crate::model::{
    Bucket, Calendar, Flag, Grain, Measure, Observation, Quality, Question, Segment, Window,
    masked_value,
};
use crate::source::{Ask, Pulled, SourceError, top_values};

use super::wire::{Report, ReportRow};

/// How the note on the quota begins.
pub(super) const QUOTA: &str = "quota: ";

/// What is left of the day's tokens.
pub(super) fn quota_left(report: &Report) -> Option<String> {
    let quota = report.property_quota.as_ref()?;
    let left = quota.tokens_per_day.remaining;
    Some(format!("{left} daily tokens left"))
}

/// The same as a remark on a pull.
pub(super) fn quota_note(report: &Report) -> Option<String> {
    quota_left(report).map(|left| format!("{QUOTA}{left}"))
}

/// Which rows of a report belong to a question. Columns are found by their names: their order
/// follows the answer's headers, never the request.
pub(super) enum Rows<'a> {
    /// In a report over many events, those of this one.
    OfEvent(&'a str),
    /// All, split by these dimensions, in the question's order.
    By(&'a [String]),
}

/// Values by bucket and segment, gathered over pages.
#[derive(Default)]
pub(super) struct Sums {
    values: BTreeMap<(Bucket, Segment), f64>,
    ids: BTreeMap<Bucket, u64>,
    quality: Quality,
    own_zone: Option<Tz>,
}

fn odd(why: String) -> SourceError {
    SourceError::Odd { why }
}

impl Sums {
    /// Adds the wanted rows of a page.
    pub(super) fn add(
        &mut self,
        page: &Report,
        question: &Question,
        hourly: bool,
        zone: Tz,
        ask: &Ask,
        wanted: &Rows<'_>,
    ) -> Result<(), SourceError> {
        self.quality(page);
        let columns = page.columns();
        let time = *columns
            .get(if hourly { "dateHour" } else { "date" })
            .ok_or_else(|| odd("GA4 answered without dates".to_owned()))?;
        let column = |name: &str| {
            let at = columns.get(name).copied();
            at.ok_or_else(|| odd(format!("GA4 answered without `{name}`")))
        };
        let (event, by) = match wanted {
            Rows::OfEvent(native) => (Some((column("eventName")?, *native)), Vec::new()),
            Rows::By(names) => {
                let by = names.iter().map(|name| column(name));
                (None, by.collect::<Result<Vec<usize>, SourceError>>()?)
            }
        };
        for row in &page.rows {
            let cell = |at: usize| {
                row.dimension_values
                    .get(at)
                    .map_or("", |c| c.value.as_str())
            };
            if event.is_some_and(|(at, native)| cell(at) != native) {
                continue;
            }
            let value = value(row, question)?;
            let Some(bucket) = bucket(cell(time), question.grain, zone, &ask.calendar)? else {
                continue;
            };
            let values = by.iter().map(|at| match cell(*at) {
                "" => "(not set)",
                text => text,
            });
            let names = question.by.iter().cloned();
            let segment: Segment = names.zip(values.map(masked_value)).collect();
            *self.values.entry((bucket, segment)).or_default() += value;
        }
        Ok(())
    }

    /// Adds repeats: of each identifier all but its first.
    pub(super) fn add_repeats(
        &mut self,
        page: &Report,
        question: &Question,
        zone: Tz,
        ask: &Ask,
    ) -> Result<(), SourceError> {
        self.quality(page);
        let columns = page.columns();
        let time = *columns
            .get("date")
            .ok_or_else(|| odd("GA4 answered without dates".to_owned()))?;
        if zone != ask.calendar.zone() {
            self.own_zone = Some(zone);
        }
        for row in &page.rows {
            let count = value(row, question)?;
            let text = row
                .dimension_values
                .get(time)
                .map_or("", |cell| cell.value.as_str());
            let own = Calendar::new(zone);
            let Some(bucket) = bucket(text, Grain::Day, zone, &own)? else {
                continue;
            };
            *self.ids.entry(bucket).or_default() += 1;
            *self.values.entry((bucket, Segment::new())).or_default() += (count - 1.0).max(0.0);
        }
        Ok(())
    }

    /// The largest number of identifiers of a day.
    pub(super) fn most_ids(&self) -> u64 {
        self.ids.values().copied().max().unwrap_or(0)
    }

    fn quality(&mut self, page: &Report) {
        let metadata = &page.metadata;
        let mut flags = Vec::new();
        if metadata.subject_to_thresholding {
            flags.push(Flag::Thresholded);
        }
        if metadata.data_loss_from_other_row {
            flags.push(Flag::OtherRow(1.0));
        }
        for sampling in metadata
            .sampling_metadatas
            .iter()
            .filter(|one| one.sampling_space_size > 0)
        {
            flags.push(Flag::Sampled(
                sampling.samples_read_count as f64 / sampling.sampling_space_size as f64,
            ));
        }
        if !flags.is_empty() {
            self.quality = Quality { flags };
        }
    }

    /// Hands the values over, with what was covered.
    pub(super) fn keep(self, question: &Question, window: Window, ask: &Ask, pulled: &mut Pulled) {
        for ((bucket, segment), value) in top_values(question, self.values) {
            if window.contains(bucket.start) {
                pulled.observations.push(Observation {
                    series: question.key(segment),
                    bucket,
                    value,
                    quality: self.quality.clone(),
                    seen_at: ask.now,
                });
            }
        }
        if self.own_zone.is_some() {
            pulled.zone = self.own_zone;
        }
        // Google may have withheld rows of such a report: what is absent is unknown, not zero.
        if self.quality.flags.is_empty() {
            pulled.covered.push((question.clone(), window));
        }
    }
}

fn value(row: &ReportRow, question: &Question) -> Result<f64, SourceError> {
    let text = row
        .metric_values
        .first()
        .map_or("", |cell| cell.value.as_str());
    let number: f64 = text
        .parse()
        .map_err(|_| odd(format!("GA4 answered `{text}` as a number")))?;
    let is_sum = matches!(question.measure, Measure::Sum { .. });
    if !number.is_finite() || (!is_sum && (number < 0.0 || number.fract() != 0.0)) {
        return Err(odd(format!(
            "GA4 answered a count of {text}: counts are whole and not negative"
        )));
    }
    Ok(number)
}

/// `20260101` or `2026010113` in the property's zone to a bucket of the wanted grain in the
/// calendar's. The autumn hour that happens twice is one row: its bucket lasts two hours.
fn bucket(
    text: &str,
    grain: Grain,
    zone: Tz,
    calendar: &Calendar,
) -> Result<Option<Bucket>, SourceError> {
    let own = Calendar::new(zone);
    let wrong = || odd(format!("GA4 answered `{text}` as a date"));
    let day = text
        .get(..8)
        .and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
    let day = match day {
        Some(day) => day,
        None if text == "(other)" => return Ok(None),
        None => return Err(wrong()),
    };
    let Some(hour) = text.get(8..).filter(|rest| !rest.is_empty()) else {
        return Ok(Some(own.day(day)));
    };
    let hour: u32 = hour.parse().map_err(|_| wrong())?;
    let label: NaiveDateTime = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).ok_or_else(wrong)?);
    let hours = own.hours_labelled(label);
    let (Some(first), Some(last)) = (hours.first(), hours.last()) else {
        return Ok(None);
    };
    Ok(Some(match grain {
        Grain::Hour => Bucket {
            end: last.end,
            ..*first
        },
        Grain::Day | Grain::Week => calendar.bucket(grain, first.start),
    }))
}
