//! A result of a check as a row.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::model::{Evaluation, Gap, Held, Name, Outcome, Status, Strike, Unit};

use super::finding::FindingRow;
use super::{BucketRow, StoreError, at, damaged, millis, name, names};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GapRow {
    NeverSeen,
    Late(i64),
    SourceFailed(String),
    TooFew(u32, u32, bool, Option<NaiveDate>),
    Unfit(String),
    Settling(i64),
    Broken(String),
}

impl From<&Gap> for GapRow {
    fn from(from: &Gap) -> Self {
        match from {
            Gap::NeverSeen => Self::NeverSeen,
            Gap::Late { last } => Self::Late(millis(*last)),
            Gap::SourceFailed { why } => Self::SourceFailed(why.clone()),
            Gap::TooFew {
                have,
                need,
                of,
                from,
            } => Self::TooFew(*have, *need, *of == Unit::Days, *from),
            Gap::Unfit { why } => Self::Unfit(why.clone()),
            Gap::Settling { final_at } => Self::Settling(millis(*final_at)),
            Gap::Broken { why } => Self::Broken(why.clone()),
        }
    }
}

impl GapRow {
    pub(super) fn gap(&self) -> Gap {
        match self {
            Self::NeverSeen => Gap::NeverSeen,
            Self::Late(last) => Gap::Late { last: at(*last) },
            Self::SourceFailed(why) => Gap::SourceFailed { why: why.clone() },
            Self::TooFew(have, need, days, from) => Gap::TooFew {
                have: *have,
                need: *need,
                of: if *days { Unit::Days } else { Unit::Count },
                from: *from,
            },
            Self::Unfit(why) => Gap::Unfit { why: why.clone() },
            Self::Settling(final_at) => Gap::Settling {
                final_at: at(*final_at),
            },
            Self::Broken(why) => Gap::Broken { why: why.clone() },
        }
    }
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a row, field by field")]
pub(in crate::store) struct EvaluationRow {
    version: u32,
    check: String,
    kind: String,
    event: Option<String>,
    source: Option<String>,
    segment: BTreeMap<String, String>,
    owner: Option<String>,
    primary: bool,
    witness: bool,
    bucket: BucketRow,
    status: Option<String>,
    finding: Option<FindingRow>,
    provisional: bool,
    gap: Option<GapRow>,
    data_seen_at: i64,
    extreme: bool,
    held: bool,
}

impl From<&Evaluation> for EvaluationRow {
    fn from(from: &Evaluation) -> Self {
        let (status, finding, provisional, gap) = match &from.outcome {
            Outcome::Known {
                status,
                finding,
                provisional,
            } => (
                Some(status.word().to_owned()),
                Some((&**finding).into()),
                *provisional,
                None,
            ),
            Outcome::NoData(gap) => (None, None, false, Some(gap.into())),
        };
        Self {
            version: 1,
            check: from.check.to_string(),
            kind: from.kind.to_string(),
            event: names(from.event.as_ref()),
            source: names(from.source.as_ref()),
            segment: from
                .segment
                .iter()
                .map(|(key, value)| (key.to_string(), value.clone()))
                .collect(),
            owner: names(from.owner.as_ref()),
            primary: from.primary,
            witness: from.witness,
            bucket: (&from.bucket).into(),
            status,
            finding,
            provisional,
            gap,
            data_seen_at: millis(from.strike.data_seen_at),
            extreme: from.strike.extreme,
            held: from.held == Held::ByBudget,
        }
    }
}

impl EvaluationRow {
    pub(in crate::store) fn evaluation(&self) -> Result<Evaluation, StoreError> {
        let status = self.status.as_deref().and_then(Status::parse);
        let outcome = match (status, &self.finding, &self.gap) {
            (Some(status), Some(finding), _) => Outcome::Known {
                status,
                finding: Box::new(finding.finding()?),
                provisional: self.provisional,
            },
            (_, _, Some(gap)) => Outcome::NoData(gap.gap()),
            _ => return Err(damaged("an evaluation without an outcome")),
        };
        Ok(Evaluation {
            check: Name::clean(&self.check),
            kind: Name::clean(&self.kind),
            event: name(self.event.as_ref()),
            source: name(self.source.as_ref()),
            segment: self
                .segment
                .iter()
                .map(|(key, value)| (Name::clean(key), value.clone()))
                .collect(),
            owner: name(self.owner.as_ref()),
            primary: self.primary,
            witness: self.witness,
            bucket: self.bucket.bucket()?,
            outcome,
            strike: Strike {
                data_seen_at: at(self.data_seen_at),
                extreme: self.extreme,
            },
            held: if self.held { Held::ByBudget } else { Held::No },
        })
    }
}
