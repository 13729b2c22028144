//! The one way in which counts, shares and pairs are brought onto the calendar and judged.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeDelta};

use crate::model::{
    Bucket, Calendar, Evaluation, Gap, Grain, Held, LeftOut, MarkKind, Name, Outcome, Question,
    Reading, Segment, Strike, Timestamp,
};
use crate::plan::{Event, Plan};
use crate::stats::{Cycle, Sensitivity};

use super::baseline::{closed, mark_incidents};
use super::grid::{cycle, grid};
use super::{Evidence, Label, special};

/// Past readings of the same age without which a young bucket is not judged (docs/adr/007): as many
/// as the statistic needs, or nothing would be judged between the two. Until then the newest final
/// bucket is.
pub(super) fn same_age(grain: Grain) -> usize {
    match grain {
        Grain::Hour => 14 * 24,
        Grain::Day => 21,
        Grain::Week => 8,
    }
}

/// So unlikely that one look is enough (decision 21).
pub(super) const EXTREME: f64 = 1e-6;

/// What every check carries.
pub(super) struct Core {
    pub(super) label: Label,
    country: Option<String>,
    sensitivity: Sensitivity,
    /// For this long after a release it is judged strictly.
    watch: Option<TimeDelta>,
}

impl Core {
    /// `None` when the plan switches the check off.
    pub(super) fn new(
        plan: &Plan,
        name: &str,
        kind: &'static str,
        event: Option<&Event>,
        source: Option<&Name>,
    ) -> Option<Self> {
        let rule = event.and_then(|event| plan.rule_for(kind, &event.name));
        if rule.is_some_and(|rule| !rule.enabled) {
            return None;
        }
        let written = rule.and_then(|rule| Some((rule.sensitivity.as_deref()?, rule)));
        let sensitivity = sensitivity(written.map(|(word, _)| word));
        let (word, origin) =
            written.map_or(("normal", "default"), |(word, rule)| (word, &rule.origin));
        let owner = rule.and_then(|rule| rule.owner.clone());
        Some(Self {
            label: Label {
                name: Name::clean(name),
                kind,
                event: event.map(|event| event.name.clone()),
                source: source.cloned(),
                owner: owner.or_else(|| event.and_then(|event| event.owner.clone())),
                primary: event.is_some_and(|event| plan.is_primary(&event.name)),
                report_only: false,
                settings: vec![("sensitivity".to_owned(), word.to_owned(), origin.to_owned())],
            },
            country: plan.project.country.clone(),
            sensitivity,
            watch: None,
        })
    }

    /// Makes the check strict for a while after each release, if the plan wants it.
    pub(super) fn watching(mut self, plan: &Plan) -> Self {
        self.watch = plan.watch;
        if let Some(watch) = plan.watch {
            let text = format!("strict for {} h after a release", watch.num_hours());
            let watch = ("watch".to_owned(), text, "[release]".to_owned());
            self.label.settings.push(watch);
        }
        self
    }

    fn is_watched(&self, evidence: &Evidence<'_>, bucket: &Bucket) -> bool {
        let Some(watch) = self.watch else {
            return false;
        };
        evidence.marks.iter().any(|mark| {
            mark.kind == MarkKind::Release && mark.at < bucket.end && bucket.start < mark.at + watch
        })
    }

    /// Sets how readily it alarms, by the word of the plan.
    pub(super) fn set_sensitivity(&mut self, word: Option<&str>) {
        self.sensitivity = sensitivity(word);
    }

    /// An evaluation of this check for one source.
    pub(super) fn evaluation(
        &self,
        source: &Name,
        bucket: Bucket,
        outcome: Outcome,
        seen_at: Timestamp,
    ) -> Evaluation {
        let extreme = outcome
            .finding()
            .is_some_and(|finding| finding.p.is_some_and(|p| p < EXTREME));
        Evaluation {
            check: self.label.name.clone(),
            kind: Name::clean(self.label.kind),
            event: self.label.event.clone(),
            source: Some(source.clone()),
            segment: Segment::new(),
            owner: self.label.owner.clone(),
            primary: self.label.primary,
            witness: false,
            bucket,
            outcome,
            strike: Strike {
                data_seen_at: seen_at,
                extreme,
            },
            held: Held::No,
        }
    }

