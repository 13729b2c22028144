//! Receivers of letters that answer nonsense: over HTTP by script, over SMTP through a real connection.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use truecount::app::Project;
use truecount::deliver::{Channel, Desk, KINDS, Means, SendError};
use truecount::model::{Name, Timestamp};
use truecount::net::{NetError, Reply, Request, Transport};
use truecount::notify::{Letter, Notification, Reason};
use truecount::plan::Decl;

use super::mutate::{Dice, body, text};

/// One route with a channel of every kind, and of both kinds of Slack.
pub(crate) const ROUTES: &str = r#"
[mail]
from = "Truecount <truecount@acme.example>"
smtp = { env = "SMTP" }
[route.default]
slack = { env = "SLACK" }
webhook = { url = { env = "SLACK" } }
teams = { env = "SLACK" }
discord = { env = "DISCORD" }
google_chat = { env = "SLACK" }
pagerduty = { env = "TOKEN" }
telegram = { token = { env = "TOKEN" }, chat = "-1001" }
ntfy = { to = { env = "TOKEN" }, token = { env = "SECOND" }, base_url = "https://ntfy.example" }
alertmanager = { to = "https://alerts.example", token = { env = "SECOND" } }
email = ["mara@acme.example"]
[route.bot]
slack = { token = { env = "SECOND" }, channel = "C0123456" }
"#;

/// Secrets of the routes. Who answers them gets them back masked.
pub(crate) const SECRETS: &[(&str, &str)] = &[
    ("SLACK", "https://hooks.example/services/canaryhookcanary"),
    (
        "DISCORD",
        "https://discord.example/api/webhooks/1/canarydiscord",
    ),
    ("SECOND", "canarysecond-token"),
];

/// Every channel of the plan, with the key of its route.
pub(crate) fn channels(project: &Project) -> Vec<(Name, Box<dyn Channel>)> {
    let plan = &project.plan;
    let mut found = Vec::new();
    for route in &plan.routes {
        for declared in &route.channels {
            let kind = KINDS.iter().find(|kind| kind.name == declared.kind);
            let decl = Decl {
                name: Name::clean(&format!("{}/{}", route.name, declared.kind)),
                kind: declared.kind.clone(),
                span: declared.span,
                section: declared.section.clone(),
            };
            let built = (kind.expect("a kind").build)(&decl, plan);
            let Ok(channel) = built else {
                panic!("{} cannot be built", decl.name)
            };
            found.push((decl.name, channel));
        }
    }
    assert_eq!(found.len(), KINDS.len() + 1, "a kind without a channel");
    found
}

/// Sends one letter by one channel and holds what comes of it against the laws: a receipt and a
/// reason are one short line without secrets, a wait goes forward.
pub(crate) async fn send(
    channel: &dyn Channel,
    project: &Project,
    means: &Means,
    now: Timestamp,
    dice: &mut Dice,
) {
    let letter = letter(channel, project, now, dice);
    let receipts = ["ts 1767225600.000100", "message 7", "key x", "ok", ""];
    let earlier: Vec<String> = (0..dice.below(3))
        .map(|_| text(dice.pick(&receipts), dice))
        .collect();
    let told = if dice.below(8) == 0 && channel.receiver() != "mara@acme.example" {
        channel.probe(means).await
    } else {
        channel.send(&letter, &earlier, now, means).await
    };
    let line = match &told {
        Ok(receipt) => receipt,
        Err(SendError::Refused { why }) => why,
        Err(SendError::Wait { after, why }) => {
            assert!(after.is_none_or(|after| after >= chrono::TimeDelta::zero()));
            why
        }
    };
    let short = line.chars().count() < 500 && !line.chars().any(char::is_control);
    assert!(short, "not one short line: {told:?}");
    assert!(!line.contains("canary"), "a secret came back: {line}");
}

fn letter(channel: &dyn Channel, project: &Project, now: Timestamp, dice: &mut Dice) -> Letter {
    let notification = Notification {
        route: Name::clean("hook"),
        channel: Name::clean("hook/0/x"),
        reason: Reason::Trouble,
        n: 0,
        incidents: Vec::new(),
        at: now,
        remark: "the disk is full".to_owned(),
    };
    let id = &project.plan.project.id;
    let desk = Desk {
        plan: &project.plan,
        id: notification.letter_id(id),
        thread: None,
        now,
    };
    let mut letter = notification.letter(id, channel.letter(&notification, &desk), 0);
    // Only some reasons change the first message of a thread.
    if dice.below(2) == 0 {
        letter.reason = Reason::Resolved;
    }
    letter
}

/// A receiver over HTTP: mostly a bent answer of some vendor, now and then the caller's own words.
pub(crate) struct Receiver(pub(crate) Mutex<Dice>);

