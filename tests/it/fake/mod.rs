//! Servers that play the other side.

pub(crate) mod ga4;
pub(crate) mod http_api;
pub(crate) mod hubspot;
pub(crate) mod life;
