//! Connectors against the real thing: files, databases, and servers on loopback.

mod bad;
mod bench;
mod clocks;
mod files;
mod first;
mod ga4;
mod http;
mod hubspot;
#[cfg(feature = "lake")]
mod lake;
mod push;
mod query;
mod sql;
