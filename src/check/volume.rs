//! `volume`: whether an event arrives as often as its own past leads one to expect.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDateTime};

use crate::model::{
    Baseline, Calendar, Evaluation, Filter, Grain, Measure, Name, Outcome, Question, SegmentShare,
    Status, Timestamp, Unit, Window,
};
use crate::plan::{Event, Plan, Worth};
use crate::stats::blame;

use super::question::{amounts, daily, history, hours};
use super::shape::{Core, EXTREME, View};
use super::sibling::{Families, Lender};
use super::{Check, Evidence, Kind, Label, Line, Need, Sight, young};

/// `<event>.volume` and, for conversions with a condition, `<conversion>.volume`.
pub(super) const KIND: Kind = Kind {
    name: "volume",
    about: include_str!("../../docs/checks/volume.md"),
    settings: super::PER_EVENT,
    checks,
};

/// Chances of an hour are told as chances of a day.
const HOURS_OF_A_DAY: f64 = 24.0;

/// Weeks of the same weekday that a segment is held against.
const WEEKS: i64 = 4;

/// Most hours of a trouble that are broken down.
const LONGEST_RUN: i64 = 48;

/// Dimensions of the plan whose pairs are looked at.
const COMBINED: usize = 3;

/// Largest values of a pair of dimensions: ten by ten.
const TOP_OF_PAIRS: u16 = 100;

/// Dimensions in which a culprit is sought when the plan names none.
const USUAL: [&str; 3] = ["device", "browser", "country"];

struct Volume {
    core: Core,
    /// The home source first, then the witnesses; by the day.
    questions: Vec<Question>,
    /// The same by the hour, judged where an hour holds enough.
    hourly: Vec<Question>,
    by: Vec<Name>,
    /// Whether pairs of them are looked at too: only where the plan names them, since each is one
    /// more question to the source.
    combined: bool,
    /// The same of other events of the home source, for what a young series borrows; by the day.
    siblings: Vec<Question>,
    /// Amounts and counts that tell what one event is worth on average; asked for, not judged.
    worth: Vec<Question>,
}

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let families = &Families::of(plan);
    let events = plan
        .events
        .iter()
        .filter_map(|event| made(plan, families, event, &event.name, &Filter::default()));
    let filtered = plan
        .conversions
        .iter()
        .filter(|one| one.name != one.event && !one.filter.0.is_empty());
    let conversions = filtered.filter_map(|one| {
        let mut check = made(
            plan,
            families,
            plan.event(&one.event)?,
            &one.name,
            &one.filter,
        )?;
        check.core.label.primary = one.primary;
        Some(check)
    });
    events
        .chain(conversions)
        .map(|check| Box::new(check) as Box<dyn Check>)
        .collect()
}

fn made(
    plan: &Plan,
    families: &Families<'_>,
    event: &Event,
    name: &Name,
    filter: &Filter,
) -> Option<Volume> {
    let home = plan.home(event)?;
    let core = Core::new(
        plan,
        &format!("{name}.volume"),
        KIND.name,
        Some(event),
        Some(&home),
    )?;
    let ask = |source: &Name| {
        let mapping = event.mapping(source)?;
        let mut question = daily(&event.name, source, mapping, Measure::Count);
        question.filter = filter.clone();
        Some(question)
    };
    let witnesses = event
        .mappings
        .iter()
        .map(|(source, _)| source)
        .filter(|source| **source != home);
    let questions: Vec<Question> = std::iter::once(&home)
        .chain(witnesses)
        .filter_map(ask)
        .collect();
    let hourly = questions
        .iter()
        .map(|question| Question {
            grain: Grain::Hour,
            ..question.clone()
        })
        .collect();
    let by = if event.by.is_empty() {
        USUAL.iter().map(|one| Name::clean(one)).collect()
    } else {
        event.by.clone()
    };
    let sibling = |one: &Event| {
        let mapping = one.mapping(&home)?;
        Some(daily(&one.name, &home, mapping, Measure::Count))
    };
    let near = families.near(event, &home).into_iter();
    let siblings = near.filter_map(sibling).collect();
    Some(Volume {
        core,
        questions,
        siblings,
        hourly,
        by,
        combined: !event.by.is_empty(),
        worth: average(plan, event).unwrap_or_default(),
    })
}

/// What must be known for `worth = "average"`.
fn average(plan: &Plan, event: &Event) -> Option<Vec<Question>> {
    matches!(plan.worth(&event.name)?, Worth::Average).then_some(())?;
    let source = plan.amounts(event)?;
    let count = daily(
        &event.name,
        &source,
        event.mapping(&source)?,
        Measure::Count,
    );
    Some(vec![amounts(plan, event, &source)?, count])
}

