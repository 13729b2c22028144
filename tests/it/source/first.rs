//! The first pull of HubSpot: how many searches it needs, and that what was read survives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use truecount::clock::{Clock, SystemClock};
use truecount::daemon::{self, Step};
use truecount::model::{AsOf, Grain, Measure, Name, Question, Subject, Window};

use super::bench::{at, example};
use crate::fake::http_api::{Answer, Asked, HttpApi};
use crate::fake::hubspot::{Account, Record, TOKEN, limited, refused, won};
use crate::fake::life::{Life, Stopped};

const NOW: &str = "2026-11-25T12:00:00Z";

/// The days of a first pull.
const DAYS: usize = 120;

/// `a_day` records on each of 150 days, evenly.
fn records(a_day: i64) -> Vec<Record> {
    let newest = at(NOW) - TimeDelta::hours(1);
    let back = |index: i64| newest - TimeDelta::milliseconds(index * 86_400_000 / a_day);
    (0..a_day * 150)
        .rev()
        .map(|index| won(back(index), Some("12.5")))
        .collect()
}

/// The plan of the page over a made-up account, with its contacts and deals.
struct Company {
    api: HttpApi,
    life: Life,
}

/// The plan of the page, over an API of ours.
fn plan(api: &HttpApi) -> String {
    let page = include_str!("../../../docs/sources/hubspot.md");
    let plan = example(page, "toml")
        .replace(
            "token = { env = \"HUBSPOT_TOKEN\" }",
            &format!(
                "token = {{ file = \"token\" }}\nbase_url = \"{}\"",
                api.address
            ),
        )
        .replace("hs_lifecyclestage_salesqualifiedlead_date", "createdate");
    format!("{plan}\n[net]\nallow_private = [\"127.0.0.1\"]\n")
}

async fn company(
    a_day: i64,
    rule: impl Fn(&Asked, usize) -> Option<Answer> + Send + Sync + 'static,
) -> Company {
    let records = if a_day == 0 {
        Vec::new()
    } else {
        records(a_day)
    };
    let clock = Stopped::at(at(NOW));
    let api = Account::of(records.clone(), Arc::clone(&clock) as Arc<dyn Clock>)
        .and("contacts", records)
        .instead(rule)
        .start()
        .await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    let life = Life::on(folder, &plan(&api), clock).await;
    Company { api, life }
}

impl Company {
    /// Pulls once; why it failed.
    async fn pull(&self) -> Option<String> {
        let world = &self.life.world;
        let (name, tap) = world.taps.first_key_value().unwrap();
        let now = world.clock.now();
        let step = daemon::pull(world, tap, now).await.unwrap();
        assert_eq!(step, Step::Worked);
        let pulls = world.store.pulls().await.unwrap();
        pulls[name].0.failure.clone()
    }

    /// Days of which the count of an event is known.
    async fn known(&self, event: &str) -> usize {
        let world = &self.life.world;
        let source = Name::clean("hubspot");
        let event = Name::clean(event);
        let mapping = world.plan.mapping(&event, &source).unwrap().clone();
        let subject = Subject::Event(event);
        let question = Question::total(&source, subject, mapping, Measure::Count, Grain::Day);
        let now = world.clock.now();
        let window = Window {
            from: now - TimeDelta::days(400),
            to: now + TimeDelta::days(1),
        };
        let found = world
            .store
            .history(&[question], window, AsOf::Time(now))
            .await;
        found.unwrap()[0].values().map(Vec::len).sum()
    }

    fn asked(&self) -> usize {
        self.api.asked().len()
    }
}

/// The table of docs/sources/hubspot.md, measured.
#[tokio::test]
async fn the_page_says_how_many_searches_a_first_pull_needs() {
    let page = include_str!("../../../docs/sources/hubspot.md");
    let mut rows = String::new();
    for a_day in [0, 1, 10, 100, 1_000] {
        let company = company(a_day, |_, _| None).await;
        let began = company.life.world.clock.now();
        assert_eq!(company.pull().await, None);
        let (searches, took) = (company.asked(), company.life.world.clock.now() - began);
        let took = (took.num_milliseconds() + 500) / 1_000;
        assert_eq!(company.known("sql").await, DAYS, "{a_day} a day");
        assert_eq!(company.pull().await, None);
        let again = company.asked() - searches;
        rows.push_str(&format!("| {a_day} | {searches} | {took} s | {again} |\n"));
    }
    println!("{rows}");
    assert!(page.contains(&rows), "the page should hold\n{rows}");
}

