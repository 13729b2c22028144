//! The life of an incident, step by step: what opens it, what closes it, and what leaves it alone.

mod flood;
mod grouping;
mod law;
mod planted;

use chrono::TimeDelta;
use truecount::incident::{self, Change, Event, Incident, Label, Policy, State, Turn};
use truecount::model::{Bucket, Calendar, Evaluation, Gap, Outcome, Status, Timestamp};

use super::made::{self, SHOP, day, finding_of, name};

const CHECK: &str = "purchase.volume";

/// A word of a life, and what comes of it.
///
/// What is seen of the next day: `ok`, `warn`, `fail`; `sure` fails beyond doubt, `run` fails for
/// the second day in a row; `none` is no data, `late` a late source; `other` says nothing of this check.
/// Of the same day: `again` fails with newer data an hour later, `soon` after ten minutes, `same`
/// repeats the newest look, `fine` is well an hour later. `old` is a good day before the trouble.
/// `week` lets eight days pass. People: `take`, `end`, `label`.
///
/// What comes: the turn that people hear of, else the state; `-` for no incident.
const LIVES: &[(&str, &str, &str)] = &[
    ("two readings open", "fail fail", "suspected Opened"),
    ("one that is beyond doubt opens", "sure", "Opened"),
    ("a run of two days opens", "run", "Opened"),
    ("a good day opens nothing", "ok ok", "- -"),
    (
        "one odd day is forgotten in silence",
        "fail ok",
        "suspected over",
    ),
    (
        "the same day counts again with newer data",
        "fail again",
        "suspected Opened",
    ),
    (
        "data of ten minutes later does not count",
        "fail soon",
        "suspected suspected",
    ),
    (
        "the same look never counts twice",
        "fail same same same",
        "suspected suspected suspected suspected",
    ),
    (
        "two good looks close",
        "sure ok ok",
        "Opened recovering Resolved",
    ),
    (
        "the same good look never closes",
        "sure ok same same",
        "Opened recovering recovering recovering",
    ),
    (
        "a relapse is no news",
        "sure ok fail ok ok",
        "Opened recovering open recovering Resolved",
    ),
    (
        "warning becomes failing",
        "warn warn fail",
        "suspected Opened Worsened",
    ),
    ("failing becomes warning", "sure warn", "Opened Eased"),
    (
        "getting worse needs new data",
        "warn warn soon",
        "suspected Opened open",
    ),
    ("no data opens nothing", "none none none", "- - -"),
    (
        "no data neither confirms nor clears a suspicion",
        "fail none fail",
        "suspected suspected Opened",
    ),
    (
        "no data closes nothing",
        "sure none none none ok none ok",
        "Opened open open open recovering recovering Resolved",
    ),
    (
        "two looks at a late source open",
        "late late",
        "suspected Opened",
    ),
    (
        "a late source that answers is over after two looks",
        "late late ok ok",
        "suspected Opened recovering Resolved",
    ),
    (
        "a good day before the trouble says nothing",
        "sure old old",
        "Opened open open",
    ),
    (
        "late data of the same day heals",
        "fail fine",
        "suspected over",
    ),
    (
        "late data of the same day heals an open one in two looks",
        "sure fine fine",
        "Opened recovering Resolved",
    ),
    ("somebody takes it", "sure take", "Opened Acknowledged"),
    (
        "taken once is taken",
        "sure take take",
        "Opened Acknowledged open",
    ),
    (
        "a suspicion cannot be taken",
        "fail take",
        "suspected suspected",
    ),
    (
        "what is taken still resolves",
        "sure take ok ok",
        "Opened Acknowledged recovering Resolved",
    ),
    ("somebody ends it", "sure end", "Opened Resolved"),
    (
        "ended twice is ended once",
        "sure end end",
        "Opened Resolved over",
    ),
    (
        "ending a suspicion tells nobody",
        "fail end",
        "suspected over",
    ),
    ("a label tells nobody", "sure label", "Opened open"),
    (
        "trouble that returns is the same incident",
        "sure ok ok sure",
        "Opened recovering Resolved Reopened",
    ),
    (
        "it takes two readings to return, too",
        "sure ok ok fail fail",
        "Opened recovering Resolved suspected Reopened",
    ),
    (
        "a single odd day afterwards is no return",
        "sure ok ok fail ok",
        "Opened recovering Resolved suspected over",
    ),
    (
        "a check that left the plan ends its incident in silence",
        "sure other",
        "Opened over",
    ),
    (
        "a suspicion of last week is not confirmed by today",
        "fail week fail fail",
        "suspected suspected suspected Opened",
    ),
];

