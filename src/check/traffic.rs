//! `traffic`: how much of the traffic comes from nowhere that can be named, and how many visitors consent.

use crate::model::{Grain, Mapping, Measure, Question, Subject};
use crate::plan::Plan;

use super::judge::Limits;
use super::shape::Core;
use super::share::Share;
use super::{Check, Kind};

/// `traffic.unknown` and `traffic.consent`, for each source whose events have names of their own.
pub(super) const KIND: Kind = Kind {
    name: "traffic",
    about: include_str!("../../docs/checks/traffic.md"),
    settings: &[],
    checks,
};

/// Unknown traffic above which to warn when the plan does not say.
const UNKNOWN: f64 = 0.10;

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    // Sessions are known to analytics, and the first one in the plan is the one people look at.
    let Some(first) = plan.sources.iter().find(|source| source.event_named) else {
        return Vec::new();
    };
    let source = &first.decl.name;
    let sessions = |measure| {
        Question::total(
            source,
            Subject::Sessions,
            Mapping::default(),
            measure,
            Grain::Day,
        )
    };
    let share = |name: &str, measure, limits, setting: (&str, String)| {
        let mut core = Core::new(plan, name, KIND.name, None, Some(source))?;
        core.label.settings.push((
            setting.0.to_owned(),
            setting.1,
            "plan or default".to_owned(),
        ));
        let (part, all) = (sessions(measure), sessions(Measure::Count));
        Some(Box::new(Share {
            core,
            part,
            all,
            limits,
        }) as Box<dyn Check>)
    };
    let given = plan.utm.as_ref().map(|utm| utm.unknown);
    // Analytics is asked without being told to.
    let unknown = given.or(first.analytics.then_some(None)).map(|given| {
        let most = given.unwrap_or(UNKNOWN);
        let limits = Limits {
            warn: Some(1.0 - most),
            fail: None,
            change: true,
            inverse: true,
        };
        share(
            "traffic.unknown",
            Measure::Unknown,
            limits,
            ("unknown", format!("{:.0}%", most * 100.0)),
        )
    });
    let consent = plan.consent.as_ref().map(|consent| {
        let least = consent.granted.0;
        let limits = Limits {
            warn: Some(least),
            fail: None,
            change: true,
            inverse: false,
        };
        share(
            "traffic.consent",
            Measure::Consented,
            limits,
            ("granted", format!("{:.0}%", least * 100.0)),
        )
    });
    [unknown, consent].into_iter().flatten().flatten().collect()
}
