//! Values to text for people and machines; decides nothing.

pub mod alertmanager;
pub mod audit;
pub mod brief;
pub mod chart;
pub mod diagnostic;
pub mod discord;
mod facts;
pub mod google_chat;
pub mod history;
pub mod mail;
pub mod ntfy;
pub mod omitted;
pub mod page;
pub mod pagerduty;
pub mod slack;
pub mod teams;
pub mod telegram;
pub mod terminal;
pub mod webhook;
pub mod words;

pub use facts::{IncidentText, describe};