    /// Brings the questions onto the calendar and judges them, or says why it cannot.
    pub(super) fn judged(
        &self,
        evidence: &Evidence<'_>,
        questions: &[&Question],
        settle: Option<TimeDelta>,
        judge: impl Fn(&View) -> Outcome,
    ) -> Option<Evaluation> {
        let source = &questions.first()?.source;
        Some(match self.view(evidence, questions, settle) {
            Ok(view) => self.evaluation(source, view.bucket, judge(&view), view.seen_at),
            Err((bucket, gap)) => {
                self.evaluation(source, bucket, Outcome::NoData(gap), evidence.now)
            }
        })
    }

    /// Judges by a limit of the plan: as [`Core::judged`], but without a past there is nothing to
    /// wait for, so that a bucket which may still change is judged too unless `patient`.
    pub(super) fn limited(
        &self,
        evidence: &Evidence<'_>,
        questions: &[&Question],
        patient: bool,
        judge: impl Fn(&View) -> Outcome,
    ) -> Option<Evaluation> {
        let source = &questions.first()?.source;
        let (calendar, newest, young) = Self::newest(evidence, questions, None);
        let settled = |now: Timestamp| {
            let settles = Self::longest(evidence, questions, |state| state.settles);
            calendar.previous(&calendar.bucket(newest.grain, now - settles))
        };
        let last = if patient && young {
            settled(evidence.now)
        } else {
            newest
        };
        let view = questions
            .iter()
            .try_for_each(|question| Self::fit(evidence, question))
            .and_then(|()| self.assemble(evidence, questions, &calendar, last, None));
        Some(match view {
            Ok(mut view) => {
                view.provisional = young && !patient;
                self.evaluation(source, view.bucket, judge(&view), view.seen_at)
            }
            Err(gap) => self.evaluation(source, last, Outcome::NoData(gap), evidence.now),
        })
    }

    pub(super) fn longest(
        evidence: &Evidence<'_>,
        questions: &[&Question],
        pick: fn(&super::SourceState) -> TimeDelta,
    ) -> TimeDelta {
        let states = questions
            .iter()
            .filter_map(|question| evidence.sources.get(&question.source));
        states.map(pick).max().unwrap_or_default()
    }

    /// The calendar in which the questions are cut, the newest bucket that has arrived, and whether
    /// it may still change.
    pub(super) fn newest(
        evidence: &Evidence<'_>,
        questions: &[&Question],
        settle: Option<TimeDelta>,
    ) -> (Calendar, Bucket, bool) {
        let arrives = Self::longest(evidence, questions, |state| state.arrives);
        let settles = Self::longest(evidence, questions, |state| state.settles);
        let zone = questions
            .iter()
            .find_map(|question| evidence.sources.get(&question.source)?.zone);
        let calendar = zone.map_or_else(|| evidence.calendar.clone(), Calendar::new);
        let grain = questions
            .first()
            .map_or(Grain::Day, |question| question.grain);
        let newest = calendar.previous(&calendar.bucket(grain, evidence.now - arrives));
        let young = newest.end + settle.unwrap_or_default().max(settles) > evidence.now;
        (calendar, newest, young)
    }

    /// The questions side by side, up to the newest bucket that can be judged.
    pub(super) fn view(
        &self,
        evidence: &Evidence<'_>,
        questions: &[&Question],
        settle: Option<TimeDelta>,
    ) -> Result<View, (Bucket, Gap)> {
        let (calendar, newest, young) = Self::newest(evidence, questions, settle);
        let grain = newest.grain;
        let settles = settle
            .unwrap_or_default()
            .max(Self::longest(evidence, questions, |state| state.settles));
        for question in questions {
            Self::fit(evidence, question).map_err(|gap| (newest, gap))?;
        }
        let aged = young.then(|| evidence.now - newest.end);
        let first = self.assemble(evidence, questions, &calendar, newest, aged);
        if !young {
            return first.map_err(|gap| (newest, gap));
        }
        let view = match first {
            Ok(view) if view.past() >= same_age(grain) => return Ok(view),
            Err(gap) if gap.is_source_trouble() => return Err((newest, gap)),
            _ => {
                let settled = calendar.previous(&calendar.bucket(grain, evidence.now - settles));
                self.assemble(evidence, questions, &calendar, settled, None)
            }
        };
        // Without a past of the same age the newest final bucket is judged instead, if there is one.
        view.map_err(|_| {
            (
                newest,
                Gap::Settling {
                    final_at: newest.end + settles,
                },
            )
        })
    }

