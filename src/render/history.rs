//! The chart of a check: what was seen day by day inside the range that was expected.

use std::fmt::Write as _;
use std::ops::Range;

use crate::model::{Baseline, Bucket, Evaluation, Grain, LeftOut, Outcome, Reading, Status, Unit};

use super::mail::html;
use super::{chart, omitted, words};

/// One bucket of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Which bucket.
    pub bucket: Bucket,
    /// What was seen; `None` leaves a hole in the line.
    pub value: Option<f64>,
    /// What was expected: low, middle, high.
    pub expected: Option<(f64, f64, f64)>,
    /// What was judged.
    pub status: Option<Status>,
}

/// A check over time.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Oldest first, without holes.
    pub points: Vec<Point>,
    /// What the values are.
    pub unit: Unit,
    /// What is left out of the baseline; may reach beyond the points.
    pub baseline: Baseline,
}

/// For which width a chart is drawn: letters keep their size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Beside or above facts on a desk.
    Wide,
    /// On a telephone.
    Narrow,
    /// In a mail, with colors of its own.
    Mail,
}

/// Space around the drawing: left for numbers, right, top, bottom for days.
const MARGIN: (f64, f64, f64, f64) = (56.0, 14.0, 12.0, 26.0);

impl History {
    /// Puts the judgements of the days of a check in a row. Values that were read and not judged
    /// fill the line of a count, so that learning days are seen too.
    pub fn of(judged: &[&Evaluation], readings: &[Reading]) -> Self {
        let unit = judged
            .iter()
            .rev()
            .find_map(|one| one.outcome.finding())
            .map_or(Unit::Count, |finding| finding.unit.clone());
        let counts = unit == Unit::Count;
        let mut points: std::collections::BTreeMap<i64, Point> = readings
            .iter()
            .filter(|one| counts && one.bucket.grain == Grain::Day)
            .map(|one| {
                let point = Point {
                    bucket: one.bucket,
                    value: Some(one.value),
                    expected: None,
                    status: None,
                };
                (one.bucket.start.timestamp(), point)
            })
            .collect();
        for one in judged.iter().filter(|one| one.bucket.grain == Grain::Day) {
            let key = one.bucket.start.timestamp();
            let known = points.get(&key).and_then(|point| point.value);
            let (value, expected) = match &one.outcome {
                Outcome::Known { finding, .. } => {
                    let now = &finding.now;
                    (Some(now.observed), Some((now.low, now.expected, now.high)))
                }
                Outcome::NoData(_) => (known, None),
            };
            points.insert(
                key,
                Point {
                    bucket: one.bucket,
                    value,
                    expected,
                    status: one.outcome.status(),
                },
            );
        }
        Self {
            points: whole(points.into_values()),
            unit,
            baseline: Baseline::default(),
        }
    }

    /// Whether there is enough to draw.
    pub fn is_drawable(&self) -> bool {
        self.points
            .iter()
            .filter(|one| one.value.is_some())
            .nth(1)
            .is_some()
    }

    /// The same numbers as rows: day, seen, expected, state.
    pub fn rows(&self) -> Vec<[String; 4]> {
        self.points
            .iter()
            .rev()
            .map(|one| {
                let value = |value: f64| words::value(value, &self.unit);
                let state = words::state(one.status);
                let expected = one.expected.map(|(low, middle, high)| {
                    let amount = crate::model::Amount {
                        observed: 0.0,
                        expected: middle,
                        low,
                        high,
                    };
                    words::range(&amount, &self.unit)
                });
                [
                    day(&one.bucket),
                    one.value.map_or("not known".to_owned(), value),
                    expected.unwrap_or_else(|| "not judged".to_owned()),
                    match self.baseline.why(&one.bucket) {
                        Some(LeftOut::Unfinished) => "not final yet".to_owned(),
                        Some(why) => format!("{state}, left out: {}", omitted::why(why)),
                        None => state.to_owned(),
                    },
                ]
            })
            .collect()
    }

