//! Laws of incidents and of what is told, over random lives of a small shop.
//!
//! The world keeps what the store keeps, and does in a round what the daemon does: move incidents,
//! number them, decide who is told. After every step the laws are looked at.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use truecount::incident::{self, Change, Event, Incident, Policy, State, Turn};
use truecount::model::{
    Bucket, Calendar, Evaluation, Fingerprint, Gap, Grain, Matcher, Name, Outcome, Status,
    Timestamp, Window,
};
use truecount::notify::{self, Reason, Silence, Situation, Told};
use truecount::plan::Plan;

use super::super::made::{self, name};

/// Checks of the shop. The last leaves the plan in one of the reloads.
const CHECKS: [(&str, &str); 7] = [
    ("purchase.volume", "web"),
    ("purchase.completeness", "web"),
    ("purchase.duplicates", "web"),
    ("purchase.conformance", "web"),
    ("sign_up.volume", "web"),
    ("web.freshness", "web"),
    ("view_item.volume", "web"),
];

/// Both routes hear everything; one at once, the other of failures and with a wait.
const ROUTES: &str = r#"
[route.patient]
level  = "failing"
wait   = "10 minutes"
remind = "24 hours"
daily  = 1000
email  = ["jon@acme.example"]

[route.default]
wait  = "0 min"
daily = 1000
email = ["mara@acme.example"]
"#;

/// What a reload may bring: grouped, each check alone, one check fewer.
static PLANS: LazyLock<[(Plan, usize); 3]> = LazyLock::new(|| {
    let grouped = made::plan(ROUTES);
    let alone = made::plan(&format!("{ROUTES}[noise]\ngroup = false\n"));
    [(grouped.clone(), 7), (alone, 7), (grouped, 6)]
});

/// Days to look at, and for each check what each find looks like: made once, since names and
/// zones are slow to read.
static DAYS: LazyLock<Vec<Bucket>> = LazyLock::new(|| {
    let window = Window {
        from: made::at("2026-09-28 22:00"),
        to: made::at("2028-09-28 22:00"),
    };
    Calendar::new(chrono_tz::Europe::Berlin).buckets(Grain::Day, window)
});
static LOOKS: LazyLock<Vec<Vec<Evaluation>>> = LazyLock::new(|| {
    let looks = |(check, source)| (0..6).map(|find| look(check, source, find)).collect();
    CHECKS.into_iter().map(looks).collect()
});

fn look(check: &str, source: &str, find: u8) -> Evaluation {
    let (status, observed) = match find {
        1 => (Status::Warning, 75.0),
        2 => (Status::Failing, 40.0),
        3 => (Status::Failing, 0.0),
        _ => (Status::Ok, 100.0),
    };
    let mut one = made::seen(check, source, DAYS[0], status, observed);
    one.strike.extreme = find == 3;
    if check.ends_with(".freshness") {
        one.event = None;
    }
    if find == 4 {
        one.outcome = Outcome::NoData(Gap::NeverSeen);
    } else if find == 5 {
        let last = DAYS[0].start;
        one.outcome = Outcome::NoData(Gap::Late { last });
    }
    one
}

#[derive(Clone)]
enum Step {
    /// So many hours later everything is looked at: a digit says what each check finds.
    Round {
        hours: i64,
        finds: [u8; 7],
    },
    /// The same round again: the process was killed before it knew that it had committed.
    Repeat,
    /// Nothing is looked at, time alone passes.
    Wait {
        hours: i64,
    },
    Acknowledge(usize),
    End(usize),
    Silence {
        hours: i64,
        all: bool,
    },
    Reload(usize),
}