/// The mean amount of an event over its last four weeks, for each event whose worth is learnt.
pub fn averages(plan: &Plan, evidence: &Evidence<'_>) -> BTreeMap<Name, f64> {
    let mean = |event: &Event| {
        let questions = average(plan, event)?;
        let recent = evidence.now - Duration::weeks(WEEKS);
        let sum = |question: &Question| -> f64 {
            let readings = evidence.total(question).iter();
            let recent = readings.filter(|one| one.bucket.start >= recent);
            recent.map(|one| one.value).sum()
        };
        let (amount, count) = (sum(questions.first()?), sum(questions.get(1)?));
        (amount > 0.0 && count > 0.0).then(|| (event.name.clone(), amount / count))
    };
    let learnt = plan
        .conversions
        .iter()
        .filter(|one| matches!(one.worth, Some(Worth::Average)));
    learnt
        .filter_map(|one| mean(plan.event(&one.event)?))
        .collect()
}

impl Check for Volume {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        let days = self.questions.iter().chain(&self.siblings);
        let mut needs = history(&days.collect::<Vec<_>>(), now, calendar);
        let hourly = self.hourly.iter();
        needs.extend(hourly.map(|question| hours(question, now, calendar)));
        let mut worth = history(&self.worth.iter().collect::<Vec<_>>(), now, calendar);
        for need in &mut worth {
            need.window.from = need.window.from.max(now - Duration::weeks(WEEKS + 1));
        }
        needs.extend(worth);
        needs
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let one = |question: &Question| {
            let home = self.questions.first() == Some(question);
            let lender = home.then(|| self.lender());
            let noise = lender
                .as_ref()
                .and_then(|one| one.noise(evidence, question));
            let curve = lender
                .as_ref()
                .and_then(|one| one.curve(evidence, question));
            let noise = noise.map(|(noise, _)| noise);
            let judge = |view: &View| view.count_believing(&Unit::Count, noise);
            self.core
                .collapsed(evidence, question, curve.as_ref(), judge)
                .or_else(|| self.core.judged(evidence, &[question], None, judge))
        };
        let days = self.beside(evidence, &self.questions, one);
        days.into_iter().chain(self.by_hour(evidence)).collect()
    }

    fn sight(&self, evidence: &Evidence<'_>) -> Option<Sight> {
        let home = self.questions.first()?;
        let view = self.core.view(evidence, &[home], None).ok()?;
        view.sight_of_count()
    }

    fn baseline(&self, evidence: &Evidence<'_>) -> Option<Baseline> {
        let home = self.questions.first()?;
        let view = self.core.view_of_past(evidence, &[home], None)?;
        let noise = self.lender().noise(evidence, home);
        Some(view.baseline_of_count(evidence, home, noise.map(|(noise, _)| noise)))
    }

    fn final_after(&self, evidence: &Evidence<'_>) -> Option<f64> {
        let question = self.questions.first()?;
        let borrowed = self.lender().curve(evidence, question);
        let curve = borrowed.unwrap_or_else(|| young::curve(evidence, question));
        curve.settles_after()
    }

    fn borrowed(&self, evidence: &Evidence<'_>) -> Vec<String> {
        let question = self.questions.first();
        question.map_or_else(Vec::new, |one| self.lender().said(evidence, one))
    }

    fn follow_up(&self, first: &[Evaluation], _now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        let trouble = first
            .iter()
            .filter(|one| !one.witness && one.outcome.status() > Some(Status::Ok));
        let asked = trouble.flat_map(|trouble| {
            let home = match trouble.bucket.grain {
                Grain::Hour => self.hourly.first(),
                Grain::Day | Grain::Week => self.questions.first(),
            };
            let began = run(trouble).first().map_or(trouble.bucket.label, |at| *at);
            let from = calendar.day(began.date() - Duration::weeks(WEEKS)).start;
            let window = Window {
                from,
                to: trouble.bucket.end,
            };
            let splits = home.map(|home| self.splits(home)).unwrap_or_default();
            splits.into_iter().map(move |question| Need {
                busy_only: false,
                filled_only: false,
                changes_only: false,
                question,
                window,
            })
        });
        asked.collect()
    }
}

