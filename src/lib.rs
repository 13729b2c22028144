//! Truecount: counts that can be trusted, or the reason why not.
//!
//! The rooms in reading order; a room imports only rooms above it (`tests/it/layers.rs`).

// The core: values in, values out.

pub mod model;

pub mod stats;

pub mod config;

pub mod plan;

#[cfg(feature = "lake")]
pub mod sql;

pub mod check;

pub mod incident;

pub mod notify;

pub mod report;

pub mod render;

pub mod demo;

// The shell: everything the world can break.

pub mod clock;

pub mod secret;

pub mod telemetry;

pub mod net;

pub mod store;

#[cfg(feature = "lake")]
pub mod engine;

pub mod source;

pub mod deliver;

pub mod daemon;

pub mod server;

pub mod app;

pub mod cli;
