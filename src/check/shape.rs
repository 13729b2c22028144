//! The one way in which counts, shares and pairs are brought onto the calendar and judged.

use std::collections::BTreeMap;

use chrono::{Datelike, Duration, NaiveDateTime, TimeDelta, Timelike};

use crate::model::{
    Amount, Bucket, Calendar, Evaluation, Explained, Finding, Gap, Grain, Held, Mapping, Measure,
    Name, Outcome, Question, Reading, Reference, Segment, Shape, Status, Strike, Subject,
    Timestamp, Unit, Window,
};
use crate::plan::{Event, Plan};
use crate::stats::{self, Cycle, Expected, Judgement, Paired, Sensitivity, Series, TooFew};

use super::{Evidence, Label, Need, holiday};

/// Days of history that are asked for.
const HISTORY: i64 = 400;

/// Past readings of the same age without which a young bucket is not judged (decision 18).
const SAME_AGE: usize = 14;

/// So unlikely that one look is enough (decision 21).
const EXTREME: f64 = 1e-6;

/// Chance below which a limit is missed for certain and not by bad luck.
const CERTAIN: f64 = 0.001;

/// What every check carries.
pub(super) struct Core {
    pub(super) label: Label,
    project: Name,
    country: Option<String>,
    sensitivity: Sensitivity,
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
            project: plan.project.id.clone(),
            country: plan.project.country.clone(),
            sensitivity,
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

