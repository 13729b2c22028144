//! What a baseline leaves out, in words and as a part of a chart.

use std::fmt::Write as _;

use chrono::Datelike;
use serde_json::{Value, json};

use crate::model::{Baseline, Bucket, LeftOut, Omission};

use super::history::History;
use super::mail::html;
use super::words;

/// Distance of the lines of a hatched ground.
const APART: f64 = 6.0;

/// Most stretches that a text names.
const MOST: usize = 8;

/// Why a bucket is left out: `incident 7 (real)`.
pub fn why(why: &LeftOut) -> String {
    match why {
        LeftOut::Incident { number, real } => {
            let number = number.map_or(String::new(), |number| format!(" {number}"));
            let said = if *real { " (real)" } else { "" };
            format!("incident{number}{said}")
        }
        LeftOut::Planned => "ignored by the plan".to_owned(),
        LeftOut::Unfit(why) => words::cut(why),
        LeftOut::Clocks => "clocks changed".to_owned(),
        LeftOut::Holiday => "public holiday".to_owned(),
        LeftOut::Eve => "day before a public holiday".to_owned(),
        LeftOut::Named => "named by a calendar of the plan".to_owned(),
        LeftOut::Odd => "in a run of trouble, not confirmed".to_owned(),
        LeftOut::Unfinished => "not final yet".to_owned(),
    }
}

/// `12 to 14 Nov`, `30 Oct to 2 Nov`, `24 Dec`.
pub fn span(first: &Bucket, last: &Bucket) -> String {
    let (from, to) = (first.date(), last.date());
    let day = |date: chrono::NaiveDate| date.format("%-d %b").to_string();
    if from == to {
        day(from)
    } else if (from.year(), from.month()) == (to.year(), to.month()) {
        format!("{} to {}", from.day(), day(to))
    } else {
        format!("{} to {}", day(from), day(to))
    }
}

/// `12 to 14 Nov, incident 7 (real)`.
pub fn line(one: &Omission) -> String {
    format!("{}, {}", span(&one.first, &one.last), why(&one.why))
}

/// The newest stretches in words, the newest first, and how many older ones there are. What is not
/// final yet is left to the chart.
pub fn lines(baseline: &Baseline) -> Vec<String> {
    let newest = baseline.left_out.iter().rev();
    let all: Vec<String> = newest
        .filter(|one| one.why != LeftOut::Unfinished)
        .map(line)
        .collect();
    let more = all.len().saturating_sub(MOST);
    let mut shown: Vec<String> = all.into_iter().take(MOST).collect();
    if more > 0 {
        shown.push(format!("and {} before", words::many(more, "stretch")));
    }
    shown
}

/// How the days of a confirmed incident are put back; `None` when none of them are left out.
pub fn remedy(baseline: &Baseline) -> Option<String> {
    let number = baseline
        .left_out
        .iter()
        .rev()
        .find_map(|one| match one.why {
            LeftOut::Incident { number, .. } => number,
            _ => None,
        })?;
    Some(format!(
        "`truecount incident label {number} expected` (or noise) puts its days back"
    ))
}

/// `3 Nov: the level before it is no measure any more`.
pub fn new_normal(since: &Bucket) -> String {
    let day = span(since, since);
    format!("since {day}: the level before it is no measure any more")
}

/// For machines: every stretch, and since when the level is the normal one.
pub fn json(baseline: Option<&Baseline>) -> Value {
    let Some(baseline) = baseline else {
        return Value::Null;
    };
    let stretch = |one: &Omission| {
        let (word, number, real) = match &one.why {
            LeftOut::Incident { number, real } => ("incident", *number, *real),
            LeftOut::Planned => ("plan", None, false),
            LeftOut::Unfit(_) => ("unfit", None, false),
            LeftOut::Clocks => ("clocks", None, false),
            LeftOut::Holiday => ("holiday", None, false),
            LeftOut::Eve => ("eve", None, false),
            LeftOut::Named => ("named", None, false),
            LeftOut::Odd => ("odd", None, false),
            LeftOut::Unfinished => ("unfinished", None, false),
        };
        json!({
            "first": one.first.date().to_string(),
            "last": one.last.date().to_string(),
            "why": word,
            "incident": number,
            "label": real.then_some("real"),
            "text": line(one),
        })
    };
    json!({
        "left_out": baseline.left_out.iter().map(stretch).collect::<Vec<_>>(),
        "new_normal_since": baseline.new_normal.map(|one| one.date().to_string()),
    })
}

impl History {
    /// The same with what its baseline leaves out.
    #[must_use]
    pub fn with_baseline(mut self, baseline: Option<Baseline>) -> Self {
        self.baseline = baseline.unwrap_or_default();
        self
    }

