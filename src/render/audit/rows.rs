//! Rows that need more than a number beside another: gaps, repeats, mappings, trends.

use crate::model::{Bridge, Ground};
use crate::render::words;
use crate::report::{GapLine, MappingLine, RepeatLine, Trend};

use super::view::doubtful;

/// The way from one system's count to another's.
pub(super) struct GapRow {
    pub(super) name: String,
    /// `5 of 7 days`; empty for all of them.
    pub(super) days: String,
    /// What, how many, how it is known: they add up from the first to the last.
    pub(super) steps: Vec<(String, String, &'static str)>,
    /// The same in one line.
    pub(super) line: String,
    pub(super) doubts: String,
}

/// How often an event arrived more than once.
pub(super) struct RepeatRow {
    pub(super) name: String,
    pub(super) repeats: String,
    pub(super) share: String,
    pub(super) change: String,
}

/// How a system of record knows an event.
pub(super) struct MappingRow {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) known_as: String,
    pub(super) count: String,
    pub(super) against: String,
}

/// A figure over weeks.
pub(super) struct TrendRow {
    pub(super) name: String,
    pub(super) bars: String,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) change: String,
}

pub(super) fn gap(line: &GapLine) -> GapRow {
    let days = if line.days < line.of {
        format!("{} of {} days", line.days, line.of)
    } else {
        String::new()
    };
    GapRow {
        name: words::cut(line.check.as_str()),
        days,
        steps: steps(&line.bridge),
        line: words::bridge(&line.bridge),
        doubts: doubtful(&line.doubts),
    }
}

/// From the system of record to the other: every number with its sign.
fn steps(bridge: &Bridge) -> Vec<(String, String, &'static str)> {
    let number = |count: i64| words::number(count as f64);
    let signed = |count: i64| {
        let sign = if count < 0 { "−" } else { "+" };
        format!("{sign}{}", words::number(count.unsigned_abs() as f64))
    };
    let mut steps = vec![(
        format!("{} counts", bridge.from),
        number(bridge.baseline),
        "",
    )];
    steps.extend(bridge.parts.iter().map(|part| {
        let ground = match part.ground {
            Ground::Measured => "measured",
            Ground::Estimated => "estimated",
        };
        let what = words::capital(words::part(part.kind, part.count));
        (what, signed(part.count), ground)
    }));
    let rest = bridge.unexplained();
    let share = rest as f64 / (bridge.baseline as f64).abs().max(1.0);
    let unexplained = format!("Not explained ({})", words::change(share));
    steps.push((unexplained, signed(rest), ""));
    steps.push((format!("{} counts", bridge.to), number(bridge.other), ""));
    steps
}

pub(super) fn repeat(line: &RepeatLine) -> RepeatRow {
    RepeatRow {
        name: words::spoken(line.event.as_str()),
        repeats: words::number(line.repeats),
        share: small(line.current),
        change: line
            .previous
            .map_or(String::new(), |before| words::points(line.current, before)),
    }
}

/// A share that may be far below a percent.
fn small(share: f64) -> String {
    if share > 0.0 && share < 0.001 {
        "under 0.1%".to_owned()
    } else {
        words::share(share)
    }
}

pub(super) fn mapping(line: &MappingLine) -> MappingRow {
    let against = line
        .count
        .zip(line.home)
        .filter(|(_, home)| *home > 0.0)
        .map_or(String::new(), |(count, home)| words::share(count / home));
    MappingRow {
        name: words::spoken(line.event.as_str()),
        source: words::cut(line.source.as_str()),
        known_as: words::cut(&line.known_as),
        count: line.count.map_or("not known".to_owned(), words::number),
        against,
    }
}

pub(super) fn trend(line: &Trend) -> TrendRow {
    let value = |value: f64| {
        if line.is_share {
            words::share(value)
        } else {
            words::number(value)
        }
    };
    let known = || line.weeks.iter().flatten().copied();
    let (first, last) = (known().next(), known().next_back());
    let change = first.zip(last).map(|(first, last)| match line.is_share {
        true => words::points(last, first),
        false if first > 0.0 => words::moved(last / first - 1.0),
        false => String::new(),
    });
    TrendRow {
        name: words::capital(&words::spoken(&line.name)),
        bars: bars(&line.weeks),
        first: first.map_or(String::new(), value),
        last: last.map_or(String::new(), value),
        change: change.unwrap_or_default(),
    }
}

/// `▂▃▅▇█`, from zero; a dot is a week that is not known.
fn bars(weeks: &[Option<f64>]) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = weeks.iter().flatten().copied().fold(0.0_f64, f64::max);
    let bar = |week: &Option<f64>| match week {
        None => '·',
        Some(_) if most <= 0.0 => STEPS[0],
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "eight steps"
        )]
        Some(value) => STEPS[((value.max(0.0) / most * 7.0).round() as usize).min(7)],
    };
    weeks.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Name, Part, PartKind};

    #[test]
    fn the_steps_of_a_gap_add_up_and_a_trend_is_drawn_from_zero() {
        let bridge = Bridge {
            from: Name::clean("shop"),
            to: Name::clean("web"),
            baseline: 120,
            other: 60,
            parts: vec![Part {
                kind: PartKind::Duplicates,
                count: 1,
                ground: Ground::Measured,
            }],
        };
        let steps = steps(&bridge);
        let told: Vec<&str> = steps.iter().map(|(_, number, _)| number.as_str()).collect();
        assert_eq!(told, ["120", "+1", "−61", "60"]);
        assert_eq!(steps[1].0, "Duplicate");
        assert_eq!(bars(&[Some(0.0), None, Some(50.0), Some(100.0)]), "▁·▅█");
    }
}
