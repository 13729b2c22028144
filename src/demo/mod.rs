//! A made-up company whose systems disagree as real ones do, with faults that are known beforehand.

mod fault;
mod plan;
pub mod split;
mod world;

pub use fault::{Card, FAULTS, Fault, scorecard};
pub use plan::{COMPANY, marks, plan_files};
pub use world::{World, answers};

/// Days of history.
pub const DAYS: i64 = 120;
