//! Mails through a real server: STARTTLS, TLS, refusals, and the weekly audit as it arrives.

use std::fs;
use std::path::PathBuf;

use super::process::{Shop, awaited};

struct Server {
    facts: serde_json::Value,
}

impl Server {
    fn new() -> Self {
        let text = std::env::var("TRUECOUNT_TEST_SMTP").expect(
            "TRUECOUNT_TEST_SMTP is not set: run `bash tests/run`, or take it from `bash tests/run --components`",
        );
        Self {
            facts: serde_json::from_str(&text).unwrap(),
        }
    }

    fn fact(&self, key: &str) -> &str {
        self.facts[key].as_str().unwrap()
    }

    /// An address with the right password.
    fn address(&self, scheme: &str, port: &str, query: &str) -> String {
        let password = self.fact("password").replace(' ', "%20");
        format!(
            "{scheme}://{}:{password}@{}:{}{query}",
            self.fact("user"),
            self.fact("host"),
            self.facts[port]
        )
    }

    /// The newest mail to an address.
    fn mail_to(&self, to: &str) -> Option<String> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.fact("spool"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "eml"))
            .collect();
        files.sort();
        files
            .into_iter()
            .rev()
            .map(|path| fs::read_to_string(path).unwrap())
            .find(|mail| {
                let line = mail.lines().nth(1).unwrap_or_default();
                line == format!("X-Envelope-To: {to}")
            })
    }
}

fn shop(server: &Server, to: &str, url: &str) -> Shop {
    let more = format!(
        "[mail]\nfrom = \"Truecount <truecount@acme.example>\"\nsmtp = {{ env = \"SMTP\" }}\n[route.default]\nwait = \"0 min\"\nemail = [\"{to}\"]\n[report.weekly]\nto = [\"{to}\"]\n"
    );
    Shop::new(&more)
        .set("SMTP", url)
        .set("SSL_CERT_FILE", server.fact("ca"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_arrives_by_starttls_and_by_tls() {
    let server = Server::new();
    let ways = [
        (
            "starttls@acme.example",
            server.address("smtp", "starttls", "?tls=required"),
        ),
        ("tls@acme.example", server.address("smtps", "tls", "")),
    ];
    for (to, url) in ways {
        let shop = shop(&server, to, &url);
        let daemon = shop.serve();
        let mail = awaited(to, || server.mail_to(to)).await;
        for needed in [
            "Message-ID: <",
            "multipart/alternative",
            "Content-Type: text/plain",
            "Content-Type: text/html",
            "purchase",
        ] {
            assert!(mail.contains(needed), "no `{needed}` in\n{mail}");
        }
        assert!(mail.is_ascii(), "seven bits pass every server");
        assert!(
            mail.lines().all(|line| line.len() <= 998),
            "RFC 5321 4.5.3.1.6"
        );
        let (status, _) = daemon.stop();
        assert!(status.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_arrives_with_text_and_pictures() {
    let server = Server::new();
    let to = "audit@acme.example";
    let shop = shop(&server, to, &server.address("smtps", "tls", ""));
    let (status, screen, errors) = shop.output(&["check", "--fresh"]);
    assert!(
        status.code().is_some_and(|code| code < 2),
        "{screen}{errors}"
    );
    let (status, screen, errors) = shop.output(&["report", "--send"]);
    assert!(status.success(), "{screen}{errors}");
    assert!(errors.contains("sent"), "{errors}");
    let mail = awaited("the audit", || server.mail_to(to)).await;
    for needed in [
        "multipart/related",
        "Content-ID: <",
        "image/png",
        "text/plain",
        "text/html",
    ] {
        assert!(mail.contains(needed), "no `{needed}` in\n{mail}");
    }
}

#[test]
fn doctor_tells_a_wrong_password_without_saying_it() {
    let server = Server::new();
    let url = server
        .address("smtps", "tls", "")
        .replace("a%20secret", "canary%20secret");
    let shop = shop(&server, "x@acme.example", &url);
    let (status, screen, errors) = shop.output(&["doctor"]);
    let told = format!("{screen}{errors}");
    assert!(!status.success(), "{told}");
    assert!(!told.contains("canary"), "{told}");
}