    /// Lowest and highest value of the drawing, and the step of its lines.
    fn scale(&self) -> (f64, f64, f64) {
        let seen = self.points.iter().filter_map(|one| one.value);
        let ends = self
            .points
            .iter()
            .filter_map(|one| one.expected)
            .flat_map(|(low, _, high)| [low, high]);
        let (mut low, mut high) = seen
            .chain(ends)
            .filter(|value| value.is_finite())
            .fold((f64::MAX, f64::MIN), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        match self.unit {
            // Counts and amounts start at zero: a fall must look as large as it is.
            Unit::Count | Unit::Money(_) | Unit::Days | Unit::Hours => low = low.min(0.0),
            Unit::Share => {
                low = low.max(0.0);
                high = high.min(1.0).max(low);
            }
            Unit::Difference => high = high.max(0.0),
        }
        let wide = (high - low).max(match self.unit {
            Unit::Share | Unit::Difference => 0.01,
            Unit::Count | Unit::Money(_) | Unit::Days | Unit::Hours => 1.0,
        });
        let step = step(wide / 3.0);
        let top = (high / step).ceil().max(1.0) * step;
        let bottom = (low / step).floor() * step;
        if self.unit == Unit::Share {
            return (bottom, top.min(1.0).max(bottom + step), step);
        }
        (bottom, top.max(bottom + step), step)
    }

    /// The drawing. `title` says the finding in one sentence: it stands in for the picture.
    pub fn svg(&self, width: Width, title: &str) -> String {
        let (wide, high, class) = match width {
            Width::Wide => (560.0, 190.0, "chart wide"),
            Width::Narrow => (330.0, 170.0, "chart narrow"),
            Width::Mail => (584.0, 190.0, "chart"),
        };
        let (left, right, top, bottom) = MARGIN;
        let (low, most, step) = self.scale();
        let count = self.points.len().max(2);
        let x = |index: usize| left + (wide - left - right) * index as f64 / (count - 1) as f64;
        let y = |value: f64| {
            let share = ((value - low) / (most - low)).clamp(0.0, 1.0);
            high - bottom - (high - top - bottom) * share
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" role=\"img\" viewBox=\"0 0 {wide} {high}\" \
             width=\"{wide}\" height=\"{high}\" font-size=\"12\"><title>{}</title>",
            html(title)
        );
        if width == Width::Mail {
            svg.push_str(MAIL_STYLE);
        }
        self.grid(&mut svg, (low, most, step), (left, wide - right), y);
        self.days(&mut svg, width, high - 8.0, x);
        let plot = ((left, wide - right), (top, high - bottom));
        self.band(&mut svg, x, y);
        self.draw_omissions(&mut svg, x, plot.0, plot.1);
        self.line(&mut svg, x, y);
        self.draw_unfinished(&mut svg, x, y);
        svg.push_str("</svg>");
        svg
    }

    fn grid(
        &self,
        svg: &mut String,
        (low, most, step): (f64, f64, f64),
        (left, right): (f64, f64),
        y: impl Fn(f64) -> f64,
    ) {
        let lines = ((most - low) / step).round().clamp(1.0, 8.0);
        for index in 0_u8..=8 {
            let at = f64::from(index);
            if at > lines {
                break;
            }
            let value = low + step * at;
            let place = y(value);
            write!(
                svg,
                "<line class=\"grid\" x1=\"{left}\" y1=\"{place:.1}\" x2=\"{right}\" y2=\"{place:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                place + 4.0,
                html(&tick(value, &self.unit))
            )
            .unwrap_or_default();
        }
    }

    fn days(&self, svg: &mut String, width: Width, foot: f64, x: impl Fn(usize) -> f64) {
        let apart = if width == Width::Narrow { 14 } else { 7 };
        let last = self.points.len().saturating_sub(1);
        for (index, one) in self.points.iter().enumerate() {
            if !(last - index).is_multiple_of(apart) {
                continue;
            }
            let anchor = if index == last { "end" } else { "middle" };
            write!(
                svg,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{foot:.1}\" text-anchor=\"{anchor}\">{}</text>",
                x(index),
                one.bucket.label.format("%-d %b")
            )
            .unwrap_or_default();
        }
    }

    /// The expected range with its edges, which carry the contrast that the pale ground lacks.
    fn band(&self, svg: &mut String, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) {
        for run in runs(&self.points, |one| one.expected.is_some()) {
            // A range of a single day gets some width.
            let half = if run.len() == 1 { 4.0 } else { 0.0 };
            let edge = |pick: fn((f64, f64, f64)) -> f64| -> Vec<String> {
                run.clone()
                    .filter_map(|index| Some((index, self.points[index].expected?)))
                    .flat_map(|(index, range)| {
                        let level = y(pick(range));
                        let ends = if half > 0.0 {
                            vec![-half, half]
                        } else {
                            vec![0.0]
                        };
                        let place = x(index);
                        ends.into_iter()
                            .map(move |by| format!("{:.1},{level:.1}", place + by))
                    })
                    .collect()
            };
            let (upper, lower) = (edge(|range| range.2), edge(|range| range.0));
            let around: Vec<&String> = upper.iter().chain(lower.iter().rev()).collect();
            let around: Vec<&str> = around.into_iter().map(String::as_str).collect();
            write!(
                svg,
                "<polygon class=\"band\" points=\"{}\"/><polyline class=\"edge\" points=\"{}\"/><polyline class=\"edge\" points=\"{}\"/>",
                around.join(" "),
                upper.join(" "),
                lower.join(" ")
            )
            .unwrap_or_default();
        }
    }

    fn line(&self, svg: &mut String, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) {
        for run in runs(&self.points, |one| one.value.is_some()) {
            let points: Vec<String> = run
                .filter_map(|index| Some((index, self.points[index].value?)))
                .map(|(index, value)| format!("{:.1},{:.1}", x(index), y(value)))
                .collect();
            write!(
                svg,
                "<polyline class=\"line\" points=\"{}\"/>",
                points.join(" ")
            )
            .unwrap_or_default();
        }
        for (index, one) in self.points.iter().enumerate() {
            let Some(value) = one.value else { continue };
            let (cx, cy) = (x(index), y(value));
            let shape = match one.status {
                Some(Status::Failing) => {
                    format!("M{cx:.1} {:.1}l5 5l-5 5l-5 -5z", cy - 5.0)
                }
                Some(Status::Warning) => {
                    format!("M{cx:.1} {:.1}l5 8h-10z", cy - 5.0)
                }
                Some(Status::Ok) | None => continue,
            };
            let class = if one.status == Some(Status::Failing) {
                "failing"
            } else {
                "warning"
            };
            write!(svg, "<path class=\"{class}\" d=\"{shape}\"/>").unwrap_or_default();
        }
    }

    /// The picture for a mail.
    pub fn png(&self, title: &str) -> Option<Vec<u8>> {
        chart::png(&self.svg(Width::Mail, title))
    }
}

/// Colors of the page on a ground that does not change.
const MAIL_STYLE: &str = "<style>.grid{stroke:#e4e9ee}.tick{fill:#55636f;font-family:'DejaVu Sans',sans-serif}\
.band{fill:#d5e6f2}.edge{fill:none;stroke:#5f8fb3}.line{fill:none;stroke:#0b5c94;stroke-width:2}\
.failing{fill:#c2410c}.warning{fill:#7a5200}</style><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>";

/// The same with an empty point for each day of which nothing is known.
fn whole(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut found: Vec<Point> = Vec::new();
    for point in points {
        if let Some(last) = found.last().map(|one| one.bucket) {
            let missing = (point.bucket.date() - last.date()).num_days();
            // Charts show weeks; a longer hole is not worth its points.
            for day in 1..missing.min(40) {
                let by = chrono::TimeDelta::days(day);
                found.push(Point {
                    bucket: Bucket {
                        start: last.start + by,
                        end: last.end + by,
                        label: last.label + by,
                        ..last
                    },
                    value: None,
                    expected: None,
                    status: None,
                });
            }
        }
        found.push(point);
    }
    found
}

/// Stretches of neighbors of which something is true.
fn runs(points: &[Point], holds: impl Fn(&Point) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = None;
    for (index, one) in points.iter().enumerate() {
        match (holds(one), from) {
            (true, None) => from = Some(index),
            (false, Some(start)) => {
                found.push(start..index);
                from = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    found.extend(from.map(|start| start..points.len()));
    found
}

/// The smallest of 1, 2, 5 times a power of ten that is not below.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least * 0.999)
        .unwrap_or(10.0 * power)
}

/// A number beside a line: short.
fn tick(value: f64, unit: &Unit) -> String {
    match unit {
        Unit::Count | Unit::Days | Unit::Money(_) if value.abs() >= 1e6 => {
            format!("{} m", words::number(value / 1e6))
        }
        Unit::Count | Unit::Days | Unit::Money(_) => words::number(value),
        Unit::Share => words::share(value),
        Unit::Hours => format!("{} h", words::number(value)),
        Unit::Difference if value.abs() < 1e-9 => "0%".to_owned(),
        Unit::Difference => words::change(value),
    }
}

/// `Fri 23 Oct`, of a bucket.
pub fn day(bucket: &Bucket) -> String {
    bucket.label.format("%a %-d %b").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert!((step(467.0) - 500.0).abs() < 1e-9);
        assert!((step(0.09) - 0.1).abs() < 1e-9);
        assert!((step(1.4) - 2.0).abs() < 1e-9);
    }
}