/// `5h 0020003` for a round: a failure should fit a screen.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Round { hours, finds } => {
                let digits: String = finds.iter().map(ToString::to_string).collect();
                write!(f, "{hours}h {digits}")
            }
            Self::Repeat => f.write_str("repeat"),
            Self::Wait { hours } => write!(f, "wait {hours}h"),
            Self::Acknowledge(nth) => write!(f, "take {nth}"),
            Self::End(nth) => write!(f, "end {nth}"),
            Self::Silence { hours, all } => write!(f, "silence {hours}h all={all}"),
            Self::Reload(plan) => write!(f, "reload {plan}"),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let find = prop_oneof![
        6 => Just(0_u8), // well
        1 => Just(1),    // warning
        2 => Just(2),    // failing
        1 => Just(3),    // failing beyond doubt
        1 => Just(4),    // no data
        1 => Just(5),    // the source is late
    ];
    prop_oneof![
        12 => (1_i64..30, prop::array::uniform7(find))
            .prop_map(|(hours, finds)| Step::Round { hours, finds }),
        2 => Just(Step::Repeat),
        2 => (1_i64..40).prop_map(|hours| Step::Wait { hours }),
        1 => (0_usize..4).prop_map(Step::Acknowledge),
        1 => (0_usize..4).prop_map(Step::End),
        1 => (1_i64..60, any::<bool>()).prop_map(|(hours, all)| Step::Silence { hours, all }),
        1 => (0_usize..3).prop_map(Step::Reload),
    ]
}

struct World {
    plan: usize,
    now: Timestamp,
    incidents: BTreeMap<Fingerprint, Incident>,
    told: Vec<Told>,
    letters: BTreeSet<Fingerprint>,
    silences: Vec<Silence>,
    numbers: u32,
    seen: Vec<Evaluation>,
}

impl World {
    fn new() -> Self {
        Self {
            plan: 0,
            now: made::at("2026-10-01 08:00"),
            incidents: BTreeMap::new(),
            told: Vec::new(),
            letters: BTreeSet::new(),
            silences: Vec::new(),
            numbers: 0,
            seen: Vec::new(),
        }
    }

