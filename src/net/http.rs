//! HTTP through reqwest: guarded addresses, counted bodies, no redirects, redacted errors.

use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::{Guard, Method, NetError, Reply, Request, Transport};

/// Longest time to a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Most headers of an answer.
const HEADERS: usize = 100;

/// Answers beyond this many bytes are read one at a time: several hostile ones at once would
/// otherwise take their limits together.
const LARGE: usize = 1 << 20;

/// The real network.
pub struct Http {
    client: reqwest::Client,
    guard: Guard,
    by_proxy: bool,
    large: Semaphore,
}

/// TLS needs a provider of ciphers once per process.
pub(super) fn install_ciphers() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody else may have installed one; any will do.
        if rustls::crypto::ring::default_provider()
            .install_default()
            .is_err()
        {
            tracing::debug!("a provider of ciphers was there already");
        }
    });
}

impl Http {
    /// A client that reaches only what the guard admits; through a proxy only if one is configured,
    /// never by the environment.
    pub fn new(guard: Guard, proxy: Option<&str>) -> Result<Self, NetError> {
        install_ciphers();
        let setup = |what: &str| NetError::Setup {
            why: format!("the network cannot be set up: {what}"),
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("truecount/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(4)
            .http1_max_headers(HEADERS)
            .no_proxy()
            .dns_resolver(Arc::new(GuardedNames {
                guard: guard.clone(),
                proxy: proxy.and_then(host_of),
            }));
        if let Some(address) = proxy {
            let proxy =
                reqwest::Proxy::all(address).map_err(|_| setup("[net] proxy is not an address"))?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|why| setup(&plain(why)))?;
        Ok(Self {
            client,
            guard,
            by_proxy: proxy.is_some(),
            large: Semaphore::new(1),
        })
    }
}

/// Resolves names and hands out only admitted addresses: what is connected to is what was checked.
struct GuardedNames {
    guard: Guard,
    /// The proxy may stand inside: who configures it means it. All other names it resolves itself.
    proxy: Option<String>,
}

/// The host of a proxy's address, which may stand without a scheme.
fn host_of(proxy: &str) -> Option<String> {
    let host = |text: &str| url::Url::parse(text).ok()?.host_str().map(str::to_owned);
    host(proxy).or_else(|| host(&format!("http://{proxy}")))
}

/// Marks an error of the resolver as a refusal.
const REFUSED: &str = "not a public address";

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard.clone();
        let is_proxy = self.proxy.as_deref() == Some(name.as_str());
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let admitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| is_proxy || guard.admits(&host, address.ip()))
                .collect();
            if admitted.is_empty() {
                return Err(REFUSED.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

#[async_trait]
impl Transport for Http {
    async fn call(&self, request: &Request) -> Result<Reply, NetError> {
        let host = request.host();
        let unseen = self.by_proxy && !self.admits_unseen(&request.url);
        if unseen || !self.guard.admits_url(&request.url) {
            return Err(NetError::Forbidden { host });
        }
        match tokio::time::timeout(request.timeout, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(NetError::Unreachable {
                host,
                why: format!("no answer within {} s", request.timeout.as_secs()),
            }),
        }
    }
}

impl Http {
    /// A name that the proxy resolves cannot be judged by where it leads.
    fn admits_unseen(&self, url: &url::Url) -> bool {
        match url.host() {
            Some(url::Host::Domain(name)) => self.guard.admits_name(name),
            _ => true,
        }
    }

    async fn exchange(&self, request: &Request) -> Result<Reply, NetError> {
        let host = request.host();
        let unreachable = |why: reqwest::Error| {
            if is_refusal(&why) {
                NetError::Forbidden {
                    host: request.host(),
                }
            } else {
                NetError::Unreachable {
                    host: request.host(),
                    why: plain(why),
                }
            }
        };
        let mut call = match request.method {
            Method::Get => self.client.get(request.url.clone()),
            Method::Post => self
                .client
                .post(request.url.clone())
                .body(request.body.clone()),
        };
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        let mut answer = call.send().await.map_err(unreachable)?;
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let status = answer.status().as_u16();
        // Declared before the body, so that the room is free when the turn ends.
        let mut turn = None;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + part.len() > request.limit {
                return Err(NetError::TooLarge {
                    host,
                    limit: request.limit,
                });
            }
            body.extend_from_slice(&part);
            if turn.is_none() && body.len() > LARGE {
                // Never closed, so that it cannot fail; it ends with this answer, or with its time.
                turn = self.large.acquire().await.ok();
                // Growing by doubling would hold the old and the new room together.
                body.reserve_exact(request.limit - body.len());
            }
        }
        body.shrink_to_fit();
        Ok(Reply {
            status,
            headers,
            body,
        })
    }
}

fn is_refusal(why: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(why);
    while let Some(error) = cause {
        if error.to_string() == REFUSED {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The innermost reason without any address: reqwest prints whole addresses, tokens included.
fn plain(why: reqwest::Error) -> String {
    let kind = if why.is_timeout() {
        "no answer in time"
    } else if why.is_connect() {
        "no connection"
    } else if why.is_body() || why.is_decode() {
        "the answer broke off"
    } else {
        "the call failed"
    };
    let why = why.without_url();
    let mut inner: &dyn std::error::Error = &why;
    while let Some(deeper) = inner.source() {
        inner = deeper;
    }
    let detail = inner.to_string();
    if detail.contains("://") || detail.len() > 200 {
        kind.to_owned()
    } else {
        format!("{kind} ({detail})")
    }
}
