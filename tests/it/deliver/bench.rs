//! A receiver on loopback that plays one vendor, and a channel that writes to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use truecount::clock::{Clock, SystemClock};
use truecount::config::SecretRef;
use truecount::deliver::{Channel, Desk, KINDS, Means, SendError};
use truecount::incident::Incident;
use truecount::model::{Fingerprint, Name, Timestamp};
use truecount::net::{Guard, Http, Net};
use truecount::notify::{Letter, Notification, Reason};
use truecount::plan::{Decl, Plan};
use truecount::secret::{SecretError, SecretString, Secrets};

use super::super::made::{self, at, name};
use super::vendor::{self, Asked, Rule};

/// An answer by script: status, headers, body.
pub(super) type Scripted = (u16, Vec<(&'static str, String)>, String);

/// One kind of receiver.
pub(super) struct Vendor {
    pub(super) name: &'static str,
    /// The line of the route; `BASE` is where the fake listens.
    pub(super) route: &'static str,
    secrets: &'static [(&'static str, &'static str)],
    rule: Rule,
}

pub(super) const VENDORS: &[Vendor] = &[
    Vendor {
        name: "slack webhook",
        route: "slack = { env = \"TO\" }",
        secrets: &[("TO", "BASE/services/T0/B0/canary")],
        rule: vendor::slack_webhook,
    },
    Vendor {
        name: "slack bot",
        route: "slack = { token = { env = \"TOKEN\" }, channel = \"C0123456\", base_url = \"BASE\" }",
        secrets: &[("TOKEN", "xoxb-canary")],
        rule: vendor::slack_bot,
    },
    Vendor {
        name: "webhook",
        route: "webhook = { url = { env = \"TO\" }, secret = { env = \"SECRET\" } }",
        secrets: &[("TO", "BASE/canary"), ("SECRET", vendor::WEBHOOK_SECRET)],
        rule: vendor::webhook,
    },
    Vendor {
        name: "teams",
        route: "teams = { env = \"TO\" }",
        secrets: &[(
            "TO",
            "BASE/workflows/1/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers&sig=canary%2Fb",
        )],
        rule: vendor::teams,
    },
    Vendor {
        name: "pagerduty",
        route: "pagerduty = { to = { env = \"KEY\" }, base_url = \"BASE\" }",
        secrets: &[("KEY", "canary0123456789canary0123456789")],
        rule: vendor::pagerduty,
    },
    Vendor {
        name: "discord",
        route: "discord = { env = \"TO\" }",
        secrets: &[("TO", "BASE/api/v10/webhooks/1/canary")],
        rule: vendor::discord,
    },
    Vendor {
        name: "google chat",
        route: "google_chat = { env = \"TO\" }",
        secrets: &[("TO", "BASE/v1/spaces/S/messages?key=k&token=canary")],
        rule: vendor::google_chat,
    },
    Vendor {
        name: "telegram",
        route: "telegram = { token = { env = \"TOKEN\" }, chat = \"-1001\", topic = 7, base_url = \"BASE\" }",
        secrets: &[("TOKEN", "1:canary")],
        rule: vendor::telegram,
    },
    Vendor {
        name: "ntfy",
        route: "ntfy = { to = { env = \"TOPIC\" }, token = { env = \"TOKEN\" }, base_url = \"BASE\" }",
        secrets: &[("TOPIC", "canary-topic"), ("TOKEN", "tk_canary")],
        rule: vendor::ntfy,
    },
    Vendor {
        name: "alertmanager",
        route: "alertmanager = { to = \"BASE\", token = { env = \"TOKEN\" } }",
        secrets: &[("TOKEN", "canary")],
        rule: vendor::alertmanager,
    },
];

struct Known(BTreeMap<String, String>);

#[async_trait]
impl Secrets for Known {
    async fn read(&self, place: &SecretRef) -> Result<SecretString, SecretError> {
        let text = match place {
            SecretRef::Env(name) => self.0.get(name).cloned(),
            _ => None,
        };
        text.map(SecretString::from)
            .ok_or_else(|| SecretError::Missing {
                place: format!("{place:?}"),
            })
    }
}

/// A channel and the receiver that it writes to.
pub(super) struct Bench {
    pub(super) plan: Plan,
    pub(super) channel: Box<dyn Channel>,
    pub(super) means: Means,
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Mutex<Option<Scripted>>>,
}

impl Bench {
    /// A receiver that plays the vendor by its rules.
    pub(super) async fn start(vendor: &Vendor) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let script: Arc<Mutex<Option<Scripted>>> = Arc::default();
        let (log, written, rule) = (Arc::clone(&asked), Arc::clone(&script), vendor.rule);
        let serve = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let one = Asked {
                path: uri.path().to_owned(),
                query: uri.query().unwrap_or("").to_owned(),
                headers,
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            let scripted = written.lock().unwrap().clone();
            let (status, more, text) = scripted.unwrap_or_else(|| match rule(&one) {
                Ok((status, text)) => (status, Vec::new(), text),
                Err(why) => (400, Vec::new(), why),
            });
            log.lock().unwrap().push(one);
            let mut headers = HeaderMap::new();
            for (key, value) in more {
                headers.insert(key, value.parse().unwrap());
            }
            async move { (StatusCode::from_u16(status).unwrap(), headers, text) }
        };
        let app = Router::new().fallback(serve);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let mut bench = Self::at(vendor, &base);
        bench.asked = asked;
        bench.script = script;
        bench
    }

    /// A channel that writes to an address.
    pub(super) fn at(vendor: &Vendor, base: &str) -> Self {
        let route = vendor.route.replace("BASE", base);
        let plan = made::plan(&format!("[route.r]\n{route}\n"));
        let declared = &plan.routes[0].channels[0];
        let decl = Decl {
            name: name("r/0"),
            kind: declared.kind.clone(),
            span: declared.span,
            section: declared.section.clone(),
        };
        let kind = KINDS.iter().find(|kind| kind.name == decl.kind).unwrap();
        let channel = (kind.build)(&decl, &plan).unwrap_or_else(|why| panic!("{why:#?}"));
        let secrets = vendor
            .secrets
            .iter()
            .map(|(key, text)| ((*key).to_owned(), text.replace("BASE", base)));
        let guard = Guard::parse(&["127.0.0.1".to_owned()]).unwrap();
        let http = Http::new(guard.clone(), None).unwrap();
        Self {
            channel,
            means: Means {
                net: Net::with(Arc::new(http), Arc::new(SystemClock::start()), guard),
                secrets: Arc::new(Known(secrets.collect())),
            },
            plan,
            asked: Arc::default(),
            script: Arc::default(),
        }
    }

    /// From now on the receiver answers this, whatever it is asked.
    pub(super) fn answers(&self, scripted: Scripted) {
        *self.script.lock().unwrap() = Some(scripted);
    }

    pub(super) fn letter(&self, notification: &Notification) -> Letter {
        let project = &self.plan.project.id;
        let desk = Desk {
            plan: &self.plan,
            id: notification.letter_id(project),
            thread: None,
            now: notification.at,
        };
        notification.letter(project, self.channel.letter(notification, &desk), 0)
    }

    pub(super) async fn send(
        &self,
        letter: &Letter,
        earlier: &[String],
    ) -> Result<String, SendError> {
        let now = self.means.net.clock.now();
        self.channel.send(letter, earlier, now, &self.means).await
    }

    pub(super) fn incident(&self) -> Incident {
        let mut one = made::opened(
            &self.plan,
            "purchase.volume",
            "web",
            42,
            at("2026-10-21 10:00"),
        );
        one.owner = Some(name("growth"));
        one.primary = true;
        one
    }
}

/// The time of the machine: receivers hold some of what they get against it.
pub(super) fn machine_time() -> Timestamp {
    SystemClock::start().now()
}

pub(super) fn told(reason: Reason, incidents: Vec<Incident>) -> Notification {
    Notification {
        route: name("r"),
        channel: name("r/0"),
        reason,
        n: 0,
        incidents,
        at: at("2026-10-21 10:00"),
        remark: String::new(),
    }
}

/// Markup of every medium, a right-to-left mark, quotes and line breaks.
pub(super) const HOSTILE: &str = "<!channel> <@UEVIL> <https://evil.example|x> [evil](https://evil.example) @everyone *b* _i_ ~s~ `c` ||p|| </b><script>alert(1)</script> & \" ' \u{202e} \r\nBcc: x@evil.example";

/// An incident whose every name is written by somebody who means harm, and is as long as it may be.
pub(super) fn hostile(mut one: Incident, nth: u8) -> Incident {
    let long = format!("{HOSTILE} {}", "Länge ".repeat(3_000));
    one.id = Fingerprint([nth; 16]);
    one.event = Some(Name::clean(&long));
    one.source = Some(Name::clean(HOSTILE));
    one.owner = Some(Name::clean(HOSTILE));
    one.check = Name::clean(&long);
    one.members = (0..300)
        .map(|at| Name::clean(&format!("{at} {HOSTILE}")))
        .collect();
    one.certainty.ground = long;
    one
}