    /// Whether the source is in a state to answer.
    pub(super) fn fit(evidence: &Evidence<'_>, question: &Question) -> Result<(), Gap> {
        let Some(state) = evidence.sources.get(&question.source) else {
            return Err(Gap::NeverSeen);
        };
        if let Some(why) = &state.failure {
            return Err(Gap::SourceFailed { why: why.clone() });
        }
        match evidence.unanswerable.get(question) {
            Some(why) => Err(Gap::Unfit { why: why.clone() }),
            None if evidence.total(question).is_empty() => Err(Gap::NeverSeen),
            None => Ok(()),
        }
    }

    pub(super) fn assemble(
        &self,
        evidence: &Evidence<'_>,
        questions: &[&Question],
        calendar: &Calendar,
        last: Bucket,
        aged: Option<TimeDelta>,
    ) -> Result<View, Gap> {
        let newest: Vec<_> = questions
            .iter()
            .map(|question| by_label(evidence, question, &last))
            .collect::<Result<_, _>>()?;
        let begin = newest
            .iter()
            .filter_map(|one| one.values().next())
            .map(|one| one.bucket.start)
            .max();
        let begin = begin.unwrap_or(last.start).min(last.start);
        let buckets = grid(calendar, begin, &last);
        let mut classes = special::classes(self.country.as_deref(), evidence.calendar, &buckets);
        let alone = questions.len() == 1;
        let mut left: Vec<Option<LeftOut>> = buckets
            .iter()
            .map(|bucket| closed(evidence, bucket, alone))
            .collect();
        let mut columns: Vec<Vec<f64>> = Vec::with_capacity(questions.len());
        for (question, readings) in questions.iter().zip(&newest) {
            let past = aged.map(|age| of_age(evidence, question, age));
            let value = |(bucket, left): (&Bucket, &mut Option<LeftOut>)| {
                let reading = match &past {
                    Some(past) if bucket.label != last.label => past.get(&bucket.label),
                    _ => readings.get(&bucket.label),
                };
                match (&left, reading) {
                    (Some(LeftOut::Planned | LeftOut::Clocks), _) | (_, None) => f64::NAN,
                    (_, Some(reading)) => match reading.quality.unfit() {
                        Some(why) => {
                            *left = Some(LeftOut::Unfit(why));
                            f64::NAN
                        }
                        None => reading.value,
                    },
                }
            };
            columns.push(buckets.iter().zip(&mut left).map(value).collect());
        }
        for values in &mut columns {
            special::hush_first(values, &classes);
        }
        let troubled = evidence.troubled.get(&self.label.name);
        let troubled = troubled.map_or(&[][..], Vec::as_slice);
        mark_incidents(troubled, &buckets, &mut left, &mut classes);
        let watched = self.is_watched(evidence, &last);
        let seen_at = newest
            .iter()
            .filter_map(|one| one.get(&last.label))
            .map(|one| one.seen_at)
            .max();
        Ok(View {
            usable: left
                .iter()
                .map(|why| !matches!(why, Some(LeftOut::Incident { .. })))
                .collect(),
            left,
            special: classes,
            cycle: cycle(buckets.first().unwrap_or(&last)),
            bucket: last,
            provisional: aged.is_some(),
            seen_at: seen_at.unwrap_or(evidence.now),
            sensitivity: if watched {
                Sensitivity::Strict
            } else {
                self.sensitivity
            },
            watched,
            buckets,
            columns,
        })
    }
}

