//! Servers that play the other side.

pub(crate) mod http_api;
