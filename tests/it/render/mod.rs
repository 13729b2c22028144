//! What people see: the demo's screens, messages and pages, as they are and as a browser shows them.

mod agree;
mod audit;
mod browser;
mod form;
mod golden;
mod screen;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longest wait for the demo; generous for a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// The day on which the demo stands still.
const TODAY: &str = "2026-10-20";

/// The demo with its pages, lived once for all tests.
struct Demo {
    folder: PathBuf,
    address: String,
    /// What it printed before it began to serve.
    screen: String,
    /// A token that may act.
    token: String,
    /// Holds the pipe whose end ends the demo: it dies with the tests.
    _shell: Child,
}

/// The demo; the first caller waits until it is lived.
fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(start)
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for a process, which no clock of ours drives"
)]
fn start() -> Demo {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("demo");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    // What an earlier demo left stands in nobody's way.
    fs::create_dir_all(folder.join("backups")).unwrap();
    fs::write(folder.join("backups/truecount-2026-10-19.db"), "old").unwrap();
    fs::write(folder.join("truecount.toml"), truecount::demo::COMPANY).unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = format!("127.0.0.1:{port}");
    let (out, err) = (folder.join("out.txt"), folder.join("err.txt"));
    let output = folder.to_string_lossy().into_owned();
    let shell = Command::new("sh")
        .args(["-c", "\"$@\" </dev/null & cat >/dev/null; kill $!", "sh"])
        .arg(env!("CARGO_BIN_EXE_truecount"))
        .args(["demo", "--today", TODAY, "--output", &output])
        .args(["--serve", "--listen", &address])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&out).unwrap())
        .stderr(fs::File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let began = Instant::now();
    loop {
        assert!(
            began.elapsed() < PATIENCE,
            "the demo does not serve: {}",
            fs::read_to_string(&err).unwrap()
        );
        if TcpStream::connect(&address).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let notes = fs::read_to_string(&err).unwrap();
    let token = notes.split("sign in with ").nth(1).unwrap();
    Demo {
        token: token.split_whitespace().next().unwrap().to_owned(),
        screen: fs::read_to_string(&out).unwrap(),
        folder,
        address,
        _shell: shell,
    }
}

/// An answer of the server.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

/// One request by hand, so that nothing follows a redirect or keeps a cookie.
fn ask(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let demo = demo();
    let mut stream = TcpStream::connect(&demo.address).unwrap();
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
        demo.address
    );
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if method == "POST" {
        text += &format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            body.len()
        );
    }
    stream
        .write_all(format!("{text}\r\n{body}").as_bytes())
        .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let answer = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    Answer {
        status: status.parse().unwrap(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}

fn get(path: &str) -> String {
    let answer = ask("GET", path, &[], "");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

/// Local addresses that a page points at.
fn links(page: &str) -> Vec<String> {
    page.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|address| address.starts_with('/'))
        .map(|address| address.replace("&amp;", "&"))
        .collect()
}
