//! A receiver of webhooks that remembers everything and misbehaves on order: slow, refusing, cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One call as it came.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    /// The key by which a repeat is known: `webhook-id`.
    pub(crate) key: String,
    pub(crate) body: String,
    /// What was answered; 0 when the connection was cut instead.
    pub(crate) status: u16,
}

impl Arrival {
    /// A field of the body, by a JSON pointer.
    pub(crate) fn field(&self, pointer: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        match body.pointer(pointer) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    /// What kind of message it is: `incident.opened`, `truecount.trouble`.
    pub(crate) fn kind(&self) -> String {
        self.field("/type")
    }

    pub(crate) fn was_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// How a call is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    pub(crate) delay: Duration,
    /// 0 cuts the connection after the body was read.
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
}

/// Is given how often this key came before, and how many calls there were before.
type Manners = Arc<dyn Fn(usize, usize) -> Manner + Send + Sync>;

/// The receiver; ends with its runtime.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: String,
    log: Arc<Mutex<Log>>,
    manners: Arc<Mutex<Manners>>,
}

#[derive(Default)]
struct Log {
    arrivals: Vec<Arrival>,
    /// By key: how often it came, and how often it was taken.
    times: BTreeMap<String, (usize, usize)>,
    /// Sources of which an opening was taken.
    opened: BTreeSet<String>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let fine: Manners = Arc::new(|_, _| Manner {
            status: 204,
            ..Manner::default()
        });
        let receiver = Self {
            address,
            log: Arc::default(),
            manners: Arc::new(Mutex::new(fine)),
        };
        let own = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        receiver
    }

    /// From now on.
    pub(crate) fn behave(&self, manners: impl Fn(usize, usize) -> Manner + Send + Sync + 'static) {
        *self.manners.lock().unwrap() = Arc::new(manners);
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.log.lock().unwrap().arrivals.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.log.lock().unwrap().arrivals.len()
    }

    /// How many different keys were taken.
    pub(crate) fn taken(&self) -> usize {
        let log = self.log.lock().unwrap();
        log.times.values().filter(|(_, taken)| *taken > 0).count()
    }

    /// Sources of which an opening was taken.
    pub(crate) fn opened(&self) -> usize {
        self.log.lock().unwrap().opened.len()
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut read = Vec::new();
        while let Some((key, body)) = next_call(&mut stream, &mut read).await {
            let at = Instant::now();
            let manners = Arc::clone(&self.manners.lock().unwrap());
            let manner = {
                let mut log = self.log.lock().unwrap();
                let before = log.times.get(&key).map_or(0, |times| times.0);
                let manner = manners(before, log.arrivals.len());
                let status = manner.status;
                let arrival = Arrival {
                    at,
                    key,
                    body,
                    status,
                };
                let times = log.times.entry(arrival.key.clone()).or_default();
                times.0 += 1;
                times.1 += usize::from(arrival.was_taken());
                if arrival.was_taken() && arrival.field("/type") == "incident.opened" {
                    log.opened.insert(arrival.field("/data/source"));
                }
                log.arrivals.push(arrival);
                manner
            };
            if !manner.delay.is_zero() {
                tokio::time::sleep(manner.delay).await;
            }
            if manner.status == 0 {
                return;
            }
            let wish = manner
                .retry_after
                .map(|text| format!("retry-after: {text}\r\n"));
            let head = format!(
                "HTTP/1.1 {} ok\r\ncontent-length: 0\r\n{}\r\n",
                manner.status,
                wish.unwrap_or_default()
            );
            if stream.write_all(head.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// Key and body of the next call; `None` when the other side is gone.
async fn next_call(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<(String, String)> {
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
            let field = |name: &str| {
                head.lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(|text| text.trim().to_owned())
            };
            let length: usize = field("content-length:")
                .and_then(|n| n.parse().ok())
                .unwrap_or(0);
            if read.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&read[end + 4..end + 4 + length]).into_owned();
                read.drain(..end + 4 + length);
                return Some((field("webhook-id:").unwrap_or_default(), body));
            }
        }
        let mut part = vec![0; 16 << 10];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&part[..count]),
        }
    }
}
