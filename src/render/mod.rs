//! Values to text for people and machines; decides nothing.

pub mod diagnostic;
mod facts;
pub mod mail;
pub mod slack;
pub mod terminal;
pub mod webhook;
pub mod words;

pub use facts::{IncidentText, describe};
