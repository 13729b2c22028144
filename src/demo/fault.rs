//! What was planted, and what became of it.

use crate::incident::{Incident, State};
use crate::model::Timestamp;

/// A planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What happened, for people.
    pub what: &'static str,
    /// The check that should find it.
    pub check: &'static str,
    /// It began this many days before today.
    pub began: i64,
    /// It lasted this many days.
    pub lasted: i64,
}

impl Fault {
    /// Whether it was at work on the day that lies this many days before today.
    pub fn at_work(&self, days_ago: i64) -> bool {
        days_ago <= self.began && days_ago > self.began - self.lasted
    }
}

/// Demand fell for everybody.
pub(super) const DEMAND: Fault = Fault {
    what: "fewer people sign up: a real loss",
    check: "sign_up.volume",
    began: 27,
    lasted: 4,
};

/// Leads were sent twice.
pub(super) const TWICE: Fault = Fault {
    what: "one lead in eight is sent twice",
    check: "generate_lead.duplicates",
    began: 20,
    lasted: 3,
};

/// A release forgot a parameter.
pub(super) const PARAMETER: Fault = Fault {
    what: "checkouts lack their cart_id after a release",
    check: "begin_checkout.completeness",
    began: 9,
    lasted: 30,
};

/// The tag does not fire in Safari.
pub(super) const SAFARI: Fault = Fault {
    what: "purchases in Safari are no longer counted",
    check: "orders.web",
    began: 6,
    lasted: 30,
};

/// Leads no longer reach the CRM.
pub(super) const SYNC: Fault = Fault {
    what: "leads no longer reach the CRM",
    check: "leads.crm",
    began: 4,
    lasted: 30,
};

/// Everything that was planted, oldest first.
pub const FAULTS: &[Fault] = &[DEMAND, TWICE, PARAMETER, SAFARI, SYNC];

/// Each fault with the number of the incident that found it.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// In the order of [`FAULTS`].
    pub faults: Vec<(Fault, Option<u32>)>,
}

impl Card {
    /// One line for each fault: whether it was found, and what to say of it.
    pub fn lines(&self) -> Vec<(bool, String)> {
        let line = |(fault, number): &(Fault, Option<u32>)| {
            let fate = number.map_or_else(
                || "missed".to_owned(),
                |number| format!("found, incident {number}"),
            );
            (
                number.is_some(),
                format!("{} ({}): {fate}", fault.what, fault.check),
            )
        };
        self.faults.iter().map(line).collect()
    }

    /// Whether everything was found.
    pub fn kept_its_promise(&self) -> bool {
        self.faults.iter().all(|(_, number)| number.is_some())
    }
}

/// A fault is found when a told incident with its check among the members touches its days.
pub fn scorecard(incidents: &[Incident], today: Timestamp) -> Card {
    let found = |fault: &Fault| {
        let hit = incidents.iter().find(|one| {
            let told = !matches!(one.state, State::Suspected { .. });
            let mine = one.check.as_str() == fault.check
                || one.members.iter().any(|name| name.as_str() == fault.check);
            let days = |at: Timestamp| (today - at).num_days();
            told && mine
                && days(one.last.end) <= fault.began
                && days(one.first.start) >= fault.began - fault.lasted
        });
        hit.and_then(|one| one.number)
    };
    Card {
        faults: FAULTS.iter().map(|fault| (*fault, found(fault))).collect(),
    }
}
