//! The one integration binary: every room through its front door.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(clippy::too_many_lines, reason = "a scenario reads best in one piece")]

mod check;
mod cli;
mod config;
mod daemon;
mod deliver;
mod demo;
mod deploy;
mod diff;
mod docs;
mod doctor;
mod examples;
mod fake;
mod first_audit;
mod former;
mod fuzz;
mod hours;
mod incident;
mod layers;
mod made;
mod notify;
mod plan;
mod promise;
mod rehearse;
mod render;
mod schedule;
mod source;
mod stats;
mod store;
mod times;
