//! Truecount: counts that can be trusted, or the reason why not.
//!
//! The rooms in reading order; a room imports only rooms above it (`tests/it/layers.rs`).

pub mod model;

pub mod stats;