    /// Stretches that lie in the chart, with the places of their points. Which are `hollow` is said
    /// by the points themselves.
    fn omissions(&self, hollow: bool) -> Vec<(usize, usize, &Omission)> {
        let place = |one: &Omission| {
            let inside = |at: &usize| {
                let date = self.points[*at].bucket.date();
                one.first.date() <= date && date <= one.last.date()
            };
            let mut places = (0..self.points.len()).filter(inside);
            let first = places.next()?;
            Some((first, places.next_back().unwrap_or(first)))
        };
        let shown = self.baseline.left_out.iter();
        shown
            .filter(|one| (one.why == LeftOut::Unfinished) == hollow)
            .filter_map(|one| place(one).map(|(first, last)| (first, last, one)))
            .collect()
    }

    /// Where the new normal begins, if that is in the chart.
    fn turn(&self) -> Option<(usize, &Bucket)> {
        let since = self.baseline.new_normal.as_ref()?;
        let at = |one: &super::history::Point| one.bucket.date() == since.date();
        Some((self.points.iter().position(at)?, since))
    }

    /// The ground of what is left out, hatched so that it reads without color, each with its reason;
    /// and a line where a new normal begins.
    pub(super) fn draw_omissions(
        &self,
        svg: &mut String,
        x: impl Fn(usize) -> f64,
        (left, right): (f64, f64),
        (top, bottom): (f64, f64),
    ) {
        let half = (x(1) - x(0)) / 2.0;
        for (first, last, one) in self.omissions(false) {
            let from = (x(first) - half).max(left);
            let to = (x(last) + half).min(right);
            write!(
                svg,
                "<g class=\"out\"><title>{}, left out of the baseline</title>\
                 <rect x=\"{from:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
                 <path d=\"{}\"/></g>",
                html(&line(one)),
                to - from,
                bottom - top,
                hatch((from, to), (top, bottom))
            )
            .unwrap_or_default();
        }
        if let Some((at, since)) = self.turn() {
            let place = x(at) - half;
            write!(
                svg,
                "<g class=\"turn\"><title>New normal {}</title>\
                 <line x1=\"{place:.1}\" y1=\"{top:.1}\" x2=\"{place:.1}\" y2=\"{bottom:.1}\"/></g>",
                html(&new_normal(since))
            )
            .unwrap_or_default();
        }
    }

    /// Hollow points for numbers that are not final.
    pub(super) fn draw_unfinished(
        &self,
        svg: &mut String,
        x: impl Fn(usize) -> f64,
        y: impl Fn(f64) -> f64,
    ) {
        for (first, last, one) in self.omissions(true) {
            for (at, point) in self.points.iter().enumerate().take(last + 1).skip(first) {
                let Some(value) = point.value else { continue };
                write!(
                    svg,
                    "<circle class=\"hollow\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}</title></circle>",
                    x(at),
                    y(value),
                    html(&line(one))
                )
                .unwrap_or_default();
            }
        }
    }

    /// Signs that this chart uses beside those of every chart: class and meaning.
    pub fn signs(&self) -> Vec<(&'static str, &'static str)> {
        let out = !self.omissions(false).is_empty();
        let young = !self.omissions(true).is_empty();
        [
            (out, "out", "left out of the baseline"),
            (young, "hollow", "not final yet"),
            (self.turn().is_some(), "turn", "new normal"),
        ]
        .into_iter()
        .filter(|(there, ..)| *there)
        .map(|(_, class, text)| (class, text))
        .collect()
    }

    /// What this chart leaves out: when, why, and the number of the incident, oldest first.
    pub fn left_out(&self) -> Vec<(String, String, Option<u32>)> {
        let shown = self.omissions(false).into_iter();
        shown
            .map(|(_, _, one)| {
                let number = match one.why {
                    LeftOut::Incident { number, .. } => number,
                    _ => None,
                };
                (span(&one.first, &one.last), why(&one.why), number)
            })
            .collect()
    }
}

/// Slanted lines that fill a rectangle, as the `d` of a path.
fn hatch((left, right): (f64, f64), (top, bottom): (f64, f64)) -> String {
    let high = bottom - top;
    let mut path = String::new();
    // A line rises from the foot at `foot` to the top at `foot + high`; what lies outside is cut off.
    // All grounds of a chart share one grid, so that neighbors do not clash.
    let mut foot = ((left - high) / APART).floor() * APART;
    while foot < right {
        let (from, to) = (foot.max(left), (foot + high).min(right));
        if from < to {
            let level = |x: f64| bottom - (x - foot);
            write!(
                path,
                "M{from:.1} {:.1}L{to:.1} {:.1}",
                level(from),
                level(to)
            )
            .unwrap_or_default();
        }
        foot += APART;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hatched_ground_stays_within_its_rectangle() {
        let path = hatch((100.0, 118.0), (12.0, 164.0));
        let numbers: Vec<f64> = path
            .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
            .filter_map(|text| text.parse().ok())
            .collect();
        assert!(numbers.len() >= 80, "{path}");
        for pair in numbers.chunks(2) {
            assert!((100.0..=118.0).contains(&pair[0]), "{path}");
            assert!((11.9..=164.1).contains(&pair[1]), "{path}");
        }
    }
}
