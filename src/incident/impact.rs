//! What a trouble costs: missing or surplus events since the onset, and money by `worth`.

use crate::model::Unit;

use super::{Impact, Incident, Topology};

/// Only counts have an impact; a share or a gap has none of its own.
pub fn impact(incident: &Incident, topology: &Topology) -> Option<Impact> {
    let finding = incident
        .finding
        .as_ref()
        .filter(|finding| finding.unit == Unit::Count)?;
    if incident.kind.as_str() != "volume" {
        return None;
    }
    let total = &finding.since_onset;
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