    fn plan(&self) -> &'static Plan {
        &PLANS[self.plan].0
    }

    /// What the store hands out: lasting, and resolved within a week.
    fn known(&self) -> Vec<Incident> {
        self.incidents.values().cloned().collect()
    }

    fn forget(&mut self) {
        let edge = self.now - TimeDelta::days(7);
        self.incidents.retain(|_, one| match one.state {
            State::Resolved { at } => at >= edge,
            _ => true,
        });
        self.told
            .retain(|told| self.incidents.contains_key(&told.incident));
        self.silences.retain(|one| one.window.to > edge);
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Round { hours, finds } => {
                self.now += TimeDelta::hours(*hours);
                self.seen = self.looks(*finds);
                self.round();
            }
            Step::Repeat => {
                let known = self.known();
                let changes = incident::round(&known, &self.seen, &[], self.plan(), self.now);
                assert!(changes.is_empty(), "a repeat changed: {changes:#?}");
            }
            Step::Wait { hours } => {
                self.now += TimeDelta::hours(*hours);
                // The newest look is old by now: a repeat of it would be another look.
                self.seen.clear();
            }
            Step::Acknowledge(nth) => self.act(*nth, Event::Acknowledged { by: "mara" }),
            Step::End(nth) => self.act(*nth, Event::Ended { by: "mara" }),
            Step::Silence { hours, all } => self.silence(*hours, *all),
            Step::Reload(plan) => {
                self.plan = *plan;
                self.seen.clear();
            }
        }
        self.forget();
        if self.tell() > 0 {
            assert_eq!(self.decided(), [], "told once is told");
        }
    }

    fn looks(&self, finds: [u8; 7]) -> Vec<Evaluation> {
        let next = DAYS.partition_point(|day| day.end <= self.now);
        let bucket = DAYS[next - 1];
        let looks = finds.into_iter().zip(LOOKS.iter()).take(PLANS[self.plan].1);
        looks
            .map(|(find, looks)| {
                let mut one = looks[usize::from(find)].clone();
                one.bucket = bucket;
                one.strike.data_seen_at = self.now;
                match &mut one.outcome {
                    Outcome::Known { finding, .. } => finding.since = bucket,
                    Outcome::NoData(Gap::Late { last }) => *last = bucket.start,
                    Outcome::NoData(_) => {}
                }
                one
            })
            .collect()
    }

    fn round(&mut self) {
        let mut changes = incident::round(&self.known(), &self.seen, &[], self.plan(), self.now);
        for change in &mut changes {
            if change.turn.is_some() && change.after.number.is_none() {
                self.numbers += 1;
                incident::assign_number(change, self.numbers);
            }
        }
        self.commit(changes);
    }

    fn act(&mut self, nth: usize, event: Event<'_>) {
        let Some(before) = self.known().into_iter().nth(nth) else {
            return;
        };
        self.seen.clear();
        let policy = Policy::of(self.plan());
        let change = incident::step(Some(&before), event, &policy, self.now);
        self.commit(change.into_iter().collect());
    }

    fn silence(&mut self, hours: i64, all: bool) {
        let checks = if all {
            vec![]
        } else {
            vec!["purchase.*".to_owned()]
        };
        self.silences.push(Silence {
            id: Fingerprint([0; 16]),
            matcher: Matcher {
                checks,
                ..Matcher::default()
            },
            window: Window {
                from: self.now,
                to: self.now + TimeDelta::hours(hours),
            },
            reason: "planned work".to_owned(),
            by: "mara".to_owned(),
        });
    }

    /// Each change follows from what was there.
    fn commit(&mut self, changes: Vec<Change>) {
        for change in changes {
            let before = self.incidents.get(&change.after.id);
            follows(before, &change);
            self.incidents.insert(change.after.id, change.after);
        }
        let mut causes = BTreeSet::new();
        for one in self.incidents.values() {
            if !matches!(one.state, State::Resolved { .. }) {
                assert!(
                    causes.insert(&one.cause),
                    "two incidents of {:?}",
                    one.cause
                );
            }
        }
    }

    fn decided(&self) -> Vec<notify::Notification> {
        let known = self.known();
        notify::decide(&Situation {
            plan: self.plan(),
            incidents: &known,
            told: &self.told,
            silences: &self.silences,
            sent_today: &BTreeMap::new(),
            queued: &BTreeMap::new(),
            now: self.now,
        })
    }

    /// Tells what is to be told; how many letters.
    fn tell(&mut self) -> usize {
        let project = &self.plan().project.id;
        let decided = self.decided();
        for one in &decided {
            let incident = &one.incidents[0];
            assert!(!self.silenced(incident), "told in a silence: {one:#?}");
            self.lawful(one.reason, &one.channel, incident);
            assert!(
                self.letters.insert(one.letter_id(project)),
                "one id, two letters: {one:#?}"
            );
            self.told.extend(one.told());
        }
        self.everything_true_was_told();
        decided.len()
    }

    fn silenced(&self, incident: &Incident) -> bool {
        self.silences.iter().any(|one| {
            let all = one.matcher.checks.is_empty();
            let mine = |check: &Name| check.as_str().starts_with("purchase.");
            one.window.contains(self.now) && (all || incident.members.iter().any(mine))
        })
    }

    fn heard(&self, channel: &Name, incident: &Incident) -> Vec<&Told> {
        let mine = |told: &&Told| told.channel == *channel && told.incident == incident.id;
        self.told.iter().filter(mine).collect()
    }

    /// What a channel may hear next of an incident.
    fn lawful(&self, reason: Reason, channel: &Name, incident: &Incident) {
        let heard = self.heard(channel, incident);
        let last = heard.last().map(|told| told.reason);
        let over = matches!(last, Some(Reason::Resolved | Reason::Past));
        let lawful = match reason {
            Reason::Opened | Reason::SilenceEnded => last.is_none() && incident.is_on(),
            Reason::Past => last.is_none() && !incident.is_on(),
            Reason::Resolved => last.is_some() && !over && incident.over_at().is_some(),
            Reason::Reopened
            | Reason::Worsened
            | Reason::Eased
            | Reason::Acknowledged
            | Reason::VerdictChanged
            | Reason::Reminder => last.is_some() && incident.is_on(),
            Reason::Flapping => {
                let opened =
                    |told: &&&Told| matches!(told.reason, Reason::Opened | Reason::Reopened);
                heard.iter().filter(opened).count() > 3
            }
            _ => false,
        };
        assert!(lawful, "{reason:?} after {last:?} of {incident:#?}");
    }

    /// The channel without a wait knows every incident as it is, unless it was asked to be quiet.
    fn everything_true_was_told(&self) {
        let channel = notify::channel_key(&name("default"), 0, "email");
        for one in self.incidents.values() {
            let heard = self.heard(&channel, one);
            let lately = |at: Timestamp| self.now - at < TimeDelta::days(1);
            let flipped = one.over_at().or(one.opened_at).is_some_and(lately);
            let quiet = heard.last().is_some_and(|told| {
                told.reason == Reason::Flapping && (lately(told.at) || flipped)
            });
            if quiet || self.silenced(one) {
                continue;
            }
            let last = heard.last();
            if one.is_on() {
                assert_eq!(
                    last.map(|told| told.revision),
                    Some(one.revision),
                    "{one:#?}"
                );
            }
            if one
                .over_at()
                .is_some_and(|at| self.now - at < TimeDelta::hours(24))
            {
                let ended =
                    last.is_some_and(|told| matches!(told.reason, Reason::Resolved | Reason::Past));
                assert!(ended, "nobody heard the end: {one:#?}");
            }
        }
    }
}

