//! Many pushed sources, a real `truecount serve`, and a receiver that keeps count. Shared by the
//! tests and by `cargo bench --bench reliability`.

#![allow(dead_code, reason = "each user needs a part of it")]

pub(crate) mod receiver;
pub(crate) mod storm;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate, TimeDelta, Utc};
use tempfile::TempDir;

use receiver::Receiver;

/// Longest wait without any progress.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Days of history that are pushed.
const HISTORY: u64 = 42;

/// A plan of `count` pushed sources with one event each, and its folder.
pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) count: usize,
    port: u16,
    token: String,
    variables: Vec<(String, String)>,
    client: reqwest::Client,
    binary: PathBuf,
    /// Shell words that run before `serve`, in a file system of its own.
    before: Option<String>,
    /// Further words of `serve`.
    words: Vec<String>,
}

impl Rig {
    /// `route` are the settings of the route beside its webhook.
    pub(crate) fn new(binary: &str, count: usize, hook: &Receiver, route: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut rig = Self {
            folder: tempfile::tempdir().unwrap(),
            count,
            port,
            token: String::new(),
            variables: vec![("HOOK".to_owned(), hook.address.clone())],
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            binary: PathBuf::from(binary),
            before: None,
            words: Vec::new(),
        };
        rig.write("truecount.toml", &plan(count, route));
        let made = rig
            .command(&["token", "create", "rig", "--scope", "write"])
            .output()
            .unwrap();
        let text = String::from_utf8(made.stdout).unwrap();
        let word = text.split_whitespace().find(|word| word.starts_with("tc_"));
        word.unwrap_or_else(|| panic!("{text}"))
            .clone_into(&mut rig.token);
        rig
    }

    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.variables.push((key.to_owned(), value.to_owned()));
        self
    }

    /// From the next start on the wall clock of the program is off by so much: it lives at another
    /// time. What it waits for takes as long as ever (libfaketime, which `tests/run` installs).
    pub(crate) fn live_at(&mut self, off: TimeDelta) {
        const FOLDERS: [&str; 3] = ["x86_64-linux-gnu", "aarch64-linux-gnu", "faketime"];
        let library = FOLDERS
            .map(|folder| PathBuf::from(format!("/usr/lib/{folder}/faketime/libfaketimeMT.so.1")))
            .into_iter()
            .find(|path| path.exists());
        let library = library.expect("libfaketime is missing: apt-get install libfaketime");
        let off = format!("{:+}", off.num_seconds());
        for (key, value) in [
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME", off),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ] {
            self.variables.retain(|(known, _)| known != key);
            self.variables.push((key.to_owned(), value));
        }
    }

    /// Writes a plan that waits for nobody and whose heartbeat goes to the variable `BEAT`.
    pub(crate) fn write_watched(&self) {
        let plan = self.plan("wait = \"0 min\"");
        let beat = "[heartbeat]\nurl = { env = \"BEAT\" }\n";
        self.write("truecount.toml", &format!("{plan}\n{beat}"));
    }

    /// Further words of `serve`.
    pub(crate) fn words(mut self, words: &[&str]) -> Self {
        self.words
            .extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// The daemon keeps its database on a disk of its own with this many MiB: only it sees it.
    pub(crate) fn small_disk(mut self, mib: u32) -> Self {
        fs::create_dir(self.folder.path().join("disk")).unwrap();
        let before = format!("mount -t tmpfs -o size={mib}m tmpfs disk && cp truecount.db* disk/");
        self.before = Some(before);
        self.words(&["--store", "disk/truecount.db"])
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub(crate) fn plan(&self, route: &str) -> String {
        plan(self.count, route)
    }

    /// A command of the program in this folder, with nothing of the outer environment but paths.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(self.folder.path())
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Starts the daemon and waits until it listens. The log is appended to.
    pub(crate) async fn serve(&self) -> Daemon {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("serve.log"))
            .unwrap();
        let listen = format!("127.0.0.1:{}", self.port);
        let mut words = vec!["serve", "--listen", &listen];
        words.extend(self.words.iter().map(String::as_str));
        let mut command = match &self.before {
            None => self.command(&words),
            Some(before) => {
                needs_namespaces();
                let script = format!("{before} && exec \"$0\" \"$@\"");
                let own = self.command(&words);
                let mut command = Command::new("unshare");
                command
                    .args(["--map-root-user", "--mount", "sh", "-c", &script])
                    .arg(own.get_program())
                    .args(own.get_args())
                    .current_dir(self.folder.path())
                    .env_clear()
                    .envs(
                        own.get_envs()
                            .filter_map(|(key, value)| Some((key, value?))),
                    )
                    .stdin(Stdio::null());
                command
            }
        };
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut daemon = Daemon { child };
        let begun = Instant::now();
        while self.get("/healthz").await.is_none() {
            let ended = daemon.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?}: {}", self.log());
            assert!(begun.elapsed() < PATIENCE, "not up: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        daemon
    }

    /// What all daemons of this folder wrote.
    pub(crate) fn whole_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default()
    }

    /// Its end.
    pub(crate) fn log(&self) -> String {
        let text = self.whole_log();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The body of a GET that was answered with 200.
    pub(crate) async fn get(&self, path: &str) -> Option<String> {
        let call = self.client.get(self.address(path)).bearer_auth(&self.token);
        let reply = call.send().await.ok()?;
        let good = reply.status() == 200;
        let text = reply.text().await.ok()?;
        good.then_some(text)
    }

    /// Posts once; the status, or `None` without an answer.
    pub(crate) async fn post(&self, path: &str, body: String) -> Option<(u16, String)> {
        let call = self
            .client
            .post(self.address(path))
            .bearer_auth(&self.token)
            .body(body);
        let reply = call.send().await.ok()?;
        let status = reply.status().as_u16();
        Some((status, reply.text().await.ok()?))
    }

    /// Posts until it is accepted: from then on it is a debt of the daemon.
    pub(crate) async fn hand_over(&self, body: String) {
        let begun = Instant::now();
        loop {
            match self.post("/api/v1/counts", body.clone()).await {
                Some((202, _)) => return,
                Some((500..=599, _)) | None => {}
                Some((status, text)) => panic!("refused with {status}: {text}"),
            }
            assert!(begun.elapsed() < PATIENCE, "not accepted: {}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Hands the counts of these days ago over for these sources, eight at a time.
    async fn push(
        &self,
        sources: std::ops::Range<usize>,
        days: std::ops::RangeInclusive<u64>,
        count: fn(u64) -> u64,
    ) {
        let today = Utc::now().date_naive();
        let next = std::sync::atomic::AtomicUsize::new(sources.start);
        let worker = async || {
            loop {
                let source = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if source >= sources.end {
                    return;
                }
                self.hand_over(body(source, today, days.clone(), count))
                    .await;
            }
        };
        tokio::join!(
            worker(),
            worker(),
            worker(),
            worker(),
            worker(),
            worker(),
            worker(),
            worker()
        );
    }

    /// Six weeks that hold about a hundred a day, up to yesterday.
    pub(crate) async fn push_history(&self) {
        self.push(0..self.count, 1..=HISTORY, |ago| 100 + ago * 7 % 11)
            .await;
    }

    /// The last three days are corrected: not a single one came.
    pub(crate) async fn push_drop(&self, sources: std::ops::Range<usize>) {
        self.push(sources, 1..=3, |_| 0).await;
    }

    /// The three days as they should have been: the trouble is over.
    pub(crate) async fn push_recovery(&self, sources: std::ops::Range<usize>) {
        self.push(sources, 1..=3, |ago| 100 + ago * 7 % 11).await;
    }

    /// Waits until `look` is content; fails when what `progress` counts stands still.
    pub(crate) async fn until(
        &self,
        what: &str,
        look: impl Fn() -> bool,
        progress: impl Fn() -> usize,
    ) {
        let (mut seen, mut since) = (progress(), Instant::now());
        while !look() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let count = progress();
            if count != seen {
                (seen, since) = (count, Instant::now());
            }
            assert!(
                since.elapsed() < PATIENCE,
                "{what}: stands still at {count} of {}\n{}",
                self.count,
                self.log()
            );
        }
    }

    /// Waits until the daemon has judged `count` checks' worth of rounds since now.
    pub(crate) async fn next_rounds(&self, rounds: u64) {
        let before = self.rounds().await;
        let begun = Instant::now();
        while self.rounds().await < before + rounds {
            assert!(begun.elapsed() < PATIENCE, "no round: {}", self.log());
            // The same counts again: nothing changes, and it is looked at.
            let today = Utc::now().date_naive();
            let again = body(0, today, 30..=30, |ago| 100 + ago * 7 % 11);
            self.post("/api/v1/counts", again).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn rounds(&self) -> u64 {
        let text = self.get("/metrics").await.unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.starts_with("truecount_rounds_total"));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
            .unwrap_or(0)
    }

    /// The database, to be read.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("truecount.db")).unwrap()
    }
}

/// A disk of its own is mounted where only the daemon sees it: that needs user namespaces.
fn needs_namespaces() {
    let tried = Command::new("unshare")
        .args(["--map-root-user", "--mount", "true"])
        .output();
    let why = match tried {
        Ok(done) if done.status.success() => return,
        Ok(done) => String::from_utf8_lossy(&done.stderr).trim().to_owned(),
        Err(why) => format!("unshare cannot be started ({why}); it is part of util-linux"),
    };
    panic!(
        "the test of a full disk mounts a small disk in a user namespace of its own, and this system does not allow one: {why}. \
         Allow it (sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000, on Ubuntu also \
         kernel.apparmor_restrict_unprivileged_userns=0; in a container --cap-add SYS_ADMIN --security-opt seccomp=unconfined), or run the tests as root"
    );
}

fn plan(count: usize, route: &str) -> String {
    let mut text = format!(
        "[project]\nname = \"Rig\"\ntimezone = \"UTC\"\n\n[noise]\ngroup = false\n\n[net]\nallow_private = [\"127.0.0.1\"]\n\n\
         [route.default]\nwebhook = {{ url = {{ env = \"HOOK\" }} }}\ndaily = 1000000\nremind = \"0 min\"\n{route}\n\n"
    );
    for source in 0..count {
        writeln!(
            text,
            "[source.s{source}]\ntype = \"push\"\nevery = \"24 hours\"\n[event.e{source}]\nin.s{source} = true"
        )
        .unwrap();
    }
    text
}

/// Counts of one source for these days before `today`.
pub(crate) fn body(
    source: usize,
    today: NaiveDate,
    days: std::ops::RangeInclusive<u64>,
    count: impl Fn(u64) -> u64,
) -> String {
    let readings: Vec<String> = days
        .map(|ago| {
            let day = today - Days::new(ago);
            let count = count(ago);
            format!(r#"{{"event":"e{source}","grain":"day","start":"{day}","count":{count}}}"#)
        })
        .collect();
    format!(
        r#"{{"source":"s{source}","readings":[{}]}}"#,
        readings.join(",")
    )
}

/// The running process; killed when dropped.
pub(crate) struct Daemon {
    pub(crate) child: Child,
}

impl Daemon {
    /// Sends a signal by name and waits for the end; how long it took.
    pub(crate) async fn end(mut self, signal: &str) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        let done = Command::new("kill")
            .args([&format!("-{signal}"), &self.child.id().to_string()])
            .status();
        assert!(done.unwrap().success());
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, begun.elapsed());
            }
            assert!(begun.elapsed() < PATIENCE, "does not end");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// A path as this process sees it.
    pub(crate) fn sees(&self, path: &Path) -> PathBuf {
        let path = path.strip_prefix("/").unwrap();
        PathBuf::from(format!("/proc/{}/root", self.child.id())).join(path)
    }

    /// Resident memory now and at its highest, in KiB (`/proc/PID/status`).
    pub(crate) fn memory(&self) -> (u64, u64) {
        let path = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(path).unwrap();
        let field = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}
