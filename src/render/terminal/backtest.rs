//! The screens of planning: sensitivities side by side, the alerts of the one in force, and what each check
//! could find.

use serde_json::{Value, json};

use super::padded;

/// An alert that would have been.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// First bucket of the trouble.
    pub since: String,
    /// When it would have been told.
    pub at: String,
    /// What would have been seen.
    pub what: String,
}

/// One sensitivity.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `quiet`, `normal`, `strict`, or `as set`.
    pub sensitivity: &'static str,
    /// Whether it is in force.
    pub is_now: bool,
    /// The alerts, oldest first.
    pub alerts: Vec<Told>,
    /// Alerts a week.
    pub a_week: f64,
    /// Incidents that people called real: found, there are.
    pub real: Option<(usize, usize)>,
    /// Incidents that people called noise: alarmed again, there are.
    pub noise: Option<(usize, usize)>,
    /// Median time from the beginning of a trouble to its alert; `None` without alerts.
    pub delay: Option<String>,
}

/// Most alerts that are listed one by one.
const LISTED: usize = 20;

/// The screen: a title, a line for each sensitivity, and what the one in force would have told.
pub fn backtest(title: &str, rows: &[Row]) -> String {
    let mut out = format!(
        "{title}\n\n{}{:>7}  {:>7}  {:>14}  {:>15}  {:>14}\n",
        padded("sensitivity", 16),
        "alerts",
        "a week",
        "labelled real",
        "labelled noise",
        "typical delay"
    );
    let of = |pair: Option<(usize, usize)>| match pair {
        Some((_, 0)) | None => "–".to_owned(),
        Some((met, all)) => format!("{met} of {all}"),
    };
    for row in rows {
        let now = if row.is_now && row.sensitivity != "as set" {
            " (now)"
        } else {
            ""
        };
        out.push_str(&format!(
            "{}{:>7}  {:>7.2}  {:>14}  {:>15}  {:>14}\n",
            padded(&format!("{}{now}", row.sensitivity), 16),
            row.alerts.len(),
            row.a_week,
            of(row.real),
            of(row.noise),
            row.delay.as_deref().unwrap_or("–")
        ));
    }
    for row in rows
        .iter()
        .filter(|row| row.is_now && !row.alerts.is_empty())
    {
        out.push_str(&format!("\nAlerts at {}\n", row.sensitivity));
        for alert in row.alerts.iter().take(LISTED) {
            out.push_str(&format!(
                "  since {}  told {}  {}\n",
                padded(&alert.since, 20),
                padded(&alert.at, 20),
                alert.what
            ));
        }
        let more = row.alerts.len().saturating_sub(LISTED);
        if more > 0 {
            out.push_str(&format!("  and {more} more\n"));
        }
    }
    out
}

/// The same for machines.
pub fn backtest_json(of: &str, rows: &[Row]) -> Value {
    let pair = |pair: Option<(usize, usize)>| pair.map(|(met, all)| json!({"met": met, "of": all}));
    json!({
        "version": 1,
        "of": of,
        "sensitivities": rows.iter().map(|row| json!({
            "sensitivity": row.sensitivity,
            "now": row.is_now,
            "alerts_a_week": (row.a_week * 1e4).round() / 1e4,
            "labelled_real": pair(row.real),
            "labelled_noise": pair(row.noise),
            "typical_delay": row.delay,
            "alerts": row.alerts.iter().map(|alert| json!({
                "since": alert.since,
                "told": alert.at,
                "what": alert.what,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

/// What a check could find.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    /// Days, and the smallest loss found within them; `None`: not even a total stop.
    pub within: Vec<(u32, Option<f64>)>,
    /// Days after which a loss of half is found.
    pub half_after: Option<u32>,
}

impl Reach {
    /// `a total stop within 1 day, 15% within 7 days`; the other sizes say nothing new.
    pub fn said(&self) -> String {
        let mut parts = Vec::new();
        let mut before = None;
        for (days, share) in &self.within {
            if let Some(share) = share.filter(|share| before != Some(*share)) {
                before = Some(share);
                let span = if *days == 1 { "day" } else { "days" };
                parts.push(format!("{} within {days} {span}", size(share)));
            }
        }
        if parts.is_empty() {
            "nothing within 28 days: the series is too small or too restless".to_owned()
        } else {
            parts.join(", ")
        }
    }

    /// `could see a 50% drop after 9 days`.
    pub fn half(&self) -> Option<String> {
        let days = self.half_after?;
        let span = if days == 1 { "day" } else { "days" };
        Some(format!("could see a 50% drop after {days} {span}"))
    }
}

fn size(share: f64) -> String {
    if share >= 1.0 {
        "a total stop".to_owned()
    } else {
        format!("a {:.0}% drop", share * 100.0)
    }
}

/// The smallest drop that each check would find, one line a check.
pub fn reaches(of: &[(String, Reach)]) -> String {
    let width = of.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0).clamp(20, 44) + 2;
    let mut out = format!(
        "Smallest drop found within\n{}{:>12}  {:>12}  {:>12}\n",
        padded("", width),
        "1 day",
        "7 days",
        "28 days"
    );
    for (name, reach) in of {
        out.push_str(&padded(name, width));
        let cells: Vec<String> = reach
            .within
            .iter()
            .map(|(_, share)| {
                let share =
                    share.map_or("–".to_owned(), |share| format!("{:.0}%", share * 100.0));
                format!("{share:>12}")
            })
            .collect();
        out.push_str(&cells.join("  "));
        out.push('\n');
    }
    out
}