/// What an interrupted pull read is not read again.
#[tokio::test]
async fn a_limit_in_the_middle_keeps_what_was_read_and_the_next_pull_goes_on() {
    let whole = company(1_000, |_, _| None).await;
    assert_eq!(whole.pull().await, None);
    let all = whole.asked();
    // Two thirds of the way the day's limit is used up.
    let end = all * 2 / 3;
    let spent = move |_: &Asked, before: usize| (before == end).then(|| limited("DAILY"));
    let company = company(1_000, spent).await;
    let why = company.pull().await.unwrap();
    assert!(why.contains("daily limit"), "{why}");
    assert_eq!(company.asked(), end + 1);
    let known = [company.known("deal_won").await, company.known("sql").await];
    assert!(known.contains(&DAYS), "whole questions are kept: {known:?}");
    let tomorrow = company.life.world.clock.now() + TimeDelta::days(1);
    company.life.world.clock.sleep_until(tomorrow).await;
    assert_eq!(company.pull().await, None, "the next pull goes on");
    let again = company.asked() - end - 1;
    assert!(
        again < all * 2 / 3,
        "{again} after {end}, where a whole pull takes {all}"
    );
    assert!(company.known("deal_won").await > DAYS);
    assert!(company.known("sql").await >= DAYS);
}

/// A kill is a limit without a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_keeps_what_was_read() {
    let company = company(1_000, |_, _| None).await;
    tokio::select! {
        _ = company.pull() => panic!("it should be killed before its end"),
        () = async {
            while company.known("deal_won").await == 0 && company.known("sql").await == 0 {
                tokio::task::yield_now().await;
            }
        } => (),
    }
    let before = company.asked();
    let known = company
        .known("deal_won")
        .await
        .max(company.known("sql").await);
    assert_eq!(known, DAYS);
    assert_eq!(company.pull().await, None);
    let whole = company.asked() - before;
    assert_eq!(company.known("deal_won").await, DAYS);
    assert_eq!(company.known("sql").await, DAYS);
    // The question that was cut off, and the newest days of the one that was kept.
    assert!(whole < before + 10, "{before} searches, then {whole}");
}

/// Days between the ends of a search.
fn days(asked: &Asked) -> i64 {
    let end = |key: &str| -> i64 {
        let rest = asked.body.split(key).nth(1).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    (end("\"highValue\":\"") - end("\"value\":\"")) / 86_400_000
}

/// `kill -9` of the real program in the middle of its first pull.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_killed_process_goes_on_where_it_was() {
    let now = SystemClock::start().now();
    let records: Vec<Record> = (1..=60)
        .rev()
        .map(|day| won(now - TimeDelta::days(day), Some("12.5")))
        .collect();
    // The second search never comes to its end before the kill.
    let (killed, gate) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (open, at_gate) = (Arc::clone(&killed), Arc::clone(&gate));
    let api = Account::of(records.clone(), Arc::new(SystemClock::start()))
        .and("contacts", records)
        .instead(move |_, before| {
            while before == 1 && !open.load(Ordering::SeqCst) {
                at_gate.store(true, Ordering::SeqCst);
                std::thread::yield_now();
            }
            None
        })
        .start()
        .await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    std::fs::write(folder.path().join("truecount.toml"), plan(&api)).unwrap();
    let pull = move || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_truecount"));
        command.current_dir(folder.path()).arg("pull").env_clear();
        command.env("SLACK_WEBHOOK_URL", "https://hooks.slack.example/x");
        command
    };
    let mut child = pull().spawn().unwrap();
    while !gate.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
        assert!(
            child.try_wait().unwrap().is_none(),
            "it should wait for the second answer"
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
    killed.store(true, Ordering::SeqCst);
    let again = tokio::task::spawn_blocking(move || pull().output().unwrap());
    let again = again.await.unwrap();
    assert!(again.status.success(), "{again:?}");
    let asked = api.asked();
    let windows: Vec<i64> = asked.iter().map(days).collect();
    assert_eq!(windows.len(), 4, "{windows:?}");
    assert!(windows[0] > 100 && windows[1] > 100, "{windows:?}");
    let mut rest = windows[2..].to_vec();
    rest.sort_unstable();
    assert!(rest[0] < 7, "what was kept is not read again: {windows:?}");
    assert!(rest[1] > 100, "what was cut off is: {windows:?}");
}

/// One scope is missing: what may be read is read, and the failure names the scope.
#[tokio::test]
async fn a_missing_scope_of_one_object_closes_no_other() {
    let closed = |asked: &Asked, _: usize| {
        let why = "not granted";
        let deals = asked.path.contains("/deals/");
        deals.then(|| refused(403, "MISSING_SCOPES", why))
    };
    let company = company(1, closed).await;
    for _ in 0..2 {
        let why = company.pull().await.unwrap();
        assert!(why.contains("crm.objects.deals.read"), "{why}");
        assert_eq!(company.known("sql").await, DAYS);
        assert_eq!(company.known("deal_won").await, 0, "no zeros");
    }
    assert_eq!(company.asked(), 4, "each question once a pull");
}

/// A token that nobody knows is shown once.
#[tokio::test]
async fn a_wrong_token_is_shown_once_a_pull() {
    let unknown = |_: &Asked, _: usize| Some(refused(401, "EXPIRED_AUTHENTICATION", "expired"));
    let company = company(1, unknown).await;
    let why = company.pull().await.unwrap();
    assert!(why.contains("does not accept the token"), "{why}");
    assert_eq!(company.asked(), 1);
    let pulls = company.life.world.store.pulls().await.unwrap();
    assert!(
        pulls.values().all(|(pull, _)| pull.refused),
        "a person must act"
    );
}