/// The states and revisions on both sides of a change.
fn follows(before: Option<&Incident>, change: &Change) {
    let after = &change.after;
    let revision = before.map_or(0, |one| one.revision);
    let raised = u32::from(change.turn.is_some());
    assert_eq!(after.revision, revision + raised, "{change:#?}");
    let was_on = before.is_some_and(Incident::is_on);
    let was_told = before.is_some_and(|one| one.opened_at.is_some());
    let lawful = match change.turn {
        Some(Turn::Opened) => !was_told && after.state == State::Open,
        Some(Turn::Reopened) => was_told && !was_on && after.state == State::Open,
        Some(Turn::Worsened | Turn::Eased | Turn::VerdictChanged) => was_on && after.is_on(),
        Some(Turn::Acknowledged) => was_on && after.acknowledged.is_some(),
        Some(Turn::Resolved) => was_on && after.over_at().is_some(),
        None => before.is_none_or(|one| one != after),
    };
    assert!(lawful, "{before:#?} became {change:#?}");
    assert!(after.first <= after.last, "{after:#?}");
    if let Some(before) = before {
        assert_eq!((before.id, &before.cause), (after.id, &after.cause));
        assert!(before.number.is_none() || before.number == after.number);
    }
}

/// Lives of a runner, the longest of them in steps, and runners: over 100,000 steps in all.
const LIVES: u32 = 440;
const LONGEST: usize = 120;
const RUNNERS: u8 = 4;

#[test]
fn whatever_happens_the_laws_hold() {
    let steps: usize = std::thread::scope(|scope| {
        let runners: Vec<_> = (0..RUNNERS)
            .map(|seed| scope.spawn(move || run(seed)))
            .collect();
        runners.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert!(steps > 100_000, "{steps} steps");
}

/// The same lives each time: a failure here is a failure everywhere. How many steps were taken.
fn run(seed: u8) -> usize {
    let config = ProptestConfig {
        cases: LIVES,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let dice = TestRng::from_seed(RngAlgorithm::XorShift, &[seed + 1; 16]);
    let mut runner = TestRunner::new_with_rng(config, dice);
    let taken = Cell::new(0);
    let lives = prop::collection::vec(step(), 1..LONGEST);
    let outcome = runner.run(&lives, |steps| {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            taken.set(taken.get() + 1);
        }
        Ok(())
    });
    if let Err(why) = outcome {
        panic!("{why}");
    }
    taken.get()
}
