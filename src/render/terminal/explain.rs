//! The screen of `explain`: why a check says what it says.

use crate::incident::Incident;
use crate::model::{Baseline, Evaluation, Held, Outcome, Reading, Timestamp};
use crate::plan::Plan;
use crate::render::{describe, omitted, words};

use super::{Reach, painted};

/// What `explain` shows.
pub struct Explanation<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Evaluations of the check.
    pub seen: &'a [Evaluation],
    /// The newest 28 values of its first question.
    pub past: &'a [Reading],
    /// What its baseline leaves out; `None` for kinds without one.
    pub baseline: Option<&'a Baseline>,
    /// The incident it belongs to.
    pub incident: Option<&'a Incident>,
    /// Settings in force: key, value, origin.
    pub settings: &'a [(String, String, String)],
    /// What it could find at all, where that is known.
    pub reach: Option<&'a Reach>,
    /// Its share of the plan's alert budget: tests that share it, and the chance below which one may
    /// alarm.
    pub share: Option<(usize, f64)>,
    /// When the source's numbers are final, as it declares or as was learnt.
    pub finality: Option<&'a str>,
    /// What is borrowed from other series of the source, each in a line.
    pub borrowed: &'a [String],
    /// When.
    pub now: Timestamp,
    /// Whether to use color.
    pub color: bool,
}

/// Why a check says what it says.
#[expect(clippy::too_many_lines, reason = "one screen from top to bottom")]
pub fn explain(what: &Explanation<'_>) -> String {
    let calendar = &what.plan.project.calendar;
    let mut out = String::new();
    for one in what.seen {
        let status = one.outcome.status();
        let role = if one.witness {
            " (witness: never alarms alone)"
        } else {
            ""
        };
        let source = one
            .source
            .as_ref()
            .map_or(String::new(), |source| format!(" in {source}"));
        let state = painted(words::state(status), status, what.color);
        out.push_str(&format!(
            "{}{source}, by the {}: {state}{role}\n",
            one.check,
            one.bucket.grain.word()
        ));
        out.push_str(&format!(
            "  {:<12}{}\n",
            "Newest",
            words::since(calendar, &one.bucket)
        ));
        match &one.outcome {
            Outcome::NoData(gap) => out.push_str(&format!(
                "  {:<12}{}\n",
                "Not judged",
                words::gap(gap, calendar)
            )),
            Outcome::Known {
                finding,
                provisional,
                ..
            } => {
                let amount = &finding.now;
                out.push_str(&format!(
                    "  {:<12}{}  expected {} (range {}, {})\n",
                    "Seen",
                    words::value(amount.observed, &finding.unit),
                    words::value(amount.expected, &finding.unit),
                    words::range(amount, &finding.unit),
                    words::compared(&finding.compared_with)
                ));
                if finding.buckets > 1 {
                    out.push_str(&format!(
                        "  {:<12}{}\n",
                        "Since",
                        words::since_onset(calendar, finding, one.bucket.grain)
                    ));
                }
                if let Some(p) = finding.p {
                    out.push_str(&format!(
                        "  {:<12}combined p = {}\n",
                        "Certainty",
                        words::chance(p)
                    ));
                }
                for part in finding.segments.iter().take(3) {
                    out.push_str(&format!(
                        "  {:<12}{} {}, explains {}\n",
                        "Where",
                        words::segment(&part.segment),
                        words::change(part.change),
                        words::share(part.share.clamp(0.0, 1.0))
                    ));
                }
                if let Some(bridge) = &finding.bridge {
                    out.push_str(&format!("  {:<12}{}\n", "Gap", words::bridge(bridge)));
                }
                for detail in finding.details.iter().take(5) {
                    let what = words::cut(detail.what.as_str());
                    out.push_str(&format!(
                        "  {:<12}{what}: {} ({})\n",
                        "Found", detail.why, detail.count
                    ));
                }
                if one.held == Held::ByBudget {
                    out.push_str(&format!(
                        "  {:<12}held back by the alert budget of the plan\n",
                        "Watched"
                    ));
                }
                if *provisional {
                    out.push_str(&format!(
                        "  {:<12}the bucket may still change\n",
                        "Provisional"
                    ));
                }
            }
        }
        out.push('\n');
    }
    if !what.past.is_empty() {
        out.push_str(&format!("  {:<12}{}\n", "28 buckets", sparkline(what.past)));
    }
    out.push_str(&what.baseline.map_or(String::new(), left_out));
    if let Some(reach) = what.reach {
        out.push_str(&format!("  {:<12}{}\n", "Would find", reach.said()));
        if let Some(half) = reach.half() {
            out.push_str(&format!("  {:<12}{half}\n", ""));
        }
    }
    if let Some(finality) = what.finality {
        out.push_str(&format!("  {:<12}{finality}\n", "Final"));
    }
    for borrowed in what.borrowed {
        out.push_str(&format!("  {:<12}{borrowed}\n", "Borrowed"));
    }
    if let Some((tests, limit)) = what.share {
        out.push_str(&format!(
            "  {:<12}shared by {tests} tests: one alarms below p = {} (a certain fault always does)\n",
            "Budget",
            words::chance(limit)
        ));
    }
    if let Some(incident) = what.incident {
        let text = describe(what.plan, incident, what.now);
        if let Some(verdict) = &text.verdict {
            out.push_str(&format!("  {:<12}{verdict}\n", "Verdict"));
        }
        if let Some(likely) = text.likely {
            out.push_str(&format!("  {:<12}{likely}\n", "Before"));
        }
    }
    if !what.settings.is_empty() {
        out.push_str("\n  Settings\n");
        for (key, value, origin) in what.settings {
            out.push_str(&format!("    {key:<14}{value:<22}{origin}\n"));
        }
    }
    out
}

/// What the baseline leaves out, a line each, and how it is put back.
fn left_out(baseline: &Baseline) -> String {
    let remedy = omitted::remedy(baseline);
    let lines = omitted::lines(baseline).into_iter().chain(remedy);
    let titles = std::iter::once("Left out").chain(std::iter::repeat(""));
    let mut out: String = titles
        .zip(lines)
        .map(|(title, line)| format!("  {title:<12}{line}\n"))
        .collect();
    if let Some(since) = &baseline.new_normal {
        out.push_str(&format!(
            "  {:<12}{}\n",
            "New normal",
            omitted::new_normal(since)
        ));
    }
    out
}

/// Eight heights, newest at the right.
pub fn sparkline(past: &[Reading]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let newest = &past[past.len().saturating_sub(28)..];
    let most = newest.iter().map(|one| one.value).fold(0.0_f64, f64::max);
    newest
        .iter()
        .map(|one| {
            let share = if most > 0.0 {
                (one.value / most).clamp(0.0, 1.0)
            } else {
                0.0
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 7"
            )]
            let height = (share * 7.0).round() as usize;
            HEIGHTS.get(height).copied().unwrap_or('▁')
        })
        .collect()
}
