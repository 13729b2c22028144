//! P6 for mail: busy servers, greylisting, refusals of one or all addresses, connections that break
//! off. A scripted server, the real sender, a clock that is set.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::sim::{Sim, reply};

const START: &str = "2026-10-21 10:00";

const ROUTES: &str = r#"
[mail]
from = "Truecount <t@acme.example>"
smtp = { file = "smtp" }

[route.default]
wait     = "0 min"
remind   = "0 min"
daily    = 1000
email    = ["mara@acme.example", "jo@acme.example"]
fallback = "second"

[route.second]
wait    = "0 min"
sources = ["elsewhere"]
webhook = "https://two.example/hook"

[source.elsewhere]
type = "push"
"#;

/// One mail that was taken whole: recipients and `Message-ID`.
#[derive(Debug, Clone, PartialEq)]
struct Taken {
    to: Vec<String>,
    id: String,
}

/// What the server does; the address or the number of the message decides.
type Rule = Arc<dyn Fn(&str, usize) -> &'static str + Send + Sync>;

#[derive(Clone)]
struct Post {
    address: String,
    taken: Arc<Mutex<Vec<Taken>>>,
    tried: Arc<Mutex<BTreeMap<String, usize>>>,
    recipient: Rule,
    end: Rule,
}

impl Post {
    /// `recipient` answers `RCPT`: it is given the address and how often that came before. `end`
    /// answers the end of the text: it is given the `Message-ID` and how often that came before;
    /// `cut` breaks off in the middle of the text, `silent` after the whole of it.
    async fn open(
        recipient: impl Fn(&str, usize) -> &'static str + Send + Sync + 'static,
        end: impl Fn(&str, usize) -> &'static str + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let post = Self {
            address: format!("smtp://{}?tls=none", listener.local_addr().unwrap()),
            taken: Arc::default(),
            tried: Arc::default(),
            recipient: Arc::new(recipient),
            end: Arc::new(end),
        };
        let own = post.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        post
    }

    fn before(&self, key: &str) -> usize {
        let mut tried = self.tried.lock().unwrap();
        let times = tried.entry(key.to_owned()).or_default();
        *times += 1;
        *times - 1
    }

    async fn serve(&self, mut stream: TcpStream) {
        let (read, mut write) = stream.split();
        let mut lines = BufReader::new(read).lines();
        let (mut to, mut id, mut data) = (Vec::new(), String::new(), false);
        write.write_all(b"220 fake ESMTP\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = if data {
                if let Some(found) = line.strip_prefix("Message-ID: ") {
                    found.clone_into(&mut id);
                }
                if line != "." {
                    let tried = self.tried.lock().unwrap().get(&id).copied();
                    if line.is_empty() && (self.end)(&id, tried.unwrap_or(0)) == "cut" {
                        self.before(&id);
                        return;
                    }
                    continue;
                }
                data = false;
                let answer = match (self.end)(&id, self.before(&id)) {
                    "silent" => {
                        let to = std::mem::take(&mut to);
                        self.taken.lock().unwrap().push(Taken { to, id });
                        return;
                    }
                    other => other,
                };
                if answer.starts_with('2') {
                    let (to, id) = (std::mem::take(&mut to), id.clone());
                    self.taken.lock().unwrap().push(Taken { to, id });
                }
                answer
            } else {
                match line.split([' ', ':']).next().unwrap_or("") {
                    "EHLO" => "250 fake",
                    "RCPT" => {
                        let from = line.find('<').unwrap() + 1;
                        let address = &line[from..line.find('>').unwrap()];
                        let answer = (self.recipient)(address, self.before(address));
                        if answer.starts_with('2') {
                            to.push(address.to_owned());
                        }
                        answer
                    }
                    "MAIL" | "RSET" => {
                        to.clear();
                        "250 fine"
                    }
                    "DATA" => {
                        data = true;
                        "354 go on"
                    }
                    "QUIT" => "221 bye",
                    _ => "250 fine",
                }
            };
            let line = format!("{answer}\r\n");
            if write.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    fn sim(&self) -> Sim {
        let sim = Sim::begin(ROUTES, START, |_| Ok(reply(204, &[])));
        std::fs::write(sim.folder.path().join("smtp"), &self.address).unwrap();
        sim
    }
}

const BOTH: [&str; 2] = ["mara@acme.example", "jo@acme.example"];

