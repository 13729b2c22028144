//! Who hears what, and when: routes, quiet hours, reminders, caps, silences and repeats.

mod letter;
mod pace;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use truecount::incident::{self, Event, Incident, Policy, State, Turn};
use truecount::model::{Fingerprint, Matcher, Status, Timestamp, Window};
use truecount::notify::{self, Notification, Silence, Situation, Told};
use truecount::plan::Plan;

use super::made::{self, at, name};

/// One route to one address, heard at once.
const AT_ONCE: &str = "[route.default]\nwait = \"0 min\"\nemail = [\"jon@acme.example\"]\n";

/// A plan, what is true, and what was told so far.
struct Desk {
    plan: Plan,
    incidents: Vec<Incident>,
    told: Vec<Told>,
    silences: Vec<Silence>,
    sent: BTreeMap<truecount::model::Name, u32>,
    queued: BTreeMap<truecount::model::Name, u32>,
}

impl Desk {
    fn new(routes: &str) -> Self {
        Self {
            plan: made::plan(routes),
            incidents: Vec::new(),
            told: Vec::new(),
            silences: Vec::new(),
            sent: BTreeMap::new(),
            queued: BTreeMap::new(),
        }
    }

    fn opened(mut self, check: &str, source: &str, now: Timestamp) -> Self {
        let number = u32::try_from(self.incidents.len()).unwrap() + 1;
        let one = made::opened(&self.plan, check, source, number, now);
        self.incidents.push(one);
        self
    }

    fn decided(&self, now: Timestamp) -> Vec<Notification> {
        notify::decide(&Situation {
            plan: &self.plan,
            incidents: &self.incidents,
            told: &self.told,
            silences: &self.silences,
            sent_today: &self.sent,
            queued: &self.queued,
            now,
        })
    }

    /// Decides, and remembers that it was told; `route reason` of each letter.
    fn tell(&mut self, now: Timestamp) -> Vec<String> {
        let decided = self.decided(now);
        let text = |one: &Notification| format!("{} {}", one.route, one.reason.word());
        for one in &decided {
            self.told.extend(one.told());
            *self.sent.entry(one.channel.clone()).or_default() += 1;
        }
        decided.iter().map(text).collect()
    }

    fn act(&mut self, event: Event<'_>, now: Timestamp) {
        let policy = Policy::of(&self.plan);
        let change = incident::step(Some(&self.incidents[0]), event, &policy, now).unwrap();
        self.incidents[0] = change.after;
    }

    /// The incident turns as it would in a round.
    fn turn(&mut self, turn: Turn, status: Status, now: Timestamp) {
        let one = &mut self.incidents[0];
        one.turn = Some(turn);
        one.revision += 1;
        one.status = status;
        one.changed_at = now;
        match turn {
            Turn::Resolved => one.state = State::Resolved { at: now },
            Turn::Reopened => {
                one.state = State::Open;
                one.opened_at = Some(now);
                one.acknowledged = None;
            }
            _ => {}
        }
    }

    fn silence(&mut self, check: &str, from: Timestamp, to: Timestamp) {
        self.silences.push(Silence {
            id: Fingerprint([7; 16]),
            matcher: Matcher {
                checks: vec![check.to_owned()],
                ..Matcher::default()
            },
            window: Window { from, to },
            reason: "planned work".to_owned(),
            by: "mara".to_owned(),
        });
    }
}

fn noon() -> Timestamp {
    at("2026-10-21 10:00")
}

fn later(minutes: i64) -> Timestamp {
    noon() + TimeDelta::minutes(minutes)
}

