//! Everything that reads what others wrote, fed with broken input: it may refuse, it must not panic.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use truecount::app::{self, Project, Reading};
use truecount::check;
use truecount::clock::Clock;
use truecount::config::{SecretRef, Text};
use truecount::deliver::{self, Channel};
use truecount::model::{Grain, Measure, Name, Question, Schedule, Subject, Timestamp, Window};
use truecount::net::{Guard, Net, NetError, Reply, Request, Transport};
use truecount::render;
use truecount::secret::{self, SecretError, SecretString, Secrets};
use truecount::source::{self, Ask, Means, Pulled, Pushed, SourceError};

use super::mutate::{Dice, body, text};
use super::receiver::{self, MailServer, Receiver};

/// What is fed.
pub(crate) const TARGETS: &[&str] = &[
    "configuration",
    "schedule",
    "ga4",
    "hubspot",
    "http",
    "files",
    "push",
    "receivers",
];

const GOOD: &[&str] = &[
    include_str!("../../../rules/b2b-leads/truecount.toml"),
    include_str!("../../../rules/b2b-leads/rules/events.toml"),
    include_str!("../../../rules/b2b-leads/rules/compare.toml"),
    include_str!("../../../rules/b2b-leads/rules/standards.toml"),
    include_str!("../../../rules/ecommerce/truecount.toml"),
    include_str!("../../../rules/ecommerce/rules/events.toml"),
    include_str!("../../../rules/mobile-app/truecount.toml"),
    include_str!("../../../rules/mobile-app/rules/events.toml"),
];

const PLAN: &str = r#"
[project]
name = "Test"
timezone = "Europe/Berlin"
[source.ga4]
type = "ga4"
property = "123"
key = { env = "KEY" }
[source.hubspot]
type = "hubspot"
token = { env = "TOKEN" }
[source.http]
type = "http"
base_url = "https://shop.example"
request = { path = "/v1", query = { after = "{next}" } }
rows = "$.data[*]"
event = "kind"
next = "next"
[source.files]
type = "files"
path = "*.csv"
[source.push]
type = "push"
[event.purchase]
unique = "transaction_id"
required = ["transaction_id"]
in.ga4 = true
in.hubspot = { object = "deals", date = "closedate", sum = "amount" }
in.http = "order"
in.files = true
in.push = true
"#;

/// Runs one case; the panic's text when it panics or breaks a law.
pub(crate) fn run(target: &str, dice: &mut Dice, bench: &Bench) -> Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| match target {
        "configuration" => configuration(dice),
        "schedule" => schedule(dice),
        "push" => push(dice, bench),
        "receivers" => bench.runtime.block_on(receivers(dice, bench)),
        other => bench.runtime.block_on(pull(other, dice, bench)),
    }));
    outcome.map_err(|why| {
        let text = why.downcast_ref::<String>().cloned();
        text.or_else(|| why.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "a panic without words".to_owned())
    })
}

fn configuration(dice: &mut Dice) {
    let files = (0..=dice.below(2)).map(|at| Text {
        path: format!("rules/{at}.toml"),
        text: text(dice.pick(GOOD), dice),
    });
    let files: Vec<Text> = files.collect();
    let project = app::understand(PathBuf::from("."), files, Reading::default());
    let shown = render::diagnostic::human(&project.diagnostics, &project.files, false);
    let machine = render::diagnostic::json(&project.diagnostics, &project.files);
    render::diagnostic::github(&project.diagnostics, &project.files, "");
    assert_eq!(project.diagnostics.is_empty(), shown.trim().is_empty());
    assert!(serde_json::from_str::<Value>(&machine).is_ok());
    check::checks(&project.plan);
}

const WORDS: &[&str] = &[
    "30 2 * * *",
    "*/15 9-17 * * 1-5",
    "every 15 minutes",
    "every 2 hours",
    "daily 08:00",
    "Monday 08:00",
    "1st 08:00",
    "hourly",
    "weekdays 07:30",
    "@daily",
    "0 0 29 2 *",
];

fn schedule(dice: &mut Dice) {
    let zones = [
        "Europe/Berlin",
        "Africa/Cairo",
        "Australia/Lord_Howe",
        "UTC",
    ];
    let zone = dice.pick(&zones).parse().expect("a zone");
    let words = text(dice.pick(WORDS), dice);
    let seconds = i64::try_from(dice.next() % 4_000_000_000).unwrap_or(0);
    let mut now = chrono::DateTime::from_timestamp(seconds, 0).expect("a time");
    match Schedule::parse(&words, zone) {
        Err(why) => assert!(!why.to_string().is_empty()),
        Ok(known) => {
            for _ in 0..5 {
                let Some(next) = known.next(now) else { return };
                assert!(next > now, "`{words}` does not go on from {now}");
                now = next;
            }
        }
    }
}

