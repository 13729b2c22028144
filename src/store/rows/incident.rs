//! An incident as a row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::incident::{
    Cause, Certainty, Companion, Impact, Incident, Label, Level, State, Turn, Verdict,
};
use crate::model::{Fingerprint, Mark, MarkKind, Name, Segment, Status};

use super::evaluation::GapRow;
use super::finding::FindingRow;
use super::{BucketRow, StoreError, at, damaged, millis, name, names};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CauseRow {
    Source(String),
    Segment(BTreeMap<String, String>),
    Parameter(String),
    Event(String),
    Check(String, BTreeMap<String, String>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StateRow {
    Suspected(u32),
    Open,
    Recovering(u32),
    Resolved(i64),
}

#[derive(Serialize, Deserialize)]
struct CompanionRow {
    source: String,
    change: f64,
    outside: bool,
}

#[derive(Serialize, Deserialize)]
struct ImpactRow {
    count: f64,
    low: f64,
    high: f64,
    value: Option<(f64, String)>,
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct IncidentRow {
    version: u32,
    id: String,
    number: Option<u32>,
    revision: u32,
    cause: CauseRow,
    check: String,
    kind: String,
    members: Vec<String>,
    event: Option<String>,
    source: Option<String>,
    owner: Option<String>,
    primary: bool,
    state: StateRow,
    status: String,
    first: BucketRow,
    last: BucketRow,
    finding: Option<FindingRow>,
    gap: Option<GapRow>,
    verdict: String,
    certainty: (String, String),
    #[serde(default)]
    companions: Vec<CompanionRow>,
    #[serde(default)]
    causes: Vec<(i64, String, String, Option<String>)>,
    #[serde(default)]
    impact: Option<ImpactRow>,
    suspected_at: i64,
    opened_at: Option<i64>,
    acknowledged: Option<(String, i64)>,
    label: Option<String>,
    strike_seen_at: i64,
    changed_at: i64,
    #[serde(default)]
    turn: Option<String>,
    merged_into: Option<String>,
}

const VERDICTS: [(Verdict, &str); 6] = [
    (Verdict::RealLoss, "real_loss"),
    (Verdict::TrackingLoss, "tracking_loss"),
    (Verdict::SyncFault, "sync_fault"),
    (Verdict::Duplication, "duplication"),
    (Verdict::ConsentShift, "consent_shift"),
    (Verdict::Unknown, "unknown"),
];

const LEVELS: [(Level, &str); 3] = [
    (Level::Low, "low"),
    (Level::Medium, "medium"),
    (Level::High, "high"),
];

const TURNS: [(Turn, &str); 7] = [
    (Turn::Opened, "opened"),
    (Turn::Worsened, "worsened"),
    (Turn::Eased, "eased"),
    (Turn::VerdictChanged, "verdict_changed"),
    (Turn::Acknowledged, "acknowledged"),
    (Turn::Resolved, "resolved"),
    (Turn::Reopened, "reopened"),
];

const LABELS: [(Label, &str); 3] = [
    (Label::Real, "real"),
    (Label::Expected, "expected"),
    (Label::Noise, "noise"),
];

fn word<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> String {
    table
        .iter()
        .find(|(known, _)| known == value)
        .map_or("", |(_, word)| word)
        .to_owned()
}

fn meant<T: Copy>(table: &[(T, &'static str)], word: &str) -> Result<T, StoreError> {
    let found = table
        .iter()
        .find(|(_, known)| *known == word)
        .map(|(value, _)| *value);
    found.ok_or_else(|| damaged("an unknown word in an incident"))
}

fn texts(segment: &Segment) -> BTreeMap<String, String> {
    segment
        .iter()
        .map(|(key, value)| (key.to_string(), value.clone()))
        .collect()
}

fn segment(texts: &BTreeMap<String, String>) -> Segment {
    texts
        .iter()
        .map(|(key, value)| (Name::clean(key), value.clone()))
        .collect()
}

impl From<&Incident> for IncidentRow {
    #[expect(clippy::too_many_lines, reason = "a row, field by field")]
    fn from(from: &Incident) -> Self {
        let mark = |mark: &Mark| {
            let source = names(mark.source.as_ref());
            (
                millis(mark.at),
                mark.kind.word().to_owned(),
                mark.name.to_string(),
                source,
            )
        };
        Self {
            version: 1,
            id: from.id.hex(),
            number: from.number,
            revision: from.revision,
            cause: match &from.cause {
                Cause::Source(name) => CauseRow::Source(name.to_string()),
                Cause::Segment(segment) => CauseRow::Segment(texts(segment)),
                Cause::Parameter(name) => CauseRow::Parameter(name.to_string()),
                Cause::Event(name) => CauseRow::Event(name.to_string()),
                Cause::Check(name, segment) => CauseRow::Check(name.to_string(), texts(segment)),
            },
            check: from.check.to_string(),
            kind: from.kind.to_string(),
            members: from.members.iter().map(ToString::to_string).collect(),
            event: names(from.event.as_ref()),
            source: names(from.source.as_ref()),
            owner: names(from.owner.as_ref()),
            primary: from.primary,
            state: match from.state {
                State::Suspected { strikes } => StateRow::Suspected(strikes),
                State::Open => StateRow::Open,
                State::Recovering { clean } => StateRow::Recovering(clean),
                State::Resolved { at } => StateRow::Resolved(millis(at)),
            },
            status: from.status.word().to_owned(),
            first: (&from.first).into(),
            last: (&from.last).into(),
            finding: from.finding.as_ref().map(Into::into),
            gap: from.gap.as_ref().map(Into::into),
            verdict: word(&VERDICTS, &from.verdict),
            certainty: (
                word(&LEVELS, &from.certainty.word),
                from.certainty.ground.clone(),
            ),
            companions: from
                .companions
                .iter()
                .map(|one| CompanionRow {
                    source: one.source.to_string(),
                    change: one.change,
                    outside: one.outside,
                })
                .collect(),
            causes: from.causes.iter().map(mark).collect(),
            impact: from.impact.as_ref().map(|impact| ImpactRow {
                count: impact.count,
                low: impact.low,
                high: impact.high,
                value: impact.value.clone(),
            }),
            suspected_at: millis(from.suspected_at),
            opened_at: from.opened_at.map(millis),
            acknowledged: from
                .acknowledged
                .as_ref()
                .map(|(by, at)| (by.clone(), millis(*at))),
            label: from.label.as_ref().map(|label| word(&LABELS, label)),
            strike_seen_at: millis(from.strike_seen_at),
            changed_at: millis(from.changed_at),
            turn: from.turn.as_ref().map(|turn| word(&TURNS, turn)),
            merged_into: from.merged_into.map(|id| id.hex()),
        }
    }
}

impl IncidentRow {
    #[expect(clippy::too_many_lines, reason = "a row, field by field")]
    pub(in crate::store) fn incident(&self) -> Result<Incident, StoreError> {
        let print = |hex: &str| Fingerprint::parse(hex).ok_or_else(|| damaged("an incident id"));
        let marks = self.causes.iter().filter_map(|(when, kind, text, source)| {
            let kind = MarkKind::parse(kind)?;
            Some(Mark {
                at: at(*when),
                kind,
                name: Name::clean(text),
                source: name(source.as_ref()),
            })
        });
        Ok(Incident {
            id: print(&self.id)?,
            number: self.number,
            revision: self.revision,
            cause: match &self.cause {
                CauseRow::Source(name) => Cause::Source(Name::clean(name)),
                CauseRow::Segment(texts) => Cause::Segment(segment(texts)),
                CauseRow::Parameter(name) => Cause::Parameter(Name::clean(name)),
                CauseRow::Event(name) => Cause::Event(Name::clean(name)),
                CauseRow::Check(name, texts) => Cause::Check(Name::clean(name), segment(texts)),
            },
            check: Name::clean(&self.check),
            kind: Name::clean(&self.kind),
            members: self.members.iter().map(|text| Name::clean(text)).collect(),
            event: name(self.event.as_ref()),
            source: name(self.source.as_ref()),
            owner: name(self.owner.as_ref()),
            primary: self.primary,
            state: match self.state {
                StateRow::Suspected(strikes) => State::Suspected { strikes },
                StateRow::Open => State::Open,
                StateRow::Recovering(clean) => State::Recovering { clean },
                StateRow::Resolved(when) => State::Resolved { at: at(when) },
            },
            status: Status::parse(&self.status).ok_or_else(|| damaged("a status"))?,
            first: self.first.bucket()?,
            last: self.last.bucket()?,
            finding: self.finding.as_ref().map(FindingRow::finding).transpose()?,
            gap: self.gap.as_ref().map(GapRow::gap),
            verdict: meant(&VERDICTS, &self.verdict)?,
            certainty: Certainty {
                word: meant(&LEVELS, &self.certainty.0)?,
                ground: self.certainty.1.clone(),
            },
            companions: self
                .companions
                .iter()
                .map(|one| Companion {
                    source: Name::clean(&one.source),
                    change: one.change,
                    outside: one.outside,
                })
                .collect(),
            causes: marks.collect(),
            impact: self.impact.as_ref().map(|impact| Impact {
                count: impact.count,
                low: impact.low,
                high: impact.high,
                value: impact.value.clone(),
            }),
            suspected_at: at(self.suspected_at),
            opened_at: self.opened_at.map(at),
            acknowledged: self
                .acknowledged
                .as_ref()
                .map(|(by, when)| (by.clone(), at(*when))),
            label: self
                .label
                .as_deref()
                .map(|word| meant(&LABELS, word))
                .transpose()?,
            strike_seen_at: at(self.strike_seen_at),
            changed_at: at(self.changed_at),
            turn: self
                .turn
                .as_deref()
                .map(|word| meant(&TURNS, word))
                .transpose()?,
            merged_into: self.merged_into.as_deref().map(print).transpose()?,
        })
    }
}