#[test]
fn every_route_that_speaks_of_an_incident_hears_it() {
    // A route's conditions, and whether it hears of a failing `purchase.volume` of the web that
    // `shop` answers for and of a `sign_up.completeness` warning that `growth` answers for.
    let cases = [
        ("", true, true),
        ("owners = [\"shop\"]", true, false),
        ("owners = [\"growth\", \"shop\"]", true, true),
        ("events = [\"sign_up\"]", false, true),
        ("checks = [\"purchase.*\"]", true, false),
        ("checks = [\"sign_up.completeness\"]", false, true),
        ("sources = [\"web\"]", true, true),
        ("sources = [\"shop\"]", false, false),
        ("level = \"failing\"", true, false),
        ("when = \"primary\"", true, false),
        (
            "owners = [\"growth\"]\nevents = [\"purchase\"]",
            false,
            false,
        ),
    ];
    for (conditions, purchase, sign_up) in cases {
        let routes = format!(
            "[route.some]\nwait = \"0 min\"\nemail = [\"growth\"]\n{conditions}\n{AT_ONCE}"
        );
        let mut desk = Desk::new(&routes)
            .opened("purchase.volume", "web", noon())
            .opened("sign_up.completeness", "web", noon());
        desk.incidents[0].owner = Some(name("shop"));
        desk.incidents[0].primary = true;
        desk.incidents[1].owner = Some(name("growth"));
        desk.incidents[1].status = Status::Warning;
        let decided = desk.decided(noon());
        let hears = |route: &str, nth: usize| {
            decided.iter().any(|one| {
                one.route.as_str() == route && one.incidents[0].id == desk.incidents[nth].id
            })
        };
        assert_eq!(hears("some", 0), purchase, "purchase: {conditions}");
        assert_eq!(hears("some", 1), sign_up, "sign_up: {conditions}");
        assert!(hears("default", 0) && hears("default", 1), "{conditions}");
    }
}

#[test]
fn each_channel_of_a_route_is_told_by_itself() {
    let both = AT_ONCE.replace("email", "webhook = { env = \"HOOK\" }\nemail");
    let mut desk = Desk::new(&both).opened("purchase.volume", "web", noon());
    let decided = desk.decided(noon());
    let channels: Vec<&str> = decided.iter().map(|one| one.channel.as_str()).collect();
    assert_eq!(channels.len(), 2, "{channels:?}");
    // One of the two was told before a kill: only the other is told now.
    desk.told = decided[0].told();
    let again = desk.decided(noon());
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].channel, decided[1].channel);
}

#[test]
fn a_route_without_a_wait_hears_at_once_and_one_with_a_wait_once_it_lasts() {
    let patient = AT_ONCE.replace("0 min", "10 minutes");
    let mut desk = Desk::new(&patient).opened("purchase.volume", "web", noon());
    assert_eq!(desk.tell(noon()), [""; 0]);
    assert_eq!(desk.tell(later(9)), [""; 0]);
    assert_eq!(desk.tell(later(10)), ["default opened"]);
    assert_eq!(desk.tell(later(11)), [""; 0]);
    // What was over within the wait is told once, as past.
    let mut short = Desk::new(&patient).opened("purchase.volume", "web", noon());
    short.turn(Turn::Resolved, Status::Failing, later(5));
    assert_eq!(short.tell(later(6)), ["default past"]);
    assert_eq!(short.tell(later(60)), [""; 0]);
    // And not at all when nobody could be told for a day.
    let mut old = Desk::new(&patient).opened("purchase.volume", "web", noon());
    old.turn(Turn::Resolved, Status::Failing, later(5));
    assert_eq!(old.tell(later(60 * 25)), [""; 0]);
}

#[test]
fn a_life_is_told_turn_by_turn() {
    let mut desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    let mut heard = desk.tell(noon());
    let turns = [
        (Turn::Eased, Status::Warning),
        (Turn::Worsened, Status::Failing),
        (Turn::VerdictChanged, Status::Failing),
        (Turn::Acknowledged, Status::Failing),
        (Turn::Resolved, Status::Failing),
        (Turn::Reopened, Status::Failing),
    ];
    for (hour, (turn, status)) in (1..).zip(turns) {
        desk.turn(turn, status, later(hour * 60));
        heard.extend(desk.tell(later(hour * 60)));
        assert_eq!(desk.tell(later(hour * 60 + 1)), [""; 0], "{turn:?} twice");
    }
    let words: Vec<&str> = heard
        .iter()
        .filter_map(|one| one.strip_prefix("default "))
        .collect();
    assert_eq!(
        words,
        [
            "opened",
            "eased",
            "worsened",
            "verdict_changed",
            "acknowledged",
            "resolved",
            "reopened"
        ]
    );
}

