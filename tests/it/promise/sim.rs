//! A world on a clock that is set, behind a network that answers by script.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use truecount::app::{self, Parts, Reading};
use truecount::clock::Clock;
use truecount::config::Text;
use truecount::daemon::{self, World};
use truecount::deliver::outbox::Outbox;
use truecount::incident::{self, Change, Incident};
use truecount::model::{Grain, Status, Timestamp};
use truecount::net::{Guard, Net, NetError, Reply, Request, Transport};
use truecount::secret::SystemSecrets;
use truecount::telemetry::Metrics;

use super::super::made;

/// A clock that is set; who sleeps moves it.
pub(super) struct SetClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn uptime(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now().timestamp_millis()).unwrap())
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = at.max(*now);
    }
}

/// One call that went out.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) at: Timestamp,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) key: String,
    pub(super) body: String,
}

impl Call {
    /// The kind of a webhook, such as `incident.opened`.
    pub(super) fn kind(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// What the network answers at a time.
type Script = Box<dyn Fn(&Call) -> Result<Reply, NetError> + Send + Sync>;

pub(super) struct Wire {
    clock: Arc<SetClock>,
    calls: Mutex<Vec<Call>>,
    script: Script,
}

#[async_trait]
impl Transport for Wire {
    async fn call(&self, request: &Request) -> Result<Reply, NetError> {
        let header = |name: &str| request.headers.iter().find(|(key, _)| key == name);
        let call = Call {
            at: self.clock.now(),
            host: request.host(),
            path: request.url.path().to_owned(),
            key: header("webhook-id").map_or(String::new(), |(_, value)| value.clone()),
            body: String::from_utf8(request.body.clone()).unwrap(),
        };
        let answer = (self.script)(&call);
        self.calls.lock().unwrap().push(call);
        answer
    }
}

pub(super) fn reply(status: u16, headers: &[(&str, &str)]) -> Reply {
    Reply {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: b"ok".to_vec(),
    }
}

pub(super) struct Sim {
    pub(super) folder: tempfile::TempDir,
    pub(super) world: Arc<World>,
    pub(super) clock: Arc<SetClock>,
    pub(super) wire: Arc<Wire>,
    pub(super) outbox: Outbox,
    opened: u32,
}

const PLAN: &str = r#"
[project]
name     = "Acme shop"
timezone = "Europe/Berlin"

[source.web]
type = "push"

[event.purchase]
in.web = true
"#;

impl Sim {
    /// `more` is added to the plan; secrets may stand in it.
    pub(super) fn begin(
        more: &str,
        at: &str,
        script: impl Fn(&Call) -> Result<Reply, NetError> + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = Text {
            path: "truecount.toml".to_owned(),
            text: format!("{PLAN}\n{more}"),
        };
        let reading = Reading { allow_plain: true };
        let project = app::understand(folder.path().to_owned(), vec![text], reading);
        assert!(!project.refused(), "{:?}", project.diagnostics);
        let clock = Arc::new(SetClock(Mutex::new(made::at(at))));
        let wire = Arc::new(Wire {
            clock: Arc::clone(&clock),
            calls: Mutex::default(),
            script: Box::new(script),
        });
        let time: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let path = folder.path().join("truecount.db");
        let parts = Parts {
            store: app::open_store(&path, &project.plan.project.id, clock.now()).unwrap(),
            net: Net::with(
                Arc::clone(&wire) as Arc<dyn Transport>,
                Arc::clone(&time),
                Guard::default(),
            ),
            clock: time,
            secrets: Arc::new(SystemSecrets {
                folder: folder.path().to_owned(),
            }),
            metrics: Arc::new(Metrics::new()),
            folder: folder.path().to_owned(),
            archive: None,
            holder: "test".to_owned(),
            wakes: Default::default(),
        };
        let world = Arc::new(app::build(project.plan, parts).unwrap());
        Self {
            folder,
            world,
            clock,
            wire,
            outbox: Outbox::default(),
            opened: 0,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Steps the clock, in either direction.
    pub(super) fn step(&self, by: TimeDelta) {
        *self.clock.0.lock().unwrap() += by;
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.wire.calls.lock().unwrap().clone()
    }

    /// An incident opens and is told, in one commit.
    pub(super) async fn open(&mut self) -> Incident {
        self.opened += 1;
        let now = self.now();
        let calendar = &self.world.plan.project.calendar;
        let bucket = calendar.previous(&calendar.bucket(Grain::Day, now));
        let check = format!("purchase.volume.{}", self.opened);
        let mut look = made::seen(&check, "web", bucket, Status::Failing, 10.0);
        look.strike.extreme = true;
        look.strike.data_seen_at = now;
        let mut change = incident::round(&[], &[look], &[], &self.world.plan, now).remove(0);
        incident::assign_number(&mut change, self.opened);
        self.commit(&change).await;
        change.after
    }

    pub(super) async fn commit(&self, change: &Change) {
        let now = self.now();
        let after = std::slice::from_ref(&change.after);
        let written = daemon::write(&self.world, after, now).await.unwrap();
        let store = &self.world.store;
        let (letters, told) = (&written.letters, &written.told);
        store.act(change, letters, told, now).await.unwrap();
    }

    /// A restart: what the worker knew is gone, what was in flight waits again.
    pub(super) async fn restart(&mut self) {
        self.outbox = Outbox::default();
        self.world.store.reclaim("test").await.unwrap();
    }

    /// Delivers until this much time has passed, looking when the outbox wants to be looked at.
    pub(super) async fn live(&mut self, span: TimeDelta) {
        let end = self.now() + span;
        loop {
            daemon::deliver_with(&self.world, &mut self.outbox)
                .await
                .unwrap();
            let now = self.now();
            let next = self.world.store.next_letter().await.unwrap();
            let wake = self.outbox.wake(next, &self.world.channels, now);
            let next = wake.map_or(end, |at| at.max(now + TimeDelta::milliseconds(20)));
            self.step(next.min(end) - now);
            if next >= end {
                return;
            }
        }
    }

    /// How many letters are in this state.
    pub(super) fn letters(&self, state: &str) -> i64 {
        let database = rusqlite::Connection::open(self.folder.path().join("truecount.db")).unwrap();
        database
            .query_row(
                "SELECT count(*) FROM letter WHERE state = ?1",
                [state],
                |row| row.get(0),
            )
            .unwrap()
    }
}
