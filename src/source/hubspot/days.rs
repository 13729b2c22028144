//! The values of one question, by the cheapest way: nothing there, its records, or day by day.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use serde_json::Value;

use crate::model::{Bucket, Calendar, Grain, Measure, Question, Timestamp};
use crate::net::shown_start;
use crate::secret::SecretString;
use crate::source::{Ask, Means, SourceError};

use super::client::{Client, Found, Record, Trouble};
use super::search::{self, Span};
use super::{INDEX, PAGE};

/// Most records that are read for one question: 500 pages, a little over two minutes.
const MOST_RECORDS: u64 = 100_000;

/// What a question asks of HubSpot.
pub(super) struct Task<'a> {
    client: &'a Client,
    token: &'a SecretString,
    means: &'a Means,
    calendar: &'a Calendar,
    /// The time of the pull.
    now: Timestamp,
    object: &'a str,
    date: &'a str,
    filters: Vec<Value>,
    /// The property that is summed; records are counted without.
    amount: Option<&'a str>,
}

/// The values of the buckets that could be read, in order.
type Values = Vec<(Bucket, f64)>;

/// Where a date property puts a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A `datetime` property: a point of time.
    Instant(Timestamp),
    /// A `date` property: a day of the calendar, whatever the zone; a search sees it as midnight
    /// of UTC.
    Day(NaiveDate),
}

impl<'a> Task<'a> {
    /// What `question` asks; the error is why it cannot be asked.
    pub(super) fn new(
        client: &'a Client,
        token: &'a SecretString,
        means: &'a Means,
        question: &'a Question,
        ask: &'a Ask,
    ) -> Result<Self, String> {
        let settings = &question.mapping.settings;
        let setting = |key: &str| settings.get(key).map(String::as_str);
        let amount = match question.measure {
            Measure::Sum { .. } => Some(setting("sum").unwrap_or("")),
            _ => None,
        };
        Ok(Self {
            client,
            token,
            means,
            calendar: &ask.calendar,
            now: ask.now,
            object: setting("object").unwrap_or(""),
            date: setting("date").unwrap_or("createdate"),
            filters: search::filters(question)?,
            amount,
        })
    }

    /// One value for each of these buckets, which follow each other. First the total of all of
    /// them: mostly its first page says everything.
    pub(super) async fn read(&self, mut buckets: &[Bucket]) -> Result<Values, Trouble> {
        loop {
            let Some(span) = self.around(buckets) else {
                return Ok(Values::new());
            };
            let first = self.page(span, None).await?;
            let walkable = search::can_walk(&self.filters) || first.total <= PAGE;
            let pages = first.total.div_ceil(PAGE);
            if self.amount.is_none() && (!walkable || pages > buckets.len() as u64) {
                return self.by_day(buckets, &first).await;
            }
            if first.total <= MOST_RECORDS {
                return self.by_record(buckets, span, first).await;
            }
            // Only a sum comes here: the newer half, so that a long history of many records is
            // read as far as is fair.
            if buckets.len() < 2 {
                return Err(Trouble::Question(format!(
                    "more than {MOST_RECORDS} records of {} a day: sum them in the warehouse",
                    self.object
                )));
            }
            buckets = &buckets[buckets.len() / 2..];
        }
    }

    /// The time in which the records of these buckets lie, whichever type the date property has.
    fn around(&self, buckets: &[Bucket]) -> Option<Span> {
        let instants = self.instants(buckets)?;
        let days = self.days(buckets)?;
        Some(Span {
            from: instants.from.min(days.from),
            until: instants.until.max(days.until),
        })
    }

    /// Between which points of time the buckets lie, as far as the index is sure to know.
    fn instants(&self, buckets: &[Bucket]) -> Option<Span> {
        Some(Span {
            from: buckets.first()?.start,
            until: buckets.last()?.end.min(self.now - INDEX),
        })
    }

    /// Between which midnights of UTC the days of the buckets lie; today's is the last.
    fn days(&self, buckets: &[Bucket]) -> Option<Span> {
        let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
        let end = after(buckets.last()?).min(self.today() + TimeDelta::days(1));
        Some(Span {
            from: midnight(buckets.first()?.date()),
            until: midnight(end),
        })
    }

    fn today(&self) -> NaiveDate {
        self.calendar.local(self.now - INDEX).date()
    }

