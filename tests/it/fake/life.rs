//! A world of a plan that is lived hour by hour on a clock that stands still between steps.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use truecount::app::{self, Parts, Reading};
use truecount::clock::Clock;
use truecount::config::Text;
use truecount::daemon::{self, World};
use truecount::incident::Incident;
use truecount::model::{Timestamp, Window};
use truecount::net::Net;
use truecount::notify::Reason;
use truecount::secret::SystemSecrets;
use truecount::telemetry::Metrics;

/// A clock that is set.
pub(crate) struct Stopped(Mutex<Timestamp>, AtomicI64);

impl Stopped {
    /// A clock at a time.
    pub(crate) fn at(at: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(at), AtomicI64::new(0)))
    }
}

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn uptime(&self) -> std::time::Duration {
        let ticks = self.1.fetch_add(1, Ordering::Relaxed);
        std::time::Duration::from_millis(u64::try_from(ticks).unwrap())
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = at.max(*now);
    }
}

/// A plan with its database in a folder of its own.
pub(crate) struct Life {
    /// Goes when the life ends.
    folder: tempfile::TempDir,
    pub(crate) world: Arc<World>,
    clock: Arc<Stopped>,
}

impl Life {
    /// The same folder and database under another plan.
    pub(crate) async fn replanned(self, plan: &str, at: Timestamp) -> Self {
        let Self { folder, world, .. } = self;
        drop(world);
        Self::begin(folder, plan, at).await
    }

    /// Begins at a time; the plan must be without mistakes. The folder may hold files already.
    pub(crate) async fn begin(folder: tempfile::TempDir, plan: &str, at: Timestamp) -> Self {
        Self::on(folder, plan, Stopped::at(at)).await
    }

    /// The same on a clock that others look at too.
    pub(crate) async fn on(folder: tempfile::TempDir, plan: &str, clock: Arc<Stopped>) -> Self {
        let at = clock.now();
        let text = Text {
            path: "truecount.toml".to_owned(),
            text: plan.to_owned(),
        };
        let project = app::understand(folder.path().to_owned(), vec![text], Reading::default());
        assert!(!project.refused(), "{:?}", project.diagnostics);
        let time: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let secrets = Arc::new(SystemSecrets {
            folder: folder.path().to_owned(),
        });
        let net = Net::open(&project.plan.net, &*secrets, Arc::clone(&time))
            .await
            .unwrap();
        let path = folder.path().join("truecount.db");
        let parts = Parts {
            store: app::open_store(&path, &project.plan.project.id, at).unwrap(),
            clock: time,
            net,
            secrets,
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
        }
    }

    /// One turn of everything at this time.
    pub(crate) async fn tick(&self, at: Timestamp) {
        *self.clock.0.lock().unwrap() = at;
        daemon::tick(&self.world, at).await.unwrap();
    }

    /// Every incident whose trouble lies in the last days, oldest first.
    pub(crate) async fn incidents(&self) -> Vec<Incident> {
        let now = self.clock.now();
        let window = Window {
            from: now - chrono::TimeDelta::days(60),
            to: now,
        };
        self.world.store.incidents_in(window).await.unwrap()
    }

    /// What was told, oldest first.
    pub(crate) async fn told(&self) -> Vec<Reason> {
        let since = self.clock.now() - chrono::TimeDelta::days(60);
        let told = self.world.store.told_since(since).await.unwrap();
        let many = told.into_iter();
        many.flat_map(|(_, reason, count)| vec![reason; usize::try_from(count).unwrap()])
            .collect()
    }
}
