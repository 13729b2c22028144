//! Mail: what a server's words mean, and headers that no name can break.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use truecount::model::Fingerprint;
use truecount::net::{MailError, send_mail};
use truecount::notify::Reason;
use truecount::render::mail::{self, Envelope};

use super::super::made::{self, at};
use super::bench::told;

/// A server that answers `RCPT` and the end of `DATA` by script; what it got comes back.
async fn server(recipient: &'static str, end: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("smtp://{}?tls=none", listener.local_addr().unwrap());
    let got: Arc<Mutex<String>> = Arc::default();
    let kept = Arc::clone(&got);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (read, mut write) = stream.split();
            let mut lines = BufReader::new(read).lines();
            let mut data = false;
            write.write_all(b"220 fake ESMTP\r\n").await.unwrap();
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = match line.split(' ').next().unwrap_or("") {
                    "." if data => {
                        data = false;
                        end
                    }
                    _ if data => {
                        kept.lock().unwrap().extend([line.as_str(), "\n"]);
                        continue;
                    }
                    "EHLO" => "250 fake",
                    "RCPT" => recipient,
                    "DATA" => {
                        data = true;
                        "354 go on"
                    }
                    "QUIT" => "221 bye",
                    _ => "250 fine",
                };
                if write
                    .write_all(format!("{answer}\r\n").as_bytes())
                    .await
                    .is_err()
                {
                    break;
                }
            }
        }
    });
    (address, got)
}

#[tokio::test]
async fn four_hundreds_wait_and_five_hundreds_are_final() {
    let cases = [
        ("250 fine", "250 queued as 7", "yes"),
        ("450 mailbox busy", "250 queued", "wait"),
        ("452 no room", "250 queued", "wait"),
        ("250 fine", "451 try later", "wait"),
        ("550 no such user", "250 queued", "refused"),
        ("250 fine", "554 looks like spam", "refused"),
    ];
    for (recipient, end, expected) in cases {
        let (address, got) = server(recipient, end).await;
        let body = b"Subject: x\r\n\r\n.a line that begins with a dot\r\n";
        let outcome = send_mail(&address, "a@acme.example", &["b@acme.example"], body).await;
        let word = match &outcome {
            Ok(_) => "yes",
            Err(MailError::Wait(_)) => "wait",
            Err(MailError::Refused(_)) => "refused",
        };
        assert_eq!(word, expected, "{recipient} / {end}: {outcome:?}");
        if expected == "yes" {
            let got = got.lock().unwrap().clone();
            assert!(got.contains("..a line"), "dots are stuffed: {got}");
        }
    }
    let nobody = send_mail(
        "smtp://127.0.0.1:1?tls=none",
        "a@acme.example",
        &["b@acme.example"],
        b"x",
    )
    .await;
    assert!(matches!(nobody, Err(MailError::Wait(_))), "{nobody:?}");
    let (plain, _) = server("250 fine", "250 fine").await;
    let insists = plain.replace("none", "required");
    let outcome = send_mail(&insists, "a@acme.example", &["b@acme.example"], b"x").await;
    assert!(
        outcome.is_err(),
        "a server without STARTTLS gets nothing when it is required"
    );
}

#[test]
fn no_name_breaks_a_header_or_leaves_the_thread() {
    let plan = made::plan("");
    let mut one = made::opened(&plan, "purchase.volume", "web", 42, at("2026-10-21 10:00"));
    one = super::hostile(one, 1);
    let many = (0..3).map(|nth| super::hostile(one.clone(), nth)).collect();
    let digest = mail::write(&plan, &told(Reason::Digest, many));
    let words = mail::write(&plan, &told(Reason::Opened, vec![one]));
    let to = ["\"Mara\r\nBcc: x@evil.example\" <mara@acme.example>".to_owned()];
    let froms = [
        "Truecount <t@acme.example>",
        "Bot\r\nX-Evil: 1 <t@acme.example>",
        "Zoë (ops) <t@acme.example>",
        "t@acme.example",
    ];
    for from in froms {
        let envelope = Envelope {
            from,
            to: &to,
            id: Fingerprint([2; 16]),
            thread: Some(Fingerprint([1; 16])),
            at: at("2026-10-21 10:00"),
        };
        // A name that no mail can carry is refused in words; it never panics and never passes.
        let Ok(message) = mail::message(&words, &envelope) else {
            continue;
        };
        let text = String::from_utf8(message).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        for line in head.split("\r\n") {
            assert!(
                !line.starts_with("Bcc") && !line.starts_with("X-Evil"),
                "{head}"
            );
        }
        let id = |byte: u8| Fingerprint([byte; 16]).hex();
        for needed in [
            format!("Message-ID: <{}@acme.example>", id(2)),
            format!("References: <{}@acme.example>", id(1)),
            format!("In-Reply-To: <{}@acme.example>", id(1)),
            "Auto-Submitted: auto-generated".to_owned(),
        ] {
            assert!(head.contains(&needed), "no `{needed}` in\n{head}");
        }
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 998));
    }
    for html in [&words.html, &digest.html] {
        assert!(
            !html.contains("<script>") && html.contains("&lt;"),
            "{html}"
        );
    }
}
