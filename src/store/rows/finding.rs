//! The numbers of a judgement as a row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{
    Amount, Bridge, Explained, Finding, Ground, Name, Part, PartKind, Reference, Segment,
    SegmentShare, Shape, Unit,
};

use super::{BucketRow, StoreError};

#[derive(Serialize, Deserialize)]
struct AmountRow(f64, f64, f64, f64);

impl From<&Amount> for AmountRow {
    fn from(from: &Amount) -> Self {
        Self(from.observed, from.expected, from.low, from.high)
    }
}

impl AmountRow {
    fn amount(&self) -> Amount {
        Amount {
            observed: self.0,
            expected: self.1,
            low: self.2,
            high: self.3,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ShapeRow {
    Count(f64),
    Ratio(f64, f64),
    Pair(f64, f64),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UnitRow {
    Count,
    Share,
    Money(Option<String>),
    Days,
    Hours,
    Difference,
}

impl From<&Unit> for UnitRow {
    fn from(from: &Unit) -> Self {
        match from {
            Unit::Count => Self::Count,
            Unit::Share => Self::Share,
            Unit::Money(currency) => Self::Money(currency.clone()),
            Unit::Days => Self::Days,
            Unit::Hours => Self::Hours,
            Unit::Difference => Self::Difference,
        }
    }
}

impl UnitRow {
    fn unit(&self) -> Unit {
        match self {
            Self::Count => Unit::Count,
            Self::Share => Unit::Share,
            Self::Money(currency) => Unit::Money(currency.clone()),
            Self::Days => Unit::Days,
            Self::Hours => Unit::Hours,
            Self::Difference => Unit::Difference,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReferenceRow {
    SamePast(u32, String),
    SameAge(u32),
    Limit(f64),
    LearnedGap(f64),
    Clock,
}

#[derive(Serialize, Deserialize)]
struct SegmentShareRow {
    segment: BTreeMap<String, String>,
    change: f64,
    share: f64,
}

#[derive(Serialize, Deserialize)]
struct BridgeRow {
    from: String,
    to: String,
    baseline: i64,
    other: i64,
    parts: Vec<(String, i64, bool)>,
}

const PARTS: [(PartKind, &str); 5] = [
    (PartKind::Consent, "consent"),
    (PartKind::Duplicates, "duplicates"),
    (PartKind::Excluded, "excluded"),
    (PartKind::DayBoundary, "day_boundary"),
    (PartKind::StillToCome, "still_to_come"),
];

impl From<&Bridge> for BridgeRow {
    fn from(from: &Bridge) -> Self {
        let word = |kind: PartKind| {
            PARTS
                .iter()
                .find(|(known, _)| *known == kind)
                .map_or("", |(_, word)| word)
                .to_owned()
        };
        let measured = |part: &Part| part.ground == Ground::Measured;
        Self {
            from: from.from.to_string(),
            to: from.to.to_string(),
            baseline: from.baseline,
            other: from.other,
            parts: from
                .parts
                .iter()
                .map(|part| (word(part.kind), part.count, measured(part)))
                .collect(),
        }
    }
}

impl BridgeRow {
    fn bridge(&self) -> Bridge {
        let part = |(word, count, measured): &(String, i64, bool)| {
            let kind = PARTS
                .iter()
                .find(|(_, known)| known == word)
                .map(|(kind, _)| *kind)?;
            let ground = if *measured {
                Ground::Measured
            } else {
                Ground::Estimated
            };
            Some(Part {
                kind,
                count: *count,
                ground,
            })
        };
        Bridge {
            from: Name::clean(&self.from),
            to: Name::clean(&self.to),
            baseline: self.baseline,
            other: self.other,
            parts: self.parts.iter().filter_map(part).collect(),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct FindingRow {
    shape: ShapeRow,
    unit: UnitRow,
    now: AmountRow,
    total: AmountRow,
    since: BucketRow,
    buckets: u32,
    p: Option<f64>,
    compared_with: ReferenceRow,
    #[serde(default)]
    segments: Vec<SegmentShareRow>,
    #[serde(default)]
    details: Vec<(String, String, u64)>,
    #[serde(default)]
    bridge: Option<BridgeRow>,
    #[serde(default)]
    sides: Option<(AmountRow, AmountRow)>,
}

impl From<&Finding> for FindingRow {
    fn from(from: &Finding) -> Self {
        let text = |segment: &Segment| {
            segment
                .iter()
                .map(|(key, value)| (key.to_string(), value.clone()))
                .collect()
        };
        Self {
            shape: match from.shape {
                Shape::Count { value } => ShapeRow::Count(value),
                Shape::Ratio { k, n } => ShapeRow::Ratio(k, n),
                Shape::Pair { a, b } => ShapeRow::Pair(a, b),
            },
            unit: (&from.unit).into(),
            now: (&from.now).into(),
            total: (&from.since_onset).into(),
            since: (&from.since).into(),
            buckets: from.buckets,
            p: from.p,
            compared_with: match &from.compared_with {
                Reference::SamePast { count, of } => ReferenceRow::SamePast(*count, of.clone()),
                Reference::SameAge { count } => ReferenceRow::SameAge(*count),
                Reference::Limit { limit } => ReferenceRow::Limit(*limit),
                Reference::LearnedGap { usual } => ReferenceRow::LearnedGap(*usual),
                Reference::Clock => ReferenceRow::Clock,
            },
            segments: from
                .segments
                .iter()
                .map(|one| SegmentShareRow {
                    segment: text(&one.segment),
                    change: one.change,
                    share: one.share,
                })
                .collect(),
            details: from
                .details
                .iter()
                .map(|one| (one.what.to_string(), one.why.clone(), one.count))
                .collect(),
            bridge: from.bridge.as_ref().map(Into::into),
            sides: from.sides.as_ref().map(|(a, b)| (a.into(), b.into())),
        }
    }
}

impl FindingRow {
    pub(super) fn finding(&self) -> Result<Finding, StoreError> {
        let segments = self.segments.iter().map(|one| SegmentShare {
            segment: one
                .segment
                .iter()
                .map(|(key, value)| (Name::clean(key), value.clone()))
                .collect(),
            change: one.change,
            share: one.share,
        });
        let details = self.details.iter().map(|(what, why, count)| Explained {
            what: Name::clean(what),
            why: why.clone(),
            count: *count,
        });
        Ok(Finding {
            shape: match self.shape {
                ShapeRow::Count(value) => Shape::Count { value },
                ShapeRow::Ratio(k, n) => Shape::Ratio { k, n },
                ShapeRow::Pair(a, b) => Shape::Pair { a, b },
            },
            unit: self.unit.unit(),
            now: self.now.amount(),
            since_onset: self.total.amount(),
            since: self.since.bucket()?,
            buckets: self.buckets,
            p: self.p,
            compared_with: match &self.compared_with {
                ReferenceRow::SamePast(count, of) => Reference::SamePast {
                    count: *count,
                    of: of.clone(),
                },
                ReferenceRow::SameAge(count) => Reference::SameAge { count: *count },
                ReferenceRow::Limit(limit) => Reference::Limit { limit: *limit },
                ReferenceRow::LearnedGap(usual) => Reference::LearnedGap { usual: *usual },
                ReferenceRow::Clock => Reference::Clock,
            },
            segments: segments.collect(),
            details: details.collect(),
            bridge: self.bridge.as_ref().map(BridgeRow::bridge),
            sides: self.sides.as_ref().map(|(a, b)| (a.amount(), b.amount())),
        })
    }
}
