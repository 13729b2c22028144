//! Verdicts on planted scenarios: made-up companies whose web analytics, shop and consent behave as
//! real ones do, one known fault each, through the real checks, budget and incident rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{Datelike, Duration, TimeDelta};
use truecount::check::{self, Check, Evidence, Line, Promise, SourceState};
use truecount::incident::{self, Incident, Verdict};
use truecount::model::{
    Bucket, Evaluation, Grain, Measure, Name, Quality, Question, Reading, Segment, Subject,
    Timestamp,
};
use truecount::plan::Plan;

use super::super::made::{self, at, name};
use super::super::stats::Dice;

const DAYS: u32 = 120;

/// The fault lasts to the end; it is looked at on this many mornings.
const MORNINGS: i64 = 3;

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let mut plan = made::plan(
        r#"
[event.order]
home    = "web"
unique  = "transaction_id"
in.shop = true
in.web  = true
[compare.pairs]
event    = "order"
baseline = "shop"
against  = ["web"]
[consent]
granted = "40%..80%"
"#,
    );
    // Only the web analytics know sessions and consent.
    for source in &mut plan.sources {
        source.event_named = source.decl.name.as_str() == "web";
    }
    plan
});

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Plot {
    /// Fewer people buy.
    Demand,
    /// The tag counts only part.
    Tag,
    /// The shop's records do not arrive.
    Sync,
    /// The tag counts twice, and the ids show it.
    Twice,
    /// Bots: the tag counts what the shop never sees.
    Bots,
    /// Visitors refuse consent.
    Consent,
    /// Fewer people buy and the tag counts only part: no single word is right.
    Both,
    /// A campaign: more people buy.
    Boom,
    /// Nothing.
    Quiet,
}

const PLOTS: [Plot; 9] = [
    Plot::Demand,
    Plot::Tag,
    Plot::Sync,
    Plot::Twice,
    Plot::Bots,
    Plot::Consent,
    Plot::Both,
    Plot::Boom,
    Plot::Quiet,
];

impl Plot {
    fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Demand => Some(Verdict::RealLoss),
            Self::Tag => Some(Verdict::TrackingLoss),
            Self::Sync => Some(Verdict::SyncFault),
            Self::Twice | Self::Bots => Some(Verdict::Duplication),
            Self::Consent => Some(Verdict::ConsentShift),
            Self::Both | Self::Boom | Self::Quiet => None,
        }
    }
}

/// One day of one system: final values of what can be asked.
#[derive(Debug, Clone, Copy, Default)]
struct Day {
    web: f64,
    repeats: f64,
    shop: f64,
    sessions: f64,
    consented: f64,
}

struct World {
    days: Vec<(Bucket, Day)>,
}

fn between(dice: &mut Dice, low: f64, high: f64) -> f64 {
    low + (high - low) * dice.share()
}

fn normal(dice: &mut Dice) -> f64 {
    (0..12).map(|_| dice.share()).sum::<f64>() - 6.0
}

/// A rough count: chance, and a spread of its own.
fn rough(dice: &mut Dice, mean: f64, spread: f64) -> f64 {
    let mean = mean * (1.0 + spread * normal(dice)).max(0.0);
    (mean + normal(dice) * mean.sqrt()).round().max(0.0)
}