fn push(dice: &mut Dice, bench: &Bench) {
    let good = json!({ "source": "push", "readings": [
        { "event": "purchase", "grain": "day", "start": "2026-11-22", "count": 41, "sum": 18.5, "currency": "EUR" },
        { "event": "purchase", "grain": "hour", "start": "2026-11-22T13:00", "count": 3, "final": false },
        { "event": "purchase", "grain": "day", "start": "2026-11-22", "count": 12, "segment": { "country": "AT" } },
    ]});
    let posted = source::push::parse(&body(&good, dice), &bench.project.plan, bench.now);
    match posted {
        Err(errors) => assert!(errors.iter().all(|one| is_short(&one.why)), "{errors:?}"),
        Ok(posted) => posted.observations.iter().for_each(is_sane),
    }
}

/// A text for people: one screen line or two, without control characters.
fn is_short(why: &str) -> bool {
    !why.is_empty() && why.chars().count() < 700 && !why.chars().any(char::is_control)
}

fn is_sane(one: &truecount::model::Observation) {
    assert!(one.value.is_finite(), "{one:?}");
    let amount = matches!(one.series.measure, Measure::Sum { .. });
    assert!(
        amount || (one.value >= 0.0 && one.value.fract() == 0.0),
        "{one:?}"
    );
}

async fn receivers(dice: &mut Dice, bench: &Bench) {
    bench.mail.seed(dice.next());
    // A mail is a conversation of some milliseconds, the others are calls by script.
    let mut at = dice.below(bench.channels.len());
    if bench.channels[at].0.as_str().ends_with("email") && dice.below(4) > 0 {
        at = 0;
    }
    let channel = &bench.channels[at].1;
    let means = deliver::Means {
        net: Net::with(
            Arc::new(Receiver(Mutex::new(Dice::new(dice.next())))),
            Arc::new(Jumping(Mutex::new(bench.now))),
            Guard::default(),
        ),
        secrets: Arc::new(Keys(bench.secrets.clone())),
    };
    receiver::send(channel.as_ref(), &bench.project, &means, bench.now, dice).await;
}

async fn pull(target: &str, dice: &mut Dice, bench: &Bench) {
    let kinds = [
        Measure::Count,
        Measure::Repeats(name("transaction_id")),
        sum(),
        having(),
    ];
    let measure = kinds[dice.below(kinds.len())].clone();
    let grain = if dice.below(4) == 0 {
        Grain::Hour
    } else {
        Grain::Day
    };
    let plan = &bench.project.plan;
    let mapping = plan
        .mapping(&name("purchase"), &name(target))
        .expect("mapped")
        .clone();
    let subject = Subject::Event(name("purchase"));
    let mut question = Question::total(&name(target), subject, mapping, measure, grain);
    if dice.below(3) == 0 {
        question = question.split(&[name("country")]);
    }
    let calendar = plan.project.calendar.clone();
    let day = |text: &str| calendar.day(text.parse().expect("a day"));
    let window = Window {
        from: day("2026-11-21").start,
        to: day("2026-11-23").end,
    };
    let ask = Ask {
        questions: vec![question],
        window,
        calendar: calendar.clone(),
        now: bench.now,
    };
    if target == "files" {
        let good = "date,event,count,value,country\n2026-11-21,purchase,41,9.5,DE\n2026-11-22T13:00,purchase,38,3,AT\n";
        std::fs::write(bench.folder.join("x.csv"), text(good, dice)).expect("a file");
    }
    let answers = Answers(Mutex::new(Dice::new(dice.next())));
    let net = Net::with(
        Arc::new(answers),
        Arc::new(Jumping(Mutex::new(bench.now))),
        Guard::default(),
    );
    let means = Means {
        net,
        secrets: Arc::new(Keys(bench.secrets.clone())),
        folder: bench.folder.clone(),
        pushed: Arc::new(Nothing),
    };
    let decl = &plan.source(&name(target)).expect("a source").decl;
    let kind = source::KINDS
        .iter()
        .find(|kind| kind.name == decl.kind)
        .expect("a kind");
    let built = (kind.build)(decl, plan).expect("it builds");
    match built.pull(&ask, &means).await {
        Err(why) => assert!(is_short(&why.to_string()), "{why:?}"),
        Ok(mut pulled) => {
            pulled.fill_zeros(&ask, chrono::TimeDelta::zero());
            pulled.observations.iter().for_each(is_sane);
            assert!(
                pulled.unanswerable.iter().all(|(_, why)| is_short(why)),
                "{:?}",
                pulled.unanswerable
            );
        }
    }
}

fn name(text: &str) -> Name {
    Name::clean(text)
}

fn sum() -> Measure {
    Measure::Sum {
        of: name("amount"),
        currency: Some("EUR".to_owned()),
    }
}

fn having() -> Measure {
    Measure::Having(vec![name("transaction_id")])
}