struct Life {
    known: Option<Incident>,
    now: Timestamp,
    bucket: Bucket,
    newest: Option<Evaluation>,
}

impl Life {
    fn new() -> Self {
        let bucket = day("2026-10-19");
        let now = bucket.end + TimeDelta::hours(7);
        Self {
            known: None,
            now,
            bucket,
            newest: None,
        }
    }

    fn next_day(&mut self, days: u32) {
        let calendar = Calendar::new(self.bucket.zone);
        for _ in 0..days {
            self.bucket = calendar.next(&self.bucket);
        }
        self.now = self.bucket.end + TimeDelta::hours(7);
    }

    fn look(&self, status: Status, observed: f64) -> Evaluation {
        let mut one = made::seen(CHECK, "web", self.bucket, status, observed);
        one.strike.data_seen_at = self.now - TimeDelta::hours(1);
        one
    }

    /// The evaluation that a word stands for.
    fn evaluation(&mut self, word: &str) -> Evaluation {
        match word {
            "again" | "fine" => self.now += TimeDelta::hours(1),
            "soon" => self.now += TimeDelta::minutes(10),
            "same" | "old" => {}
            _ => self.next_day(1),
        }
        match word {
            "ok" | "fine" => self.look(Status::Ok, 100.0),
            "warn" => self.look(Status::Warning, 75.0),
            "fail" | "again" | "soon" => self.look(Status::Failing, 40.0),
            "sure" => {
                let mut one = self.look(Status::Failing, 0.0);
                one.strike.extreme = true;
                one
            }
            "run" => {
                let mut one = self.look(Status::Failing, 40.0);
                let bucket = Calendar::new(self.bucket.zone).previous(&self.bucket);
                let finding = finding_of(&mut one);
                finding.buckets = 2;
                finding.since = bucket;
                one
            }
            "none" | "late" => {
                let mut one = self.look(Status::Ok, 0.0);
                let last = self.bucket.start;
                one.outcome = Outcome::NoData(if word == "late" {
                    Gap::Late { last }
                } else {
                    Gap::NeverSeen
                });
                one
            }
            "old" => {
                let calendar = Calendar::new(self.bucket.zone);
                let bucket = calendar.back(&self.bucket, 2);
                let mut one = made::seen(CHECK, "web", bucket, Status::Ok, 100.0);
                one.strike.data_seen_at = self.now;
                one
            }
            "other" => {
                let mut one = self.look(Status::Ok, 100.0);
                one.check = name("sign_up.volume");
                one
            }
            "same" => self.newest.clone().unwrap(),
            other => panic!("no such word: {other}"),
        }
    }

    fn person(&self, word: &str) -> Option<Change> {
        let event = match word {
            "take" => Event::Acknowledged { by: "mara" },
            "end" => Event::Ended { by: "mara" },
            _ => Event::Labelled(Label::Expected),
        };
        let policy = Policy::of(&SHOP);
        incident::step(self.known.as_ref(), event, &policy, self.now)
    }