#[async_trait]
impl Transport for Receiver {
    async fn call(&self, request: &Request) -> Result<Reply, NetError> {
        let mut dice = self.0.lock().expect("nobody else holds it");
        if dice.below(20) == 0 {
            return Err(NetError::Unreachable {
                host: request.host(),
                why: "the answer broke off".to_owned(),
            });
        }
        let good = answers(dice.below(8));
        let bytes = match dice.below(8) {
            0 => good.to_string().into_bytes(),
            1 => text("ok", &mut dice).into_bytes(),
            2 => echo(request, &mut dice),
            _ => body(&good, &mut dice),
        };
        let statuses = [
            200, 200, 200, 200, 202, 204, 302, 400, 401, 403, 404, 408, 410, 425, 429, 477, 500,
            503,
        ];
        let waits = [
            "120",
            "0",
            "4294967295",
            "1.5",
            "Wed, 21 Oct 2026 07:28:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ];
        let wait = dice.pick(&waits);
        let wait = text(wait, &mut dice).replace(char::is_control, "");
        Ok(Reply {
            status: statuses[dice.below(statuses.len())],
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("retry-after".to_owned(), wait),
            ],
            body: bytes,
        })
    }
}

/// What the vendors answer, good and bad.
fn answers(nth: usize) -> Value {
    match nth {
        0 => json!({ "ok": true, "ts": "1767225600.000100", "channel": "C0123456" }),
        1 => json!({ "ok": false, "error": "channel_not_found" }),
        2 => json!({ "status": "success", "dedup_key": "a", "message": "Event processed" }),
        3 => {
            json!({ "status": "invalid event", "message": "Event object is invalid", "errors": ["Length of 'routing_key' is incorrect"] })
        }
        4 => {
            json!({ "ok": true, "result": { "message_id": 7, "username": "truecount_bot" }, "parameters": { "retry_after": 5, "migrate_to_chat_id": -1001 } })
        }
        5 => {
            json!({ "id": "1", "name": "spaces/S/messages/M", "message": "You are being rate limited.", "retry_after": 0.529, "code": 20 })
        }
        6 => json!({ "error": { "code": 403, "message": "The caller does not have permission" } }),
        _ => {
            json!({ "ok": false, "error": "ratelimited", "description": "Too Many Requests", "code": 42901, "http": 429 })
        }
    }
}

/// The call itself as an error, as gateways write it.
fn echo(request: &Request, dice: &mut Dice) -> Vec<u8> {
    let headers: Vec<String> = request
        .headers
        .iter()
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    let said = format!(
        "{}no rule for {} {}",
        " ".repeat(dice.below(300)),
        request.url,
        headers.join(" ")
    );
    let sent = String::from_utf8_lossy(&request.body).into_owned();
    match dice.below(4) {
        0 => said.into_bytes(),
        1 => sent.into_bytes(),
        2 => json!({ "ok": false, "error": said, "description": said, "message": said, "errors": [said] }).to_string().into_bytes(),
        _ => json!({ "ok": true, "ts": said, "id": said, "name": said, "status": "success", "dedup_key": said }).to_string().into_bytes(),
    }
}

/// A mail server on loopback that answers by dice; the port is its own for the whole run.
pub(crate) struct MailServer {
    pub(crate) address: String,
    dice: Arc<Mutex<Dice>>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let dice = Arc::new(Mutex::new(Dice::new(0)));
        let shared = Arc::clone(&dice);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seed = shared.lock().expect("nobody else holds it").next();
                // Who goes away in the middle is part of the game.
                converse(stream, &mut Dice::new(seed))
                    .await
                    .unwrap_or_default();
            }
        });
        Self {
            address: format!("smtp://mara:canarymailword@127.0.0.1:{port}"),
            dice,
        }
    }

    /// The next conversation follows this seed.
    pub(crate) fn seed(&self, seed: u64) {
        *self.dice.lock().expect("nobody else holds it") = Dice::new(seed);
    }
}

/// A conversation in which replies are bent. After a bent one that the client waits on, the server hangs up.
async fn converse(mut stream: TcpStream, dice: &mut Dice) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let mut data = false;
    let mut reply = "220 fake ESMTP\r\n".to_owned();
    loop {
        let bent = dice.below(5) == 0;
        if bent {
            reply = text(&reply, dice);
        }
        write.write_all(reply.as_bytes()).await?;
        let pause = std::time::Duration::from_millis(if bent { 10 } else { 2_000 });
        loop {
            let Ok(Ok(Some(line))) = tokio::time::timeout(pause, lines.next_line()).await else {
                return Ok(());
            };
            if !data || line == "." {
                reply = next_reply(&line, &mut data, dice);
                break;
            }
        }
    }
}

fn next_reply(line: &str, data: &mut bool, dice: &mut Dice) -> String {
    let odd = [
        "421 4.3.2 closing\r\n",
        "451 try later\r\n",
        "550-no such user\r\n550-mara:canarymailword\r\n550 5.1.1 here\r\n",
        "554 canarymailword is wrong\r\n",
        "999 what\r\n",
        "250-only a beginning\r\n",
        "\r\n",
        "25\r\n",
    ];
    if dice.below(8) == 0 {
        return dice.pick(&odd).to_owned();
    }
    let word = line.split(' ').next().unwrap_or("");
    match word {
        "." if *data => {
            *data = false;
            "250 2.0.0 queued as canarymailword\r\n".to_owned()
        }
        "EHLO" => "250-fake\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n".to_owned(),
        "DATA" => {
            *data = true;
            "354 go on\r\n".to_owned()
        }
        "AUTH" => "235 2.7.0 in\r\n".to_owned(),
        "QUIT" => "221 bye\r\n".to_owned(),
        _ => "250 fine\r\n".to_owned(),
    }
}
