//! The promises of docs/reliability.md, each with its test.

#![expect(
    clippy::disallowed_methods,
    reason = "a real process lives by the real clock"
)]

mod absence;
mod access;
mod calm;
mod delivery;
mod disk;
mod echo;
mod flap;
mod flood;
mod health;
mod hostile;
mod hostile_data;
mod inward;
mod letters;
mod oracle;
mod outage;
mod overlap;
mod people;
mod post;
mod renew;
mod restart;
mod rig;
mod secret;
mod sim;
mod slots;
mod stall;