impl Volume {
    fn lender(&self) -> Lender<'_> {
        Lender {
            core: &self.core,
            siblings: &self.siblings,
        }
    }

    /// Hours are judged beside the days: an outage is seen in the hour in which it begins. Where they
    /// cannot be judged the days speak for the check, so there is no *not judged* by the hour.
    fn by_hour(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let judge = |question: &Question| {
            if !evidence.history.contains_key(question) {
                return None;
            }
            let mut seen = self
                .core
                .judged(evidence, &[question], None, |view| view.count(&Unit::Count))?;
            let Outcome::Known { finding, .. } = &mut seen.outcome else {
                return None;
            };
            // The promise of the plan counts days: one of 24 hours is 24 times as likely to be odd.
            finding.p = finding.p.map(|p| (p * HOURS_OF_A_DAY).min(1.0));
            seen.strike.extreme = finding.p.is_some_and(|p| p < EXTREME);
            Some(seen)
        };
        self.beside(evidence, &self.hourly, judge)
    }

    /// The home source first, then the witnesses. While the home is in trouble they are judged over
    /// the same buckets as it: what another system did later, or on one day of many, says little.
    fn beside(
        &self,
        evidence: &Evidence<'_>,
        questions: &[Question],
        judge: impl Fn(&Question) -> Option<Evaluation>,
    ) -> Vec<Evaluation> {
        let mut found: Vec<Evaluation> = Vec::new();
        let mut trouble = None;
        for (at, question) in questions.iter().enumerate() {
            let along = trouble
                .as_ref()
                .and_then(|run| self.core.alongside(evidence, question, run));
            let Some(mut seen) = along.or_else(|| judge(question)) else {
                continue;
            };
            seen.witness = at > 0;
            if at == 0 {
                self.blame(evidence, question, &mut seen);
                let bad = seen.outcome.status() > Some(Status::Ok);
                let since = seen.outcome.finding().filter(|_| bad);
                trouble = since.map(|finding| (finding.since, seen.bucket));
            }
            found.push(seen);
        }
        found
    }

    /// The breakdowns of a question in which a culprit is sought: each dimension, then the pairs of
    /// those that the plan names. Pairs are asked for their ten by ten largest.
    fn splits(&self, home: &Question) -> Vec<Question> {
        let single = self
            .by
            .iter()
            .map(|name| home.clone().split(std::slice::from_ref(name)));
        let named = if self.combined { &self.by[..] } else { &[] };
        let pairs = named.iter().take(COMBINED).enumerate();
        let pairs = pairs.flat_map(|(at, first)| {
            let others = named.iter().take(COMBINED).skip(at + 1);
            others.map(move |second| Question {
                top: TOP_OF_PAIRS,
                ..home.clone().split(&[first.clone(), second.clone()])
            })
        });
        single.chain(pairs).collect()
    }

    /// Names the parts that explain the change, over all breakdowns that were answered.
    fn blame(&self, evidence: &Evidence<'_>, home: &Question, seen: &mut Evaluation) {
        let buckets = run(seen);
        let Outcome::Known {
            status, finding, ..
        } = &mut seen.outcome
        else {
            return;
        };
        if *status == Status::Ok {
            return;
        }
        let splits = self.splits(home);
        let lines: Vec<&[Line]> = splits.iter().map(|split| evidence.lines(split)).collect();
        let tables: Vec<Vec<blame::Row>> = lines
            .iter()
            .map(|lines| {
                lines
                    .iter()
                    .map(|line| beside_past(line, &buckets))
                    .collect()
            })
            .collect();
        let Some(found) = blame::search(&tables) else {
            return;
        };
        let named = found.parts.iter().filter_map(|part| {
            let segment = lines.get(found.table)?.get(part.segment)?.segment.clone();
            let observed = tables.get(found.table)?.get(part.segment)?.observed;
            let expected = observed - part.change;
            let change = if expected > 0.0 {
                part.change / expected
            } else {
                1.0
            };
            Some(SegmentShare {
                segment,
                change,
                share: part.share,
            })
        });
        finding.segments = named.collect();
    }
}

/// The labels in which a breakdown is looked at: the newest day, or the hours of the trouble.
fn run(seen: &Evaluation) -> Vec<NaiveDateTime> {
    let newest = seen.bucket.label;
    if seen.bucket.grain != Grain::Hour {
        return vec![newest];
    }
    let since = seen
        .outcome
        .finding()
        .map_or(newest, |finding| finding.since.label);
    let mut labels: Vec<NaiveDateTime> = (0..LONGEST_RUN)
        .map(|back| newest - Duration::hours(back))
        .take_while(|label| *label >= since)
        .collect();
    labels.reverse();
    labels
}

/// A segment's sum over the buckets beside those of the same ones in the weeks before; a bucket
/// without a row had none. The sum of what is small has no name.
fn beside_past(line: &Line, buckets: &[NaiveDateTime]) -> blame::Row {
    let values: BTreeMap<NaiveDateTime, f64> = line
        .readings
        .iter()
        .map(|one| (one.bucket.label, one.value))
        .collect();
    let back = |weeks: i64| {
        let shifted = buckets.iter().map(|label| *label - Duration::weeks(weeks));
        shifted.filter_map(|label| values.get(&label)).sum::<f64>()
    };
    let named = !line
        .segment
        .values()
        .any(|value| matches!(value.as_str(), "(rest)" | "(other)"));
    blame::Row {
        observed: back(0),
        past: (1..=WEEKS).map(back).collect(),
        named: named && !line.segment.is_empty(),
    }
}
