//! A real `truecount serve` on a folder of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use chrono::{Days, Utc};
use tempfile::TempDir;

/// Longest wait for anything that must happen; generous for a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A shop whose web counts fell to a tenth five days ago; a file settles for two days while its orders held.
pub(super) struct Shop {
    pub(super) folder: TempDir,
    variables: Vec<(String, String)>,
}

const PLAN: &str = r#"
[project]
name     = "Acme shop"
timezone = "UTC"

[source.web]
type  = "files"
path  = "web.csv"
every = "1 minute"

[source.orders]
type  = "files"
path  = "orders.csv"
every = "1 minute"

[event.purchase]
in.web    = "purchase"
in.orders = "purchase"

[conversion.purchase]
primary = true

[compare.orders]
event    = "purchase"
baseline = "orders"
against  = ["web"]
limit    = "20%"

[net]
allow_private = ["127.0.0.1", "localhost"]
"#;

impl Shop {
    /// `more` is added to the plan.
    pub(super) fn new(more: &str) -> Self {
        let shop = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        };
        shop.write("truecount.toml", &format!("{PLAN}\n{more}\n"));
        shop.write("web.csv", &counts(|day| if day <= 5 { 0.1 } else { 0.98 }));
        shop.write("orders.csv", &counts(|_| 1.0));
        shop
    }

    pub(super) fn plan() -> &'static str {
        PLAN
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub(super) fn set(mut self, key: &str, value: &str) -> Self {
        self.variables.push((key.to_owned(), value.to_owned()));
        self
    }

    /// A command of the program in this folder, with nothing of the outer environment but paths.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_truecount"));
        command
            .current_dir(self.folder.path())
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end; its standard output.
    pub(super) fn output(&self, arguments: &[&str]) -> (ExitStatus, String, String) {
        let done = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status, text(done.stdout), text(done.stderr))
    }

    /// Starts the daemon on a free port and waits until it listens.
    pub(super) fn serve(&self) -> Daemon {
        let log = self.folder.path().join("serve.log");
        let errors = fs::File::create(&log).unwrap();
        let child = self
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut daemon = Daemon {
            child,
            address: String::new(),
            log: log.to_string_lossy().into_owned(),
        };
        let line = daemon.await_log("listening on http://");
        let rest = line.split("listening on ").nth(1).unwrap();
        rest.split_whitespace()
            .next()
            .unwrap()
            .clone_into(&mut daemon.address);
        daemon
    }
}

/// 90 days of about a hundred, weekday shaped; `share` is given the number of days ago.
fn counts(share: impl Fn(u64) -> f64) -> String {
    let today = Utc::now().date_naive();
    let mut text = "date,event,count\n".to_owned();
    for ago in (1..=90).rev() {
        let day = today - Days::new(ago);
        let wave = [105, 110, 108, 101, 96, 80, 88];
        let weekday = usize::try_from(ago % 7).unwrap();
        let usual = f64::from(wave[weekday]) + f64::from(u32::try_from(ago * 7 % 11).unwrap());
        writeln!(text, "{day},purchase,{:.0}", usual * share(ago)).unwrap();
    }
    text
}

/// The running process; killed when dropped.
pub(super) struct Daemon {
    pub(super) child: Child,
    pub(super) address: String,
    log: String,
}

impl Daemon {
    /// What it wrote to its log.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(Path::new(&self.log)).unwrap()
    }

    /// Waits for a line that contains the text.
    pub(super) fn await_log(&mut self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?}:\n{log}");
            assert!(begun.elapsed() < PATIENCE, "no `{text}` in:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal by name.
    pub(super) fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(done.unwrap().success());
    }

    /// Asks it to stop and waits; how long it took.
    pub(super) fn stop(mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        (status, begun.elapsed())
    }

    /// Status and body of a GET.
    pub(super) async fn get(&self, path: &str) -> (u16, String) {
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let reply = client
            .get(format!("{}{path}", self.address))
            .send()
            .await
            .unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

/// Waits until the value is there.
pub(super) async fn awaited<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
