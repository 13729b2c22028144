//! The promises of docs/reliability.md, each with its test.

#![expect(
    clippy::disallowed_methods,
    reason = "a real process lives by the real clock"
)]

mod delivery;
mod outage;
mod rig;
mod sim;