impl World {
    /// A company and its fault, from one seed; `end` is the morning after the last day.
    fn of(plot: Plot, seed: u64, end: Timestamp) -> Self {
        let mut dice = Dice::new(seed);
        let base = 10_f64.powf(between(&mut dice, 1.8, 3.8));
        let (tide, jitter) = (
            between(&mut dice, 0.02, 0.10),
            between(&mut dice, 0.005, 0.03),
        );
        let share = between(&mut dice, 0.75, 0.97);
        let consent = between(&mut dice, 0.60, 0.75);
        let week: Vec<f64> = (0..7).map(|_| between(&mut dice, 0.8, 1.2)).collect();
        let size = between(&mut dice, 0.3, 0.75);
        let other = between(&mut dice, 0.6, 0.85);
        let calendar = &PLAN.project.calendar;
        let today = calendar.bucket(Grain::Day, end);
        let days = (1..=DAYS).rev().map(|back| {
            let bucket = calendar.back(&today, back);
            let on = i64::from(back) <= MORNINGS;
            let factor =
                |plots: &[Plot], by: f64| if on && plots.contains(&plot) { by } else { 1.0 };
            let weekday = week[bucket.date().weekday().num_days_from_monday() as usize];
            let swell = (1.0 + tide * normal(&mut dice)).max(0.1);
            let demand = factor(&[Plot::Demand], size)
                * factor(&[Plot::Both], other)
                * factor(&[Plot::Boom], 1.0 + size);
            let truth = rough(&mut dice, base * weekday * swell * demand, 0.0);
            let shop = truth * factor(&[Plot::Sync], size);
            let granted = factor(&[Plot::Consent], size);
            let counted = rough(&mut dice, truth * share * granted, jitter)
                * factor(&[Plot::Tag, Plot::Both], size);
            let extra = counted * (factor(&[Plot::Twice, Plot::Bots], 1.0 + size) - 1.0);
            let repeats = 0.001 * counted + if plot == Plot::Twice { extra } else { 0.0 };
            let sessions = rough(&mut dice, 30.0 * base * weekday * swell, 0.02);
            let consented = sessions * (consent + 0.005 * normal(&mut dice)) * granted;
            let day = Day {
                web: (counted + extra).round(),
                repeats: repeats.round(),
                shop: shop.round(),
                sessions,
                consented: consented.round(),
            };
            (bucket, day)
        });
        Self {
            days: days.collect(),
        }
    }

    /// The readings of a question with every age at which the system was asked, as known at `now`.
    fn answer(&self, question: &Question, now: Timestamp) -> Option<(Vec<Reading>, Vec<Reading>)> {
        if question.grain != Grain::Day || !question.by.is_empty() || !question.filter.0.is_empty()
        {
            return None;
        }
        let web = question.source.as_str() == "web";
        let pick = |day: &Day| match (&question.subject, &question.measure) {
            (Subject::Sessions, Measure::Count) if web => Some(day.sessions),
            (Subject::Sessions, Measure::Consented) if web => Some(day.consented),
            (Subject::Event(event), measure) if event.as_str() == "order" => match measure {
                Measure::Count if web => Some(day.web),
                Measure::Count => Some(day.shop),
                Measure::Repeats(_) if web => Some(day.repeats),
                Measure::Repeats(_) => Some(0.0),
                _ => None,
            },
            _ => None,
        };
        let (mut newest, mut every) = (Vec::new(), Vec::new());
        for (bucket, day) in self.days.iter().filter(|(bucket, _)| bucket.end < now) {
            let value = pick(day)?;
            // Web analytics fill up over two days; the shop knows at once.
            let ages = [(8, 0.92), (32, 0.98), (56, 1.0)];
            let passed = ages
                .iter()
                .filter(|(hours, _)| bucket.end + TimeDelta::hours(*hours) <= now);
            for (hours, visible) in passed {
                let visible = if web { *visible } else { 1.0 };
                let reading = Reading {
                    bucket: *bucket,
                    value: (value * visible).round(),
                    quality: Quality::plain(),
                    seen_at: bucket.end + TimeDelta::hours(*hours),
                };
                every.push(reading);
            }
            newest.extend(every.last().cloned());
        }
        Some((newest, every))
    }
}

fn line(readings: Vec<Reading>) -> Vec<Line> {
    vec![Line {
        segment: Segment::new(),
        readings,
    }]
}