#[tokio::test]
async fn a_busy_server_is_tried_again_until_it_takes_the_mail() {
    // The same for a refusal for now of an address (greylisting) and of the whole text.
    let greylist = Post::open(
        |_, before| {
            if before < 3 {
                "451 greylisted, come back"
            } else {
                "250 fine"
            }
        },
        |_, _| "250 queued",
    )
    .await;
    let busy = Post::open(
        |_, _| "250 fine",
        |_, before| {
            if before < 3 {
                "451 disk busy"
            } else {
                "250 queued"
            }
        },
    )
    .await;
    for post in [greylist, busy] {
        let mut sim = post.sim();
        sim.open().await;
        sim.live(TimeDelta::seconds(1)).await;
        assert_eq!(sim.letters("waiting"), 1, "not lost, not dead");
        sim.live(TimeDelta::hours(1)).await;
        assert_eq!((sim.letters("delivered"), sim.letters("dead")), (1, 0));
        let taken = post.taken();
        assert_eq!(taken.len(), 1, "once: {taken:?}");
        assert_eq!(taken[0].to, BOTH);
        assert!(sim.calls().is_empty(), "the fallback hears nothing");
    }
}

#[tokio::test]
async fn a_server_that_is_always_busy_ends_in_a_dead_letter_and_the_fallback() {
    let post = Post::open(|_, _| "450 mailbox busy", |_, _| "250 queued").await;
    let mut sim = post.sim();
    sim.open().await;
    sim.live(TimeDelta::hours(71)).await;
    assert_eq!((sim.letters("waiting"), sim.letters("dead")), (1, 0));
    sim.live(TimeDelta::hours(2)).await;
    assert_eq!((sim.letters("dead"), sim.letters("delivered")), (1, 1));
    assert_eq!(sim.calls().len(), 1, "the fallback is told");
}

#[tokio::test]
async fn a_refusal_is_dead_at_once_and_the_fallback_is_told() {
    let post = Post::open(|_, _| "250 fine", |_, _| "554 looks like spam").await;
    let mut sim = post.sim();
    sim.open().await;
    sim.live(TimeDelta::seconds(5)).await;
    assert_eq!((sim.letters("dead"), sim.letters("delivered")), (1, 1));
    let calls = sim.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].kind(), "incident.opened");
    assert!(post.taken().is_empty());
}

#[tokio::test]
async fn one_wrong_address_keeps_the_mail_from_nobody_else() {
    let post = Post::open(
        |address, _| {
            if address == "mara@acme.example" {
                "550 no such user"
            } else {
                "250 fine"
            }
        },
        |_, _| "250 queued",
    )
    .await;
    let mut sim = post.sim();
    sim.open().await;
    sim.live(TimeDelta::hours(2)).await;
    let taken = post.taken();
    assert_eq!(taken.len(), 1, "once: {taken:?}");
    assert_eq!(taken[0].to, ["jo@acme.example"]);
    // Who was left out is no secret: the letter is listed with the address, the fallback is told.
    assert_eq!(sim.letters("dead"), 1);
    assert_eq!(sim.calls().len(), 1, "the fallback is told");
    let database = rusqlite::Connection::open(sim.folder.path().join("truecount.db")).unwrap();
    let why: String = database
        .query_row("SELECT why FROM letter WHERE state = 'dead'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(
        why.contains("mara@acme.example") && why.contains("550") && !why.contains("jo@"),
        "{why}"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_a_repeat_under_the_same_id_at_most() {
    // In the middle of the text nothing was taken; after it nobody can know.
    for (manner, copies) in [("cut", 1), ("silent", 2)] {
        let post = Post::open(
            |_, _| "250 fine",
            move |_, before| if before == 0 { manner } else { "250 queued" },
        )
        .await;
        let mut sim = post.sim();
        sim.open().await;
        sim.live(TimeDelta::minutes(10)).await;
        assert_eq!((sim.letters("delivered"), sim.letters("dead")), (1, 0));
        let taken = post.taken();
        assert_eq!(taken.len(), copies, "{manner}: {taken:?}");
        assert!(
            taken
                .iter()
                .all(|one| one.id == taken[0].id && one.to == BOTH),
            "{manner}: {taken:?}"
        );
        assert!(taken[0].id.ends_with("@acme.example>"), "{taken:?}");
    }
}
