//! The only door to other hosts: HTTP with limits, retries, a guard against inward addresses and
//! redacted errors; mail and database connections under the same guard.

mod calm;
mod database;
mod gauge;
mod guard;
mod http;
mod json;
mod oauth;
mod retry;
mod smtp;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;

use crate::clock::Clock;
use crate::plan::NetSettings;
use crate::secret::Secrets;

pub use calm::Calm;
pub use database::{Database, DatabaseError, Engine, Row};
pub use gauge::Gauge;
pub use guard::Guard;
pub use http::Http;
pub use json::{OddAnswer, json, shown_start};
pub use oauth::{GoogleTokens, ServiceAccount, TokenError};
pub use retry::{Backoff, retry_after};
pub use smtp::{MailError, probe_mail, send_mail};

/// One HTTP call.
#[derive(Clone)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// The whole address.
    pub url: url::Url,
    /// Header names in lower case with their values; values may be secret.
    pub headers: Vec<(String, String)>,
    /// The body; empty for GET.
    pub body: Vec<u8>,
    /// Longest time for the whole call.
    pub timeout: Duration,
    /// Most bytes of the (unpacked) answer.
    pub limit: usize,
}

/// Longest time for a call unless the caller says otherwise.
const USUAL_TIMEOUT: Duration = Duration::from_secs(30);

/// Most bytes of an answer unless the caller says otherwise.
const USUAL_LIMIT: usize = 16 << 20;

impl Request {
    /// A GET with the usual limits.
    pub fn get(url: url::Url) -> Self {
        Self {
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            timeout: USUAL_TIMEOUT,
            limit: USUAL_LIMIT,
        }
    }

    /// A POST of JSON with the usual limits.
    pub fn post_json(url: url::Url, body: &serde_json::Value) -> Self {
        let body = body.to_string().into_bytes();
        Self {
            method: Method::Post,
            body,
            ..Self::get(url)
        }
        .header("content-type", "application/json")
    }

    /// The same call with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The host, for messages; never more of the address.
    pub fn host(&self) -> String {
        self.url
            .host_str()
            .unwrap_or("an address without a host")
            .to_owned()
    }
}

/// The methods we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Ask with a body, or send.
    Post,
}

/// An answer of any status.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Header names in lower case with their values.
    pub headers: Vec<(String, String)>,
    /// The unpacked body, at most the limit.
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no answer. Never contains an address beyond its host, and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The address may not be reached.
    #[error(
        "{host} is not a public address; if it is yours, allow it in truecount.toml: [net] allow_private = [\"{host}\"]"
    )]
    Forbidden {
        /// The host.
        host: String,
    },
    /// No connection, broken connection, no answer in time.
    #[error("cannot reach {host}: {why}")]
    Unreachable {
        /// The host.
        host: String,
        /// Why, redacted.
        why: String,
    },
    /// The answer is larger than allowed.
    #[error("{host} answered with more than {limit} bytes; the answer was dropped")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// The network part could not be set up.
    #[error("{why}")]
    Setup {
        /// What is wrong.
        why: String,
    },
}

/// One call, no retry. Two users: HTTP, and the scripted one of the tests.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Calls once.
    async fn call(&self, request: &Request) -> Result<Reply, NetError>;
}

/// The door: transport and clock, shared by sources and channels.
#[derive(Clone)]
pub struct Net {
    /// One call.
    pub transport: Arc<dyn Transport>,
    /// For waiting.
    pub clock: Arc<dyn Clock>,
    /// Who may be reached.
    pub guard: Guard,
    /// Access tokens of Google service accounts, shared by all sources of a process.
    pub google: Arc<GoogleTokens>,
    /// Who is to be left alone, shared like the tokens.
    pub calm: Arc<Calm>,
    /// What is noticed along the way, shared like the tokens.
    pub gauge: Arc<Gauge>,
}

impl Net {
    /// The network as `[net]` describes it.
    pub async fn open(
        settings: &NetSettings,
        secrets: &dyn Secrets,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NetError> {
        let guard = Guard::parse(&settings.allow_private).map_err(|why| NetError::Setup { why })?;
        let proxy = match &settings.proxy {
            None => None,
            Some(at) => {
                let text = secrets.read(at).await.map_err(|why| NetError::Setup {
                    why: why.to_string(),
                })?;
                Some(text.expose_secret().to_owned())
            }
        };
        let http = Http::new(guard.clone(), proxy.as_deref())?;
        Ok(Self::with(Arc::new(http), clock, guard))
    }

    /// A door over another transport, for tests.
    pub fn with(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, guard: Guard) -> Self {
        Self {
            transport,
            clock,
            guard,
            google: Arc::new(GoogleTokens::default()),
            calm: Arc::default(),
            gauge: Arc::default(),
        }
    }

    /// Calls once, for calls that must not be repeated.
    pub async fn call(&self, request: &Request) -> Result<Reply, NetError> {
        self.gauge.called();
        let before = self.clock.now();
        let outcome = self.transport.call(request).await;
        if let Ok(reply) = &outcome {
            let host = request.host();
            self.gauge.compare(&host, reply, before, self.clock.now());
        }
        outcome
    }

    /// Calls, and calls again by the rule of `backoff` when the answer asks for it: connection
    /// trouble, 408, 429 and 5xx. Only for calls that may be repeated. The last answer is returned
    /// whatever its status.
    pub async fn fetch(&self, request: &Request, backoff: &Backoff) -> Result<Reply, NetError> {
        retry::fetch(self, request, backoff, &|_| false).await
    }

    /// [`Net::fetch`] that returns an answer at once when `ends` says so, for callers who know
    /// better what it asks for.
    pub async fn fetch_until(
        &self,
        request: &Request,
        backoff: &Backoff,
        ends: &(dyn Fn(&Reply) -> bool + Sync),
    ) -> Result<Reply, NetError> {
        retry::fetch(self, request, backoff, ends).await
    }
}
