//! Compare: how far apart are our systems?

use askama::Template;
use chrono::TimeDelta;

use crate::model::{Bridge, Evaluation, Grain, Ground, Name, PartKind, Shape, Timestamp};
use crate::plan::Plan;
use crate::render::words;

use super::{Frame, check_link, class, strip};

/// Events against systems.
pub(super) struct Matrix {
    pub(super) systems: Vec<String>,
    pub(super) rows: Vec<(String, Vec<Cell>)>,
}

/// One event in one system.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) class: &'static str,
    pub(super) link: String,
    pub(super) mark: &'static str,
}

struct Detail {
    name: String,
    link: String,
    class: &'static str,
    state: &'static str,
    strip: String,
    line: String,
    /// From the baseline's count to the other: what, how many, how it is known.
    bridge: Vec<(String, String, &'static str)>,
}

struct View {
    matrix: Matrix,
    details: Vec<Detail>,
}

#[derive(Template)]
#[template(path = "compare.html", escape = "html", config = ".config/askama.toml")]
struct Page {
    frame: Frame,
    view: View,
}

/// The page of all comparisons.
pub fn compare(
    frame: Frame,
    plan: &Plan,
    latest: &[Evaluation],
    past: &[Evaluation],
    now: Timestamp,
) -> String {
    let calendar = &plan.project.calendar;
    let mut pairs: Vec<&Evaluation> = super::shown(latest)
        .into_iter()
        .filter(|one| one.kind.as_str() == "compare")
        .collect();
    pairs.sort_by_key(|one| (std::cmp::Reverse(one.outcome.status()), one.check.clone()));
    let details = pairs
        .into_iter()
        .map(|one| {
            let row = super::row(one, past, calendar, now);
            let bridge = one
                .outcome
                .finding()
                .and_then(|finding| finding.bridge.as_ref());
            Detail {
                name: row.name,
                link: row.link,
                class: row.class,
                state: row.state,
                strip: strip(one, past, calendar, now),
                line: row.line,
                bridge: bridge.map_or(Vec::new(), explained),
            }
        })
        .collect();
    let view = View {
        matrix: matrix(plan, latest, past, now),
        details,
    };
    let frame = frame.at("/compare");
    Page { frame, view }.render().unwrap_or_default()
}

fn explained(bridge: &Bridge) -> Vec<(String, String, &'static str)> {
    let number = |count: i64| words::number(count as f64);
    let signed = |count: i64| {
        if count > 0 {
            format!("+{}", number(count))
        } else {
            number(count)
        }
    };
    let mut lines = vec![(
        format!("{} counts", bridge.from),
        number(bridge.baseline),
        "counted",
    )];
    for part in &bridge.parts {
        let what = match part.kind {
            PartKind::Consent => "refused consent",
            PartKind::Duplicates => "counted twice",
            PartKind::Excluded => "out of scope by the plan",
            PartKind::DayBoundary => "another day boundary",
            PartKind::StillToCome => "still to arrive",
        };
        let ground = match part.ground {
            Ground::Measured => "measured",
            Ground::Estimated => "estimated",
        };
        lines.push((what.to_owned(), signed(part.count), ground));
    }
    lines.push((
        "not explained".to_owned(),
        signed(bridge.unexplained()),
        "the rest",
    ));
    lines.push((
        format!("{} counts", bridge.to),
        number(bridge.other),
        "counted",
    ));
    lines
}

/// Differences over the last seven judged days, each system against its baseline.
pub(super) fn matrix(
    plan: &Plan,
    latest: &[Evaluation],
    past: &[Evaluation],
    now: Timestamp,
) -> Matrix {
    let mut systems: Vec<Name> = Vec::new();
    for one in &plan.compares {
        for system in std::iter::once(&one.baseline).chain(&one.against) {
            if !systems.contains(system) {
                systems.push(system.clone());
            }
        }
    }
    let rows = plan
        .compares
        .iter()
        .map(|compare| {
            let cells = systems.iter().map(|system| {
                if *system == compare.baseline {
                    return Cell {
                        text: "baseline".to_owned(),
                        class: "quiet",
                        link: String::new(),
                        mark: "",
                    };
                }
                if !compare.against.contains(system) {
                    return nothing("");
                }
                cell(compare, system, latest, past, now)
            });
            (
                words::capital(&words::spoken(compare.event.as_str())),
                cells.collect(),
            )
        })
        .collect();
    Matrix {
        systems: systems
            .iter()
            .map(|name| words::cut(name.as_str()))
            .collect(),
        rows,
    }
}

fn nothing(text: &str) -> Cell {
    Cell {
        text: text.to_owned(),
        class: "quiet",
        link: String::new(),
        mark: "",
    }
}

fn cell(
    compare: &crate::plan::Compare,
    system: &Name,
    latest: &[Evaluation],
    past: &[Evaluation],
    now: Timestamp,
) -> Cell {
    let mine = |one: &&Evaluation| {
        one.kind.as_str() == "compare"
            && one.source.as_ref() == Some(system)
            && one.event.as_ref() == Some(&compare.event)
            && one.segment.is_empty()
            && one.check.as_str().starts_with(compare.name.as_str())
    };
    let Some(newest) = latest.iter().find(mine) else {
        return nothing("not judged");
    };
    let (a, b) = past
        .iter()
        .filter(mine)
        .filter(|one| {
            one.bucket.grain != Grain::Hour && one.bucket.start > now - TimeDelta::days(8)
        })
        .filter_map(|one| match one.outcome.finding()?.shape {
            Shape::Pair { a, b } => Some((a, b)),
            Shape::Count { .. } | Shape::Ratio { .. } => None,
        })
        .fold((0.0, 0.0), |sum, (a, b)| (sum.0 + a, sum.1 + b));
    let status = newest.outcome.status();
    Cell {
        text: if b > 0.0 {
            words::change(a / b - 1.0)
        } else {
            "not judged".to_owned()
        },
        class: class(status),
        link: check_link(&newest.check),
        mark: words::state(status).split(' ').next().unwrap_or(""),
    }
}