fn look(world: &World, checks: &[Box<dyn Check>], now: Timestamp) -> Vec<Evaluation> {
    let calendar = &PLAN.project.calendar;
    let (mut history, mut vintages) = (BTreeMap::new(), BTreeMap::new());
    for need in checks.iter().flat_map(|check| check.needs(now, calendar)) {
        if let Some((newest, every)) = world.answer(&need.question, now) {
            history.insert(need.question.clone(), line(newest));
            vintages.insert(need.question, line(every));
        }
    }
    let state = |source: &str| {
        let state = SourceState {
            arrives: TimeDelta::hours(3),
            settles: TimeDelta::hours(if source == "web" { 48 } else { 3 }),
            last_success: Some(now),
            ..SourceState::default()
        };
        (name(source), state)
    };
    let sources = ["web", "shop"].map(state).into();
    let evidence = Evidence {
        now,
        calendar,
        history: &history,
        vintages: &vintages,
        changes: &BTreeMap::new(),
        unanswerable: &BTreeMap::new(),
        sources: &sources,
        marks: &[],
        troubled: &BTreeMap::new(),
    };
    let seen = checks
        .iter()
        .flat_map(|check| check.evaluate(&evidence))
        .collect();
    let promise = Promise { per_week: 1.0 };
    check::budget(seen, &promise)
}

/// Every word that was said of the orders, over the mornings; `None` when no incident was opened.
fn words_of(plot: Plot, seed: u64) -> Option<BTreeSet<Verdict>> {
    let last = at("2026-10-21 08:30");
    let world = World::of(plot, seed, last);
    let mine = |name: &Name| name.as_str().starts_with("order") || name.as_str() == "pairs.web";
    let checks: Vec<Box<dyn Check>> = check::checks(&PLAN)
        .into_iter()
        .filter(|check| {
            mine(&check.label().name) || check.label().name.as_str() == "traffic.consent"
        })
        .collect();
    let mut known: BTreeMap<_, Incident> = BTreeMap::new();
    let mut said: Option<BTreeSet<Verdict>> = None;
    for back in (0..MORNINGS).rev() {
        let now = last - Duration::days(back);
        let results = look(&world, &checks, now);
        let open: Vec<Incident> = known.values().cloned().collect();
        for change in incident::round(&open, &results, &[], &PLAN, now) {
            known.insert(change.after.id, change.after);
        }
        for one in known.values().filter(|one| one.is_on()) {
            let words = said.get_or_insert_default();
            if one.verdict != Verdict::Unknown {
                words.insert(one.verdict);
            }
        }
    }
    said
}

#[test]
fn a_named_verdict_is_right() {
    let mut table: BTreeMap<Plot, [usize; 4]> = BTreeMap::new();
    for case in 0..270_u64 {
        let plot = PLOTS[usize::try_from(case).unwrap() % PLOTS.len()];
        let counts = table.entry(plot).or_default();
        match words_of(plot, case * 15_485_863 + 11) {
            None => counts[0] += 1,
            Some(words) if words.is_empty() => counts[1] += 1,
            Some(words) if words.iter().copied().eq(plot.verdict()) => counts[2] += 1,
            Some(words) => {
                println!("  {plot:?} {case}: said {words:?}");
                counts[3] += 1;
            }
        }
    }
    println!("verdicts on planted scenarios: no incident, unknown, right, wrong");
    let mut sums = [0; 4];
    for (plot, counts) in &table {
        println!("  {plot:?}: {counts:?}");
        sums.iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += count);
    }
    let [quiet, unknown, right, wrong] = sums;
    println!(
        "verdicts: {} scenarios, {} with an incident, {} named, {right} rightly ({:.1}%), {unknown} left unknown, {quiet} without an incident",
        sums.iter().sum::<usize>(),
        unknown + right + wrong,
        right + wrong,
        100.0 * right as f64 / (right + wrong).max(1) as f64,
    );
    assert!(
        right * 100 >= (right + wrong) * 95,
        "{right} right, {wrong} wrong"
    );
    assert!(right >= 60, "too few are named: {right}");
}