    fn live(&mut self, word: &str) -> String {
        let changes = match word {
            "week" => {
                self.next_day(8);
                Vec::new()
            }
            "take" | "end" | "label" => self.person(word).into_iter().collect(),
            _ => {
                let one = self.evaluation(word);
                self.newest = Some(one.clone());
                let known: Vec<Incident> = self.known.iter().cloned().collect();
                incident::round(&known, &[one], &[], &SHOP, self.now)
            }
        };
        assert!(changes.len() <= 1, "{word}: {changes:#?}");
        let turn = changes.first().and_then(|change| change.turn);
        if let Some(change) = changes.into_iter().next() {
            self.known = Some(change.after);
        }
        match (turn, self.known.as_ref().map(|one| one.state)) {
            (Some(turn), _) => format!("{turn:?}"),
            (None, None) => "-".to_owned(),
            (None, Some(State::Suspected { .. })) => "suspected".to_owned(),
            (None, Some(State::Open)) => "open".to_owned(),
            (None, Some(State::Recovering { .. })) => "recovering".to_owned(),
            (None, Some(State::Resolved { .. })) => "over".to_owned(),
        }
    }
}

#[test]
fn lives_of_incidents() {
    for (what, words, expected) in LIVES {
        let mut life = Life::new();
        let came: Vec<String> = words.split(' ').map(|word| life.live(word)).collect();
        assert_eq!(came.join(" "), *expected, "{what}: {words}");
    }
}

fn lived(words: &str) -> Incident {
    let mut life = Life::new();
    for word in words.split(' ') {
        life.live(word);
    }
    life.known.unwrap()
}

#[test]
fn revision_and_identity_follow_the_turns() {
    let opened = lived("sure");
    let returned = lived("sure take ok ok sure");
    assert_eq!((opened.revision, returned.revision), (1, 4));
    assert_eq!(
        opened.id, returned.id,
        "the same incident, not a second one"
    );
    assert_eq!(returned.acknowledged, None, "whoever took it is done");
    assert!(returned.opened_at > opened.opened_at);
    assert_eq!(
        lived("sure fail fail fail").revision,
        1,
        "lasting is no turn"
    );
}

#[test]
fn numbers_follow_the_newest_look_and_the_beginning_stays() {
    let lasting = lived("sure fail fail");
    assert_eq!(lasting.first, day("2026-10-20"));
    assert_eq!(lasting.last, day("2026-10-22"));
    assert!((lasting.finding.unwrap().now.observed - 40.0).abs() < f64::EPSILON);
}

#[test]
fn what_returns_later_than_a_week_is_told_from_its_own_beginning() {
    let mut life = Life::new();
    for word in ["sure", "ok", "ok"] {
        life.live(word);
    }
    let over = life.known.clone().unwrap();
    life.next_day(9);
    // The daemon no longer hands in what was resolved more than a week ago.
    life.known = None;
    assert_eq!(life.live("sure"), "Opened");
    let fresh = life.known.unwrap();
    assert_ne!(fresh.id, over.id);
    assert_eq!(fresh.first, life.bucket);
}

#[test]
fn the_turn_that_is_remembered_belongs_to_the_revision() {
    let taken = lived("sure take");
    assert_eq!((taken.turn, taken.revision), (Some(Turn::Acknowledged), 2));
    assert_eq!(taken.acknowledged.unwrap().0, "mara");
    assert_eq!(lived("fail").turn, None);
}

#[test]
fn a_witness_and_what_the_budget_holds_open_nothing() {
    let mut witness = made::seen(CHECK, "web", day("2026-10-20"), Status::Failing, 0.0);
    witness.strike.extreme = true;
    let mut held = witness.clone();
    witness.witness = true;
    held.held = truecount::model::Held::ByBudget;
    for one in [witness, held.clone()] {
        let changes = incident::round(&[], &[one], &[], &SHOP, made::at("2026-10-21 08:00"));
        assert_eq!(changes, []);
    }
    // But what was open goes on.
    let open = lived("sure");
    held.bucket = day("2026-10-21");
    held.strike.data_seen_at = made::at("2026-10-22 06:00");
    let changes = incident::round(
        std::slice::from_ref(&open),
        &[held],
        &[],
        &SHOP,
        made::at("2026-10-22 08:00"),
    );
    assert_eq!(changes[0].after.last, day("2026-10-21"));
}
