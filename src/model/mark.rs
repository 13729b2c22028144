//! Things that happened and may explain a change: releases, campaigns, settings, plan changes.

use super::{Name, Timestamp};

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkKind {
    /// Software went out.
    Release,
    /// A tag container or consent banner changed.
    Tag,
    /// A campaign began or ended.
    Campaign,
    /// A setting of a source changed.
    Setting,
    /// The tracking plan changed.
    Plan,
    /// Anything else a person wrote down.
    Note,
}

impl MarkKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Release,
        Self::Tag,
        Self::Campaign,
        Self::Setting,
        Self::Plan,
        Self::Note,
    ];

    /// The word used in the API, the command line and the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Tag => "tag",
            Self::Campaign => "campaign",
            Self::Setting => "setting",
            Self::Plan => "plan",
            Self::Note => "note",
        }
    }

    /// Reads [`MarkKind::word`] back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A dated note on the time line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// When it happened.
    pub at: Timestamp,
    /// What kind.
    pub kind: MarkKind,
    /// Such as `web 4.18.0`.
    pub name: Name,
    /// Which source it concerns, if only one.
    pub source: Option<Name>,
}