#[test]
fn only_the_newest_turn_is_told_after_an_outage() {
    let mut desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    desk.tell(noon());
    desk.turn(Turn::Eased, Status::Warning, later(10));
    desk.turn(Turn::Worsened, Status::Failing, later(20));
    assert_eq!(desk.tell(later(30)), ["default worsened"]);
}

#[test]
fn quiet_hours_follow_the_wall_clock_through_both_changes() {
    // UTC; Berlin is two hours ahead in summer, one in winter.
    let table = [
        ("20:00-07:00", "2026-10-24 17:59", true), // Saturday 19:59
        ("20:00-07:00", "2026-10-24 18:00", false), // 20:00
        ("20:00-07:00", "2026-10-25 04:59", false), // 05:59 after the change; 06:59 before it
        ("20:00-07:00", "2026-10-25 05:00", false), // 06:00
        ("20:00-07:00", "2026-10-25 06:00", true), // 07:00
        ("20:00-07:00", "2026-10-25 18:30", true), // 19:30
        ("20:00-07:00", "2026-10-25 19:00", false), // 20:00
        // The hour that comes twice is quiet twice.
        ("02:00-03:00", "2026-10-25 00:30", false), // 02:30, first
        ("02:00-03:00", "2026-10-25 01:30", false), // 02:30, second
        ("02:00-03:00", "2026-10-25 02:00", true),  // 03:00
        // The hour that does not exist is never quiet.
        ("02:00-03:00", "2026-03-29 00:59", true),  // 01:59
        ("02:00-03:00", "2026-03-29 01:00", true),  // 03:00
        ("20:00-07:00", "2026-03-29 04:59", false), // 06:59
        ("20:00-07:00", "2026-03-29 05:00", true),  // 07:00
        // Equal ends are the whole day.
        ("00:00-00:00", "2026-10-21 12:00", false),
    ];
    for (quiet, when, told) in table {
        let now = at(when);
        let route = format!("{AT_ONCE}quiet = \"{quiet}\"\n");
        let desk = Desk::new(&route).opened("sign_up.volume", "web", now);
        assert_eq!(!desk.decided(now).is_empty(), told, "{quiet} at {when}");
        let mut primary = desk;
        primary.incidents[0].primary = true;
        assert_eq!(primary.decided(now).len(), 1, "primary, {quiet} at {when}");
    }
}

#[test]
fn what_was_held_in_the_night_is_told_in_the_morning() {
    let route = format!("{AT_ONCE}quiet = \"20:00-07:00\"\n");
    let night = at("2026-10-21 22:00");
    let mut desk = Desk::new(&route).opened("sign_up.volume", "web", night);
    assert_eq!(desk.tell(night), [""; 0]);
    assert_eq!(desk.tell(at("2026-10-22 05:00")), ["default opened"]);
    // Over before the morning: told as past, so that the night's message is not missed.
    let mut over = Desk::new(&route).opened("sign_up.volume", "web", night);
    over.turn(Turn::Resolved, Status::Failing, at("2026-10-22 01:00"));
    assert_eq!(over.tell(at("2026-10-22 02:00")), [""; 0]);
    assert_eq!(over.tell(at("2026-10-22 05:00")), ["default past"]);
}

#[test]
fn it_reminds_while_nobody_took_it() {
    let mut desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    desk.tell(noon());
    let day = 24 * 60;
    assert_eq!(desk.tell(later(day - 1)), [""; 0]);
    assert_eq!(desk.tell(later(day)), ["default reminder"]);
    assert_eq!(desk.tell(later(day + 1)), [""; 0]);
    assert_eq!(desk.tell(later(2 * day)), ["default reminder"]);
    let counts: Vec<u32> = desk.told.iter().map(|told| told.n).collect();
    assert_eq!(counts, [0, 0, 1], "each reminder has an id of its own");
    desk.act(Event::Acknowledged { by: "mara" }, later(2 * day + 5));
    assert_eq!(desk.tell(later(2 * day + 5)), ["default acknowledged"]);
    assert_eq!(desk.tell(later(9 * day)), [""; 0], "whoever took it knows");
    let never = AT_ONCE.replace("wait = \"0 min\"", "wait = \"0 min\"\nremind = \"0 min\"");
    let mut desk = Desk::new(&never).opened("purchase.volume", "web", noon());
    desk.tell(noon());
    assert_eq!(desk.tell(later(30 * day)), [""; 0]);
}