    /// The questions side by side, up to the newest bucket that can be judged.
    pub(super) fn view(
        &self,
        evidence: &Evidence<'_>,
        questions: &[&Question],
        settle: Option<TimeDelta>,
    ) -> Result<View, (Bucket, Gap)> {
        let state = |question: &Question| evidence.sources.get(&question.source);
        let longest = |pick: fn(&super::SourceState) -> TimeDelta| {
            questions
                .iter()
                .filter_map(|q| state(q))
                .map(pick)
                .max()
                .unwrap_or_default()
        };
        let arrives = longest(|state| state.arrives);
        let settles = settle
            .unwrap_or_default()
            .max(longest(|state| state.settles));
        let zone = questions.iter().filter_map(|q| state(q)?.zone).next();
        let calendar = zone.map_or_else(|| evidence.calendar.clone(), Calendar::new);
        let grain = questions.first().map_or(Grain::Day, |q| q.grain);
        let newest = calendar.previous(&calendar.bucket(grain, evidence.now - arrives));
        for question in questions {
            self.fit(evidence, question).map_err(|gap| (newest, gap))?;
        }
        let young = newest.end + settles > evidence.now;
        let aged = young.then(|| evidence.now - newest.end);
        let first = self.assemble(evidence, questions, &calendar, newest, aged);
        if !young {
            return first.map_err(|gap| (newest, gap));
        }
        let view = match first {
            Ok(view) if view.past() >= SAME_AGE => return Ok(view),
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
    fn fit(&self, evidence: &Evidence<'_>, question: &Question) -> Result<(), Gap> {
        let Some(state) = evidence.sources.get(&question.source) else {
            return Err(Gap::NeverSeen);
        };
        if let Some(why) = &state.failure {
            return Err(Gap::SourceFailed { why: why.clone() });
        }
        let family = question.family(&self.project);
        match state.unanswerable.iter().find(|(one, _)| *one == family) {
            Some((_, why)) => Err(Gap::Unfit { why: why.clone() }),
            None if evidence.total(question).is_empty() => Err(Gap::NeverSeen),
            None => Ok(()),
        }
    }

    fn assemble(
        &self,
        evidence: &Evidence<'_>,
        questions: &[&Question],
        calendar: &Calendar,
        last: Bucket,
        aged: Option<TimeDelta>,
    ) -> Result<View, Gap> {
        let mut newest: Vec<BTreeMap<NaiveDateTime, &Reading>> = Vec::new();
        for question in questions {
            let readings: BTreeMap<_, _> = evidence
                .total(question)
                .iter()
                .map(|reading| (reading.bucket.label, reading))
                .collect();
            match (readings.get(&last.label), readings.last_key_value()) {
                (Some(reading), _) => {
                    if let Some(why) = reading.quality.unfit() {
                        return Err(Gap::Unfit { why });
                    }
                }
                (None, Some((_, reading))) => {
                    return Err(Gap::Late {
                        last: reading.bucket.start,
                    });
                }
                (None, None) => return Err(Gap::NeverSeen),
            }
            newest.push(readings);
        }
        let begin = newest
            .iter()
            .filter_map(|one| one.values().next())
            .map(|one| one.bucket.start)
            .max();
        let begin = begin.unwrap_or(last.start).min(last.start);
        let buckets = calendar.buckets(
            last.grain,
            Window {
                from: begin,
                to: last.end,
            },
        );
        let columns = questions
            .iter()
            .zip(&newest)
            .map(|(question, readings)| {
                let past = aged.map(|age| of_age(evidence, question, age));
                buckets
                    .iter()
                    .map(|bucket| {
                        if evidence.calendar.ignores(bucket.date()) {
                            return f64::NAN;
                        }
                        let reading = match &past {
                            Some(past) if bucket.label != last.label => past.get(&bucket.label),
                            _ => readings.get(&bucket.label),
                        };
                        reading
                            .filter(|one| one.quality.unfit().is_none())
                            .map_or(f64::NAN, |one| one.value)
                    })
                    .collect()
            })
            .collect();
        let troubled = evidence
            .troubled
            .get(&self.label.name)
            .map_or(&[][..], Vec::as_slice);
        let seen_at = newest
            .iter()
            .filter_map(|one| one.get(&last.label))
            .map(|one| one.seen_at)
            .max();
        Ok(View {
            usable: buckets
                .iter()
                .map(|one| !troubled.iter().any(|window| window.overlaps(&one.window())))
                .collect(),
            special: buckets
                .iter()
                .map(|one| holiday::class(self.country.as_deref(), one.date()))
                .collect(),
            cycle: cycle(buckets.first().unwrap_or(&last)),
            bucket: last,
            provisional: aged.is_some(),
            seen_at: seen_at.unwrap_or(evidence.now),
            sensitivity: self.sensitivity,
            buckets,
            columns,
        })
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

#[expect(clippy::cast_possible_truncation, reason = "below 168")]
fn cycle(first: &Bucket) -> Cycle {
    let weekday = first.label.weekday().num_days_from_monday();
    match first.grain {
        Grain::Hour => Cycle::Hourly((weekday * 24 + first.label.hour()) as u8),
        Grain::Day => Cycle::Daily(weekday as u8),
        Grain::Week => Cycle::Plain,
    }
}

/// Aligned columns, one per question, up to the bucket that is judged.
pub(super) struct View {
    pub(super) bucket: Bucket,
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) buckets: Vec<Bucket>,
    pub(super) seen_at: Timestamp,
    usable: Vec<bool>,
    special: Vec<u8>,
    cycle: Cycle,
    provisional: bool,
    sensitivity: Sensitivity,
}

impl View {
    fn at(&self) -> usize {
        self.buckets.len().saturating_sub(1)
    }

    /// The newest value of a column.
    pub(super) fn last(&self, column: usize) -> f64 {
        self.columns
            .get(column)
            .and_then(|values| values.last())
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// Past buckets in which every column has a value.
    fn past(&self) -> usize {
        (0..self.at())
            .filter(|at| self.columns.iter().all(|values| values[*at].is_finite()))
            .count()
    }

    fn paired<'a>(&'a self, first: &'a [f64], second: &'a [f64]) -> Paired<'a> {
        Paired {
            first,
            second,
            usable: &self.usable,
            special: &self.special,
            cycle: self.cycle,
        }
    }

    /// Judges the first column as a count, in both directions.
    pub(super) fn count(&self, unit: &Unit) -> Outcome {
        let series = Series {
            values: &self.columns[0],
            usable: &self.usable,
            special: &self.special,
            cycle: self.cycle,
        };
        match stats::count::judge(&series, self.at(), self.sensitivity) {
            Ok(judgement) => {
                let far = amount(&judgement.now)
                    .change()
                    .is_some_and(|change| change.abs() >= 0.3);
                let bad = if far || self.last(0) == 0.0 {
                    Status::Failing
                } else {
                    Status::Warning
                };
                let status = if judgement.alarm { bad } else { Status::Ok };
                let shape = Shape::Count {
                    value: self.last(0),
                };
                self.known(
                    status,
                    self.finding(shape, unit.clone(), &judgement, |one| amount(&one)),
                )
            }
            Err(why) => self.too_few(why),
        }
    }

    /// Judges good of all (columns 0 and 1) by its own past and by what is allowed.
    pub(super) fn share(&self, limits: Limits) -> Outcome {
        let (all, marked) = (&self.columns[1], &self.columns[0]);
        let good: Vec<f64> = if limits.inverse {
            marked
                .iter()
                .zip(all)
                .map(|(bad, all)| (all - bad).max(0.0))
                .collect()
        } else {
            marked.iter().zip(all).map(|(k, n)| k.min(*n)).collect()
        };
        let (k, n) = (good.last().copied().unwrap_or(f64::NAN), self.last(1));
        let missed = |limit: f64| {
            n >= 1.0 && k.is_finite() && stats::ratio::below_target(k, n, limit) < CERTAIN
        };
        let by_rule = if limits.fail.is_some_and(missed) {
            Some(Status::Failing)
        } else {
            limits
                .warn
                .filter(|limit| missed(*limit))
                .map(|_| Status::Warning)
        };
        let past = stats::ratio::judge(&self.paired(&good, all), self.at(), self.sensitivity);
        let turned = |one: Expected| {
            if limits.inverse {
                inverse(&one)
            } else {
                amount(&one)
            }
        };
        let shape = Shape::Ratio { k: self.last(0), n };
        match (past, by_rule) {
            (Ok(judgement), None) => {
                let status = if judgement.alarm && limits.change {
                    Status::Warning
                } else {
                    Status::Ok
                };
                self.known(status, self.finding(shape, Unit::Share, &judgement, turned))
            }
            (past, Some(status)) => {
                let limit = limits.warn.or(limits.fail).unwrap_or(1.0);
                let low = Expected {
                    observed: k / n,
                    expected: limit,
                    low: limit,
                    high: 1.0,
                };
                let judgement = past.unwrap_or(Judgement {
                    now: low,
                    total: low,
                    since: self.at(),
                    p: 1.0,
                    score: 0.0,
                    alarm: false,
                    weight: 0,
                });
                let mut finding = self.finding(shape, Unit::Share, &judgement, turned);
                finding.now = turned(low);
                finding.p = None;
                let shown = if limits.inverse { 1.0 - limit } else { limit };
                finding.compared_with = Reference::Limit { limit: shown };
                self.known(status, finding)
            }
            (Err(why), None) => self.too_few(why),
        }
    }

    /// Judges column 0 against column 1: whether the gap between them changed.
    pub(super) fn pair(&self, unit: Unit) -> Outcome {
        let difference = unit == Unit::Difference;
        match stats::pair::judge(
            &self.paired(&self.columns[0], &self.columns[1]),
            self.at(),
            self.sensitivity,
        ) {
            Ok(judgement) => {
                let status = if judgement.alarm {
                    Status::Failing
                } else {
                    Status::Ok
                };
                let shape = Shape::Pair {
                    a: self.last(0),
                    b: self.last(1),
                };
                let off = if difference { 1.0 } else { 0.0 };
                let mut finding = self.finding(shape, unit, &judgement, |one| shifted(&one, off));
                if difference {
                    finding.compared_with = Reference::LearnedGap {
                        usual: judgement.now.expected - 1.0,
                    };
                }
                self.known(status, finding)
            }
            Err(why) => self.too_few(why),
        }
    }

    /// An outcome of this bucket.
    pub(super) fn known(&self, status: Status, finding: Finding) -> Outcome {
        Outcome::Known {
            status,
            finding: Box::new(finding),
            provisional: self.provisional,
        }
    }

    fn finding(
        &self,
        shape: Shape,
        unit: Unit,
        judgement: &Judgement,
        turn: impl Fn(Expected) -> Amount,
    ) -> Finding {
        let since = judgement.since.min(self.at());
        let compared_with = if self.provisional {
            Reference::SameAge {
                count: judgement.weight,
            }
        } else {
            Reference::SamePast {
                count: judgement.weight,
                of: kind_of(&self.bucket),
            }
        };
        Finding {
            shape,
            unit,
            now: turn(judgement.now),
            since_onset: turn(judgement.total),
            since: self.buckets.get(since).copied().unwrap_or(self.bucket),
            buckets: u32::try_from(self.at() - since + 1).unwrap_or(u32::MAX),
            p: Some(judgement.p),
            compared_with,
            segments: Vec::new(),
            details: Vec::<Explained>::new(),
            bridge: None,
        }
    }

    fn too_few(&self, why: TooFew) -> Outcome {
        let (have, need, of) = match why {
            TooFew::Buckets(have, need) => (have, need, Unit::Days),
            TooFew::Events(have, need) => (have, need, Unit::Count),
            TooFew::Missing => {
                let why = "the day is left out by the plan or by a remark of the source".to_owned();
                return Outcome::NoData(Gap::Unfit { why });
            }
        };
        let left = i64::from(need.saturating_sub(have));
        let from = (of == Unit::Days && self.bucket.grain == Grain::Day)
            .then(|| self.bucket.date() + Duration::days(left + 1));
        Outcome::NoData(Gap::TooFew {
            have,
            need,
            of,
            from,
        })
    }
}

/// What a share must keep. Limits are shares of what is good, also when the first column counts what is bad.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limits {
    /// Warns below.
    pub(super) warn: Option<f64>,
    /// Fails below.
    pub(super) fail: Option<f64>,
    /// Whether a fall against its own past warns too.
    pub(super) change: bool,
    /// Whether the first column counts what is bad; numbers are then shown that way.
    pub(super) inverse: bool,
}

fn amount(one: &Expected) -> Amount {
    Amount {
        observed: one.observed,
        expected: one.expected,
        low: one.low,
        high: one.high,
    }
}

fn inverse(one: &Expected) -> Amount {
    Amount {
        observed: 1.0 - one.observed,
        expected: 1.0 - one.expected,
        low: 1.0 - one.high,
        high: 1.0 - one.low,
    }
}

fn shifted(one: &Expected, by: f64) -> Amount {
    Amount {
        observed: one.observed - by,
        expected: one.expected - by,
        low: one.low - by,
        high: one.high - by,
    }
}

fn kind_of(bucket: &Bucket) -> String {
    match bucket.grain {
        Grain::Hour => bucket.label.format("%As at %H:%M").to_string(),
        Grain::Day => bucket.label.format("%As").to_string(),
        Grain::Week => "weeks".to_owned(),
    }
}

/// A daily total of an event in a source.
pub(super) fn daily(event: &Name, source: &Name, mapping: &Mapping, measure: Measure) -> Question {
    Question::total(
        source,
        Subject::Event(event.clone()),
        mapping.clone(),
        measure,
        Grain::Day,
    )
}

/// The whole history of each question.
pub(super) fn history(questions: &[&Question], now: Timestamp, calendar: &Calendar) -> Vec<Need> {
    let today = calendar.bucket(Grain::Day, now);
    let window = Window {
        from: calendar
            .back(&today, u32::try_from(HISTORY).unwrap_or(400))
            .start,
        to: now,
    };
    questions
        .iter()
        .map(|question| Need {
            question: (*question).clone(),
            window,
        })
        .collect()
}
