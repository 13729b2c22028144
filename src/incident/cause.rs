//! What changed just before, and how sure we are.

use chrono::TimeDelta;

use crate::model::{Grain, Mark};

use super::{Certainty, Incident, Level};

/// A mark this long before the first bucket of trouble may have caused it.
const BEFORE: TimeDelta = TimeDelta::hours(36);

/// Most marks that are named.
const MOST: usize = 3;

/// Marks near the onset, nearest first. A mark after the end of the first bucket caused nothing.
pub fn causes(incident: &Incident, marks: &[Mark]) -> Vec<Mark> {
    let onset = incident.first.start;
    let mut near: Vec<Mark> = marks
        .iter()
        .filter(|mark| mark.at >= onset - BEFORE && mark.at < incident.first.end)
        .filter(|mark| {
            mark.source.is_none() || incident.source.is_none() || mark.source == incident.source
        })
        .cloned()
        .collect();
    near.sort_by_key(|mark| ((mark.at - onset).abs(), mark.clone()));
    near.truncate(MOST);
    near
}

/// How sure, from the tail probability and from how often it was outside.
pub fn certainty(incident: &Incident) -> Certainty {
    let Some(finding) = &incident.finding else {
        return Certainty {
            word: Level::High,
            ground: "seen by the clock".to_owned(),
        };
    };
    let unit = match incident.last.grain {
        Grain::Hour => "hour",
        Grain::Day => "day",
        Grain::Week => "week",
    };
    let ground = match finding.buckets {
        0 | 1 if finding.p.is_none() => "a rule decides, not a statistic".to_owned(),
        0 | 1 => format!("outside the range for one {unit}"),
        count => format!("outside the range {count} {unit}s in a row"),
    };
    let p = finding.p.unwrap_or(0.0);
    let word = if p < 1e-6 || finding.buckets >= 3 {
        Level::High
    } else if p < 1e-3 || finding.buckets == 2 {
        Level::Medium
    } else {
        Level::Low
    };
    Certainty { word, ground }
}