#[test]
fn what_nobody_takes_goes_further_each_time_it_comes() {
    let routes = "[route.desk]\nevents = [\"purchase\"]\nwait = \"0 min\"\nremind = \"0 min\"\nemail = [\"jon@acme.example\"]\nescalate = { after = \"2 hours\", to = \"oncall\" }\n[route.oncall]\nevents = [\"view_item\"]\nemail = [\"mara@acme.example\"]\n";
    let mut desk = Desk::new(routes).opened("purchase.volume", "web", noon());
    assert_eq!(desk.tell(noon()), ["desk opened"]);
    assert_eq!(desk.tell(later(119)), [""; 0]);
    assert_eq!(desk.tell(later(120)), ["oncall escalated"]);
    assert_eq!(desk.tell(later(121)), [""; 0]);
    desk.turn(Turn::Resolved, Status::Failing, later(180));
    assert_eq!(desk.tell(later(180)), ["desk resolved", "oncall resolved"]);
    desk.turn(Turn::Reopened, Status::Failing, later(240));
    let back = desk.tell(later(240));
    assert_eq!(back, ["desk reopened", "oncall reopened"]);
    assert_eq!(desk.tell(later(360)), ["oncall escalated"]);
    // Taken in time, it goes nowhere.
    let mut desk = Desk::new(routes).opened("purchase.volume", "web", noon());
    desk.tell(noon());
    desk.act(Event::Acknowledged { by: "jon" }, later(30));
    assert_eq!(desk.tell(later(30)), ["desk acknowledged"]);
    assert_eq!(desk.tell(later(300)), [""; 0]);
}

#[test]
fn a_silence_ends_honestly() {
    let day = 24 * 60;
    // Opened within the silence and lasting: told once when it ends, with the reason.
    let mut desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    desk.silence("purchase.*", later(-60), later(120));
    assert_eq!(desk.tell(noon()), [""; 0]);
    assert_eq!(desk.tell(later(119)), [""; 0]);
    assert_eq!(desk.tell(later(120)), ["default silence_ended"]);
    assert_eq!(desk.tell(later(121)), [""; 0]);
    // Opened before, ended within: the end is told when the silence is over.
    let mut desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    desk.tell(noon());
    desk.silence("purchase.*", later(10), later(2 * day));
    desk.turn(Turn::Resolved, Status::Failing, later(60));
    assert_eq!(desk.tell(later(60)), [""; 0]);
    assert_eq!(desk.tell(later(2 * day)), ["default resolved"]);
    // Opened and ended within: told as past.
    let mut desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    desk.silence("purchase.*", later(-60), later(120));
    desk.turn(Turn::Resolved, Status::Failing, later(60));
    assert_eq!(desk.tell(later(90)), [""; 0]);
    assert_eq!(desk.tell(later(120)), ["default past"]);
    // A silence of something else holds nothing back.
    let mut desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    desk.silence("sign_up.*", later(-60), later(120));
    assert_eq!(desk.tell(noon()), ["default opened"]);
}

#[test]
fn a_silence_of_the_plan_lasts_both_of_its_days() {
    let silence = "[silence.sale]\nmatch = { events = [\"purchase\"] }\nfrom = 2026-10-20\nto = 2026-10-21\nreason = \"Autumn sale\"\n";
    let mut desk =
        Desk::new(&format!("{AT_ONCE}{silence}")).opened("purchase.volume", "web", noon());
    // The 21st ends in Berlin at 22:00 UTC.
    assert_eq!(desk.tell(at("2026-10-21 21:59")), [""; 0]);
    assert_eq!(desk.tell(at("2026-10-21 22:00")), ["default silence_ended"]);
}

#[test]
fn nothing_is_told_of_a_suspicion() {
    let mut desk = Desk::new(AT_ONCE).opened("purchase.volume", "web", noon());
    desk.incidents[0].state = State::Suspected { strikes: 1 };
    desk.incidents[0].opened_at = None;
    assert_eq!(desk.tell(later(600)), [""; 0]);
    let nobody = Desk::new("").opened("purchase.volume", "web", noon());
    assert_eq!(nobody.decided(later(600)), []);
}