/// What all cases share.
pub(crate) struct Bench {
    project: Project,
    folder: PathBuf,
    secrets: BTreeMap<String, String>,
    now: Timestamp,
    channels: Vec<(Name, Box<dyn Channel>)>,
    mail: MailServer,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    /// `folder` is written to; `key` is the private key of a service account.
    pub(crate) fn new(folder: PathBuf, key: &str) -> Self {
        let file = Text {
            path: "truecount.toml".to_owned(),
            text: format!("{PLAN}{}", receiver::ROUTES),
        };
        let project = app::understand(folder.clone(), vec![file], Reading::default());
        assert!(!project.refused(), "{:?}", project.diagnostics);
        let account = json!({
            "client_email": "reader@acme.example", "private_key": key, "private_key_id": "1",
            "token_uri": "https://oauth2.example/token",
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let mail = runtime.block_on(MailServer::start());
        let mut secrets = BTreeMap::from([
            ("KEY".to_owned(), account.to_string()),
            ("TOKEN".to_owned(), "pat-canary".to_owned()),
            ("SMTP".to_owned(), mail.address.clone()),
        ]);
        for (key, text) in receiver::SECRETS {
            secrets.insert((*key).to_owned(), (*text).to_owned());
        }
        for text in secrets.values() {
            secret::remember(&SecretString::from(text.clone()));
        }
        Self {
            channels: receiver::channels(&project),
            project,
            folder,
            secrets,
            now: "2026-11-25T12:00:00Z".parse().expect("a time"),
            mail,
            runtime,
        }
    }
}

/// A private key of a throw-away service account.
pub(crate) fn key() -> String {
    let words = [
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
    ];
    let made = std::process::Command::new("openssl").args(words).output();
    let made = made.expect("openssl is missing; `bash tests/run` installs it");
    String::from_utf8_lossy(&made.stdout).into_owned()
}

/// Answers every call with a bent answer of the vendor it goes to.
struct Answers(Mutex<Dice>);

#[async_trait]
impl Transport for Answers {
    async fn call(&self, request: &Request) -> Result<Reply, NetError> {
        let mut dice = self.0.lock().expect("nobody else holds it");
        let path = request.url.path();
        let good = if path.ends_with("/token") {
            json!({ "access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer" })
        } else if path.ends_with("/metadata") {
            let named = |name: &str| json!({ "apiName": name, "customDefinition": true });
            let dimensions = ["date", "eventName", "transactionId", "country"].map(named);
            let metrics = ["eventCount", "purchaseRevenue"].map(named);
            json!({ "dimensions": dimensions, "metrics": metrics })
        } else if path.contains(":runReport") {
            report(request)
        } else if path.contains("/crm/") {
            json!({ "total": 41, "results": [{ "id": "51", "properties": { "closedate": "2026-11-22T10:00:00Z", "amount": "10.5" } }], "paging": { "next": { "after": "1" } } })
        } else {
            json!({ "data": [{ "date": "2026-11-22", "kind": "order", "count": 3, "country": "DE" }], "next": null })
        };
        let spared = path.ends_with("/token") && dice.below(20) > 0;
        let bytes = if spared || dice.below(6) == 0 {
            good.to_string().into_bytes()
        } else {
            body(&good, &mut dice)
        };
        let statuses = [
            200, 200, 200, 200, 200, 200, 200, 204, 302, 400, 401, 403, 404, 429, 477, 500, 503,
        ];
        let status = if spared {
            200
        } else {
            statuses[dice.below(statuses.len())]
        };
        let wait = text("120", &mut dice).replace(char::is_control, "");
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("retry-after".to_owned(), wait),
        ];
        Ok(Reply {
            status,
            headers,
            body: bytes,
        })
    }
}

/// A report with the columns that were asked for.
fn report(request: &Request) -> Value {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let dimensions = asked["dimensions"].clone();
    let cell = |one: &Value| match one["name"].as_str() {
        Some("date") => json!({ "value": "20261122" }),
        Some("dateHour") => json!({ "value": "2026112213" }),
        Some("eventName") => json!({ "value": "purchase" }),
        _ => json!({ "value": "x" }),
    };
    let cells: Vec<Value> = dimensions
        .as_array()
        .into_iter()
        .flatten()
        .map(cell)
        .collect();
    json!({
        "dimensionHeaders": dimensions, "metricHeaders": [{ "name": "eventCount", "type": "TYPE_INTEGER" }],
        "rows": [{ "dimensionValues": cells, "metricValues": [{ "value": "41" }] }], "rowCount": 1,
        "metadata": { "currencyCode": "EUR", "timeZone": "America/New_York", "samplingMetadatas": [{ "samplesReadCount": "5", "samplingSpaceSize": "20" }] },
        "propertyQuota": { "tokensPerDay": { "consumed": 3, "remaining": 199_870 } },
    })
}

/// A clock on which waiting takes no time.
struct Jumping(Mutex<Timestamp>);

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("nobody else holds it")
    }

    fn uptime(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.lock().expect("nobody else holds it");
        *now = at.max(*now);
    }
}

struct Keys(BTreeMap<String, String>);

#[async_trait]
impl Secrets for Keys {
    async fn read(&self, at: &SecretRef) -> Result<SecretString, SecretError> {
        let known = match at {
            SecretRef::Env(name) => self.0.get(name).cloned(),
            _ => None,
        };
        let missing = || SecretError::Missing {
            place: format!("{at:?}"),
        };
        known.map(SecretString::from).ok_or_else(missing)
    }
}

struct Nothing;

#[async_trait]
impl Pushed for Nothing {
    async fn counts(&self, _ask: &Ask) -> Result<Pulled, SourceError> {
        Ok(Pulled::default())
    }
}