impl Core {
    /// A further question on the buckets of a view, at the same ages; `NaN` where it is not known.
    pub(super) fn beside(evidence: &Evidence<'_>, question: &Question, view: &View) -> Vec<f64> {
        let newest: BTreeMap<_, _> = evidence
            .total(question)
            .iter()
            .map(|one| (one.bucket.label, one))
            .collect();
        let age = evidence.now - view.bucket.end;
        let past = view.provisional.then(|| of_age(evidence, question, age));
        let value = |bucket: &Bucket| {
            let known = match &past {
                Some(past) if bucket.label != view.bucket.label => past.get(&bucket.label),
                _ => newest.get(&bucket.label),
            };
            known
                .filter(|one| one.quality.unfit().is_none())
                .map_or(f64::NAN, |one| one.value)
        };
        view.buckets.iter().map(value).collect()
    }

    /// How many are still to arrive in the newest bucket, from the share that was visible of past
    /// buckets at the same age; `None` where too few of them were seen.
    pub(super) fn still_to_come(
        evidence: &Evidence<'_>,
        question: &Question,
        view: &View,
        least: usize,
    ) -> Option<f64> {
        let young = of_age(evidence, question, evidence.now - view.bucket.end);
        let settles = Self::longest(evidence, &[question], |state| state.settles);
        let finals = evidence.total(question).iter();
        let settled =
            finals.filter(|one| one.bucket.end + settles <= one.seen_at && one.value > 0.0);
        let shares = settled
            .filter_map(|one| Some(young.get(&one.bucket.label)?.value / one.value))
            .collect();
        let share = super::bridge::middle(shares, least)?;
        let newest = evidence.total(question).iter();
        let seen = newest
            .filter(|one| one.bucket.label == view.bucket.label)
            .map(|one| one.value)
            .next_back()?;
        (share > 0.0).then(|| seen / share - seen)
    }
}

/// The newest reading of each bucket, if the last of them is there and fit to be judged.
fn by_label<'a>(
    evidence: &Evidence<'a>,
    question: &Question,
    last: &Bucket,
) -> Result<BTreeMap<NaiveDateTime, &'a Reading>, Gap> {
    let lines = evidence
        .history
        .get(question)
        .map_or(&[][..], Vec::as_slice);
    let total = lines.iter().find(|line| line.segment.is_empty());
    let readings = total.map_or(&[][..], |line| line.readings.as_slice());
    let found: BTreeMap<_, _> = readings.iter().map(|one| (one.bucket.label, one)).collect();
    match (found.get(&last.label), found.last_key_value()) {
        (Some(reading), _) => match reading.quality.unfit() {
            Some(why) => Err(Gap::Unfit { why }),
            None => Ok(found),
        },
        (None, Some((_, reading))) => Err(Gap::Late {
            last: reading.bucket.start,
        }),
        (None, None) => Err(Gap::NeverSeen),
    }
}

/// The newest reading of each bucket when it was at most this old.
fn of_age<'a>(
    evidence: &Evidence<'a>,
    question: &Question,
    age: TimeDelta,
) -> BTreeMap<NaiveDateTime, &'a Reading> {
    let lines = evidence
        .vintages
        .get(question)
        .map_or(&[][..], Vec::as_slice);
    let total = lines.iter().find(|line| line.segment.is_empty());
    let readings = total.map_or(&[][..], |line| line.readings.as_slice());
    // Oldest first within a bucket: the last one that is young enough stays.
    readings
        .iter()
        .filter(|one| one.age() <= age)
        .map(|one| (one.bucket.label, one))
        .collect()
}

fn sensitivity(word: Option<&str>) -> Sensitivity {
    match word {
        Some("quiet") => Sensitivity::Quiet,
        Some("strict") => Sensitivity::Strict,
        _ => Sensitivity::Normal,
    }
}

/// Aligned columns, one per question, up to the bucket that is judged.
#[derive(Clone)]
pub(super) struct View {
    pub(super) bucket: Bucket,
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) buckets: Vec<Bucket>,
    pub(super) seen_at: Timestamp,
    /// Whether a bucket may teach.
    pub(super) usable: Vec<bool>,
    /// Why a bucket is left out, as far as it is known before anything is judged.
    pub(super) left: Vec<Option<LeftOut>>,
    pub(super) special: Vec<u8>,
    pub(super) cycle: Cycle,
    pub(super) provisional: bool,
    pub(super) sensitivity: Sensitivity,
    /// Whether a release just went out and the plan wants a close look.
    pub(super) watched: bool,
}
