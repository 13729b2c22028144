//! The gap bridge: from one system's count to another's, part by part, to the unit.

use super::Name;

/// Where a part's number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Counted.
    Measured,
    /// Computed from the source's own past.
    Estimated,
}

/// Why some events are in one system and not in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// Refused analytics consent.
    Consent,
    /// Counted twice.
    Duplicates,
    /// Out of scope by the plan, such as admin orders.
    Excluded,
    /// Another day boundary.
    DayBoundary,
    /// Still to arrive.
    StillToCome,
}

/// One explained part, signed: added to the baseline it leads towards the other count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Why.
    pub kind: PartKind,
    /// How many.
    pub count: i64,
    /// How it is known.
    pub ground: Ground,
}

/// `baseline + Σ parts + unexplained = other`, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// The system of record.
    pub from: Name,
    /// The other system.
    pub to: Name,
    /// Count of the system of record.
    pub baseline: i64,
    /// Count of the other system.
    pub other: i64,
    /// Explained parts; a part that cannot be measured is absent.
    pub parts: Vec<Part>,
}

impl Bridge {
    /// What the other system is judged against: the baseline with every part but what is still to
    /// come, since both are compared at the same age.
    pub fn comparable(&self) -> i64 {
        let part = |part: &&Part| part.kind != PartKind::StillToCome;
        let parts = self.parts.iter().filter(part);
        self.baseline + parts.map(|part| part.count).sum::<i64>()
    }

    /// What no part explains: the integer remainder.
    pub fn unexplained(&self) -> i64 {
        self.other - self.baseline - self.parts.iter().map(|part| part.count).sum::<i64>()
    }
}
