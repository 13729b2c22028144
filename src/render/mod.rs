//! Values to text for people and machines; decides nothing.

pub mod audit;
pub mod chart;
pub mod diagnostic;
mod facts;
pub mod history;
pub mod mail;
pub mod page;
pub mod slack;
pub mod terminal;
pub mod webhook;
pub mod words;

pub use facts::{IncidentText, describe};
