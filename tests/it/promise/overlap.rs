//! P9: a source that answers slower than its period, or never, is asked once at a time; others are
//! on time, and what was missed meanwhile is one pull, not a burst. A pull by hand keeps to it too.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{Days, TimeDelta, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use truecount::model::{Schedule, Timestamp};

use super::rig::receiver::Receiver;
use super::rig::{PATIENCE, Rig};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

/// The period of every source but those of people, in seconds.
const PERIOD: i64 = 5;

/// How long the slow and the hanging source are watched.
const WATCHED: Duration = Duration::from_mins(1);

/// What one source was asked.
#[derive(Default)]
struct Book {
    now: usize,
    most: usize,
    calls: usize,
    /// `None` never answers.
    delay: Option<Duration>,
}

/// A shop whose paths are the sources.
#[derive(Clone)]
struct Shop {
    address: String,
    books: Arc<Mutex<BTreeMap<String, Book>>>,
}

impl Shop {
    async fn open(sources: &[(&str, Option<Duration>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let book = |delay| Book {
            delay,
            ..Book::default()
        };
        let books = sources
            .iter()
            .map(|(name, delay)| ((*name).to_owned(), book(*delay)));
        let shop = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            books: Arc::new(Mutex::new(books.collect())),
        };
        let own = shop.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        shop
    }

    fn with<T>(&self, source: &str, look: impl FnOnce(&mut Book) -> T) -> T {
        look(self.books.lock().unwrap().get_mut(source).unwrap())
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut head = vec![0; 16_384];
        let Ok(length @ 1..) = stream.read(&mut head).await else {
            return;
        };
        let head = String::from_utf8_lossy(&head[..length]).into_owned();
        let path = head.split_whitespace().nth(1).unwrap();
        let source = path.trim_start_matches('/').to_owned();
        let delay = self.with(&source, |book| {
            book.calls += 1;
            book.now += 1;
            book.most = book.most.max(book.now);
            book.delay
        });
        match delay {
            Some(delay) => {
                tokio::time::sleep(delay).await;
                // Over before the other side can know of it.
                self.with(&source, |book| book.now -= 1);
                stream.write_all(&answer()).await.unwrap_or_default();
            }
            None => {
                // Until the other side goes.
                while let Ok(1..) = stream.read(&mut [0; 1_024]).await {}
                self.with(&source, |book| book.now -= 1);
            }
        }
    }
}

fn answer() -> Vec<u8> {
    let row = |ago| {
        let day = Utc::now().date_naive() - Days::new(ago);
        format!(r#"{{"date":"{day}","kind":"order","count":41}}"#)
    };
    let rows: Vec<String> = (1..=42).map(row).collect();
    let body = format!(r#"{{"data":[{}],"next":null}}"#, rows.join(","));
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// One pull as the database keeps it.
struct Kept {
    slot: Timestamp,
    from: Timestamp,
    to: Timestamp,
}

fn pulls(rig: &Rig, source: &str) -> Vec<Kept> {
    let database = rig.database();
    let mut statement = database
        .prepare("SELECT at, row FROM pull WHERE source = ?1 ORDER BY number")
        .unwrap();
    let rows = statement
        .query_map([source], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .unwrap();
    rows.map(|row| {
        let (at, text) = row.unwrap();
        let row: serde_json::Value = serde_json::from_str(&text).unwrap();
        let time = |millis| Timestamp::from_timestamp_millis(millis).unwrap();
        Kept {
            slot: time(row["slot"].as_i64().unwrap()),
            from: time(at - row["took"].as_i64().unwrap()),
            to: time(at),
        }
    })
    .collect()
}

fn plan(rig: &Rig, shop: &Shop, sources: &[(&str, &str)]) -> String {
    let mut plan = rig.plan("wait = \"0 min\"");
    for (name, cron) in sources {
        writeln!(
            plan,
            "[source.{name}]\ntype = \"http\"\nbase_url = \"{}\"\ncron = \"{cron}\"\nrequest = {{ path = \"/{name}\" }}\n\
             rows = \"$.data[*]\"\nevent = \"kind\"\nnext = \"next\"\n[event.of_{name}]\nin.{name} = \"order\"",
            shop.address
        )
        .unwrap();
    }
    plan
}

/// `truecount pull SOURCE` beside the daemon: whether it said that it pulled, and what it said.
async fn by_hand(rig: &Rig, source: &str) -> (bool, String) {
    let mut command = rig.command(&["pull", source]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    let done = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let done = done.await.unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    (done.status.success(), said)
}

async fn overlaps(rig: &Rig) -> i64 {
    let text = rig.get("/metrics").await.unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("truecount_overlaps_total"));
    let line = line.unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Never two at once, slots rise, and each begins after the one before has ended.
fn one_after_the_other(rig: &Rig, shop: &Shop, source: &str) -> Vec<Kept> {
    assert_eq!(
        shop.with(source, |book| book.most),
        1,
        "{source} is asked by one at a time: {}",
        rig.log()
    );
    let kept = pulls(rig, source);
    for two in kept.windows(2) {
        assert!(
            two[0].slot < two[1].slot,
            "{source}: {} then {}",
            two[0].slot,
            two[1].slot
        );
        // `took` is cut to whole milliseconds.
        let apart = two[1].from - two[0].to;
        assert!(apart >= TimeDelta::milliseconds(-5), "{source}: {apart}");
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_and_a_hanging_source_are_asked_once_at_a_time_and_delay_nobody() {
    let often = format!("*/{PERIOD} * * * * *");
    let shop = Shop::open(&[
        ("slow", Some(Duration::from_secs(17))),
        ("hang", None),
        ("quick", Some(Duration::ZERO)),
    ])
    .await;
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let sources = [
        ("slow", often.as_str()),
        ("hang", often.as_str()),
        ("quick", often.as_str()),
    ];
    rig.write("truecount.toml", &plan(&rig, &shop, &sources));
    let daemon = rig.serve().await;
    let begun = Instant::now();
    tokio::time::sleep(WATCHED).await;
    let skipped = overlaps(&rig).await;
    let slots = i64::try_from(begun.elapsed().as_secs()).unwrap() / PERIOD;
    // It answers at once again: what was missed is one pull, then slot by slot.
    shop.with("slow", |book| book.delay = Some(Duration::ZERO));
    let before = shop.with("slow", |book| book.calls);
    let room = Duration::from_secs(30);
    tokio::time::sleep(room).await;
    let after = shop.with("slow", |book| book.calls) - before;
    let stopped = daemon.end("TERM").await;
    assert!(stopped.0.success(), "{}", rig.log());

    let slow = one_after_the_other(&rig, &shop, "slow");
    let in_time = slow
        .iter()
        .filter(|one| one.to - one.from > TimeDelta::seconds(15));
    let slow_ones = in_time.count();
    assert!(
        (2..=5).contains(&slow_ones),
        "{slow_ones} slow pulls in {WATCHED:?}"
    );
    let most = usize::try_from(room.as_secs()).unwrap() / 5 + 2;
    assert!(
        (2..=most).contains(&after),
        "{after} calls in {room:?} are one a slot, not a burst"
    );
    one_after_the_other(&rig, &shop, "hang");
    let hung = shop.with("hang", |book| book.calls);
    assert!(
        (1..=4).contains(&hung),
        "{hung} calls that nobody answers: each is waited for, then given up"
    );

    // The quick one has each of its slots, at its time.
    let quick = one_after_the_other(&rig, &shop, "quick");
    let jitter = Schedule::jitter("pull:quick", TimeDelta::seconds(20));
    let late = quick.iter().skip(1).map(|one| one.from - one.slot - jitter);
    let mut late: Vec<TimeDelta> = late.collect();
    late.sort();
    let (middle, worst) = (late[late.len() / 2], *late.last().unwrap());
    println!(
        "quick: {} pulls, late by {middle} in the middle, {worst} at worst; {skipped} slots skipped",
        quick.len()
    );
    assert!(middle < TimeDelta::seconds(1), "{middle} late");
    assert!(worst < TimeDelta::seconds(PERIOD * 3), "{worst} late");
    let expected = (begun.elapsed().as_secs() - 25) / 5;
    assert!(
        quick.len() as u64 >= expected * 3 / 5,
        "{} of {expected} slots",
        quick.len()
    );
    // A skipped slot counts once, however often it was looked at meanwhile.
    assert!(
        (slots / 2..=slots * 2 + 2).contains(&skipped),
        "{skipped} skipped of {slots} slots of each"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_by_hand_and_the_daemon_take_turns() {
    // A pull by hand counts for the slots before it, so a name whose slots are hardly shifted.
    let most = TimeDelta::seconds(20);
    let mut names = (0..).map(|number| format!("turns{number}"));
    let prompt = |name: &String| {
        Schedule::jitter(&format!("pull:{name}"), most) < TimeDelta::milliseconds(400)
    };
    let turns = names.find(prompt).unwrap();
    let turns = turns.as_str();
    let shop = Shop::open(&[
        ("hand", Some(Duration::from_secs(4))),
        (turns, Some(Duration::from_secs(3))),
    ])
    .await;
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let sources = [("hand", "0 0 4 1 1 *"), (turns, "*/10 * * * * *")];
    rig.write("truecount.toml", &plan(&rig, &shop, &sources));
    let daemon = rig.serve().await;
    // The daemon is at it, for the first time.
    let begun = Instant::now();
    while shop.with("hand", |book| book.now) == 0 {
        assert!(begun.elapsed() < PATIENCE, "{}", rig.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (good, said) = by_hand(&rig, "hand").await;
    assert!(good, "{said}");
    assert!(
        said.contains("another process is pulling it"),
        "it says why it waits: {said}"
    );
    assert_eq!(
        one_after_the_other(&rig, &shop, "hand").len(),
        2,
        "the daemon's, then ours: {said}"
    );
    // The daemon's slots fall into pulls by hand, and the other way round.
    let mut ours = 0;
    while ours < 15 && pulls(&rig, turns).len() < ours + 4 {
        let (good, said) = by_hand(&rig, turns).await;
        assert!(good && said.contains(turns), "{said}");
        ours += 1;
        // The daemon looks again after five seconds at what somebody else held.
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    assert!(daemon.end("TERM").await.0.success());
    let all = one_after_the_other(&rig, &shop, turns).len();
    assert!(
        ours >= 2 && all >= ours + 3,
        "{all} pulls, {ours} of them by hand: both come to it"
    );
}