    /// The records themselves, cut into buckets here.
    async fn by_record(
        &self,
        buckets: &[Bucket],
        span: Span,
        first: Found,
    ) -> Result<Values, Trouble> {
        let mut values: Vec<(Bucket, f64)> = buckets.iter().map(|one| (*one, 0.0)).collect();
        let (mut page, mut last) = (first, None);
        loop {
            for record in &page.results {
                last = Some(number(record, last)?);
                let place = self.place(record)?;
                let Some(at) = self.bucket_of(place, buckets) else {
                    continue;
                };
                values[at].1 += match self.amount {
                    None => 1.0,
                    Some(property) => amount(record, property)?,
                };
            }
            let read = page.results.len() as u64;
            if read >= page.total {
                break;
            }
            if read == 0 {
                return Err(odd(format!(
                    "HubSpot promised {} records and sent none",
                    page.total
                )));
            }
            page = self.page(span, last).await?;
        }
        Ok(values)
    }

    /// A search for each bucket: there are more pages of records than buckets.
    async fn by_day(&self, buckets: &[Bucket], first: &Found) -> Result<Values, Trouble> {
        let mut whole_days = None;
        for record in &first.results {
            let is_day = matches!(self.place(record)?, Place::Day(_));
            if *whole_days.get_or_insert(is_day) != is_day {
                return Err(odd(format!(
                    "HubSpot wrote `{}` once as a day and once as a time",
                    self.date
                )));
            }
        }
        let mut values = Vec::new();
        for bucket in buckets {
            let one = std::slice::from_ref(bucket);
            let span = match whole_days {
                Some(true) => self.days(one),
                _ => self.instants(one),
            };
            let Some(span) = span else {
                continue;
            };
            let body = search::count(&self.filters, self.date, span);
            let found = self.search(&body).await?;
            values.push((*bucket, found.total as f64));
        }
        Ok(values)
    }

    async fn page(&self, span: Span, last: Option<u64>) -> Result<Found, Trouble> {
        let mut properties = vec![self.date];
        properties.extend(self.amount);
        let body = search::rows(&self.filters, self.date, span, &properties, last);
        self.search(&body).await
    }

    async fn search(&self, body: &Value) -> Result<Found, Trouble> {
        self.client
            .search(self.token, self.object, body, self.means)
            .await
    }

    /// The date of a record.
    fn place(&self, record: &Record) -> Result<Place, Trouble> {
        let text = record.properties.get(self.date).and_then(Option::as_deref);
        let text = text.ok_or_else(|| {
            odd(format!(
                "HubSpot found records by `{}` and did not send it",
                self.date
            ))
        })?;
        place(text).ok_or_else(|| {
            let shown = shown_start(text.as_bytes());
            odd(format!("HubSpot answered `{shown}` as `{}`", self.date))
        })
    }

    /// The bucket of a record; none when it lies beside what was asked for.
    fn bucket_of(&self, place: Place, buckets: &[Bucket]) -> Option<usize> {
        match place {
            Place::Instant(at) => {
                let next = buckets.partition_point(|one| one.start <= at);
                let found = next.checked_sub(1)?;
                (at < buckets[found].end && at < self.now - INDEX).then_some(found)
            }
            Place::Day(day) => {
                let next = buckets.partition_point(|one| one.date() <= day);
                let found = next.checked_sub(1)?;
                (day < after(&buckets[found]) && day <= self.today()).then_some(found)
            }
        }
    }
}

/// The first day behind a bucket.
fn after(bucket: &Bucket) -> NaiveDate {
    let days = match bucket.grain {
        Grain::Week => 7,
        Grain::Day | Grain::Hour => 1,
    };
    bucket.date() + TimeDelta::days(days)
}

/// `2026-11-20`, `2026-11-20T22:59:59.999Z` or milliseconds.
fn place(text: &str) -> Option<Place> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some(Place::Day(day));
    }
    let instant = match text.parse::<i64>() {
        Ok(millis) => DateTime::from_timestamp_millis(millis)?,
        Err(_) => DateTime::parse_from_rfc3339(text).ok()?.to_utc(),
    };
    Some(Place::Instant(instant))
}

/// The number of a record; they must rise, or records would be counted twice.
fn number(record: &Record, last: Option<u64>) -> Result<u64, Trouble> {
    let number: Option<u64> = record.id.parse().ok();
    number
        .filter(|id| last.is_none_or(|last| *id > last))
        .ok_or_else(|| {
            let shown = shown_start(record.id.as_bytes());
            odd(format!(
                "HubSpot sent records out of order (`{shown}` behind `{}`)",
                last.unwrap_or(0)
            ))
        })
}

/// An amount; an empty one is zero.
fn amount(record: &Record, property: &str) -> Result<f64, Trouble> {
    let text = record.properties.get(property).and_then(Option::as_deref);
    match text {
        None | Some("") => Ok(0.0),
        Some(text) => {
            let amount = text.parse().ok().filter(|amount: &f64| amount.is_finite());
            amount.ok_or_else(|| {
                let shown = shown_start(text.as_bytes());
                odd(format!("HubSpot answered `{shown}` as an amount"))
            })
        }
    }
}

fn odd(why: String) -> Trouble {
    Trouble::Pull(SourceError::Odd { why })
}
