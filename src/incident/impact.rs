//! What a trouble costs: missing or surplus events since the onset, and money by `worth`.

use crate::model::{Amount, Unit};

use super::{Impact, Incident, Topology};

/// Counts have an impact, and of a comparison the side that moved; a share has none of its own.
pub fn impact(incident: &Incident, topology: &Topology) -> Option<Impact> {
    let finding = incident.finding.as_ref()?;
    let total = match (incident.kind.as_str(), &finding.unit, &finding.sides) {
        ("volume", Unit::Count, _) => &finding.since_onset,
        ("compare", _, Some((other, baseline))) => {
            let far = |one: &Amount| one.change().map_or(0.0, f64::abs);
            if far(other) < far(baseline) {
                baseline
            } else {
                other
            }
        }
        _ => return None,
    };
    let count = total.observed - total.expected;
    let worth = incident.event.as_ref().and_then(|event| {
        topology
            .worth
            .get(event)
            .or_else(|| topology.worth.get(topology.event(event)))
    });
    Some(Impact {
        count,
        low: total.observed - total.high,
        high: total.observed - total.low,
        value: worth.map(|(amount, currency)| (amount * count, currency.clone())),
    })
}
