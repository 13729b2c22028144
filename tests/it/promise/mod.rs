//! The promises of docs/reliability.md, each with its test.

#![expect(
    clippy::disallowed_methods,
    reason = "a real process lives by the real clock"
)]

mod access;
mod calm;
mod delivery;
mod disk;
mod echo;
mod flood;
mod hostile;
mod inward;
mod outage;
mod restart;
mod rig;
mod secret;
mod sim;
mod slots;
mod stall;
