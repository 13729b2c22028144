//! The only reader of the time: wall time for meaning, uptime for measuring.

use std::time::Duration;

use async_trait::async_trait;

use crate::model::Timestamp;

/// A clock that tests can drive.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Wall time.
    fn now(&self) -> Timestamp;

    /// Time since the clock was made; never goes back.
    fn uptime(&self) -> Duration;

    /// Returns at `at` of wall time or soon after. Wakes at least every 30 s and looks at the wall
    /// again, so that a step of the clock or a suspended machine does no harm.
    async fn sleep_until(&self, at: Timestamp);
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    began: std::time::Instant,
}

/// The longest sleep without a look at the wall.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

impl SystemClock {
    /// Starts counting uptime.
    #[expect(
        clippy::disallowed_methods,
        reason = "this file is the reader of the time"
    )]
    pub fn start() -> Self {
        Self {
            began: std::time::Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this file is the reader of the time"
    )]
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }

    fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this file is the reader of the time"
    )]
    async fn sleep_until(&self, at: Timestamp) {
        while let Ok(left) = (at - self.now()).to_std() {
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
        }
    }
}
