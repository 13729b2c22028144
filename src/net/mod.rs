//! The only door to other hosts: HTTP with limits, retries, a guard against inward addresses and
//! redacted errors; mail and database connections under the same guard.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Clock;

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

/// Why there is no answer. Never contains an address beyond its host, and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The address may not be reached.
    #[error(
        "{host} is not a public address; allow it with `[net] allow_private = [\"{host}\"]` if it is yours"
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
    #[error("{host} answered with more than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit.
        limit: usize,
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
}
