//! Which checks, events, owners, sources and kinds a route or a silence speaks of.

use super::Name;

/// Empty lists match everything; a filled list matches when one of its entries does. A text may
/// end in `*`. All lists must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matcher {
    /// Check names such as `purchase.volume` or `purchase.*`.
    pub checks: Vec<String>,
    /// Plan names of events.
    pub events: Vec<String>,
    /// Owner ids.
    pub owners: Vec<String>,
    /// Source names.
    pub sources: Vec<String>,
    /// Only checks on primary conversions.
    pub primary_only: bool,
}

/// What a matcher is held against.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Check name.
    pub check: &'a Name,
    /// Check kind.
    pub kind: &'a Name,
    /// Event, if the check has one.
    pub event: Option<&'a Name>,
    /// Owner, if known.
    pub owner: Option<&'a Name>,
    /// Source, if the check reads one.
    pub source: Option<&'a Name>,
    /// Whether it concerns a primary conversion.
    pub primary: bool,
}

impl Matcher {
    /// Whether the matcher speaks of these facts.
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        (!self.primary_only || facts.primary)
            && one_of(&self.checks, Some(facts.check))
            && one_of(&self.events, facts.event)
            && one_of(&self.owners, facts.owner)
            && one_of(&self.sources, facts.source)
    }
}

fn one_of(patterns: &[String], name: Option<&Name>) -> bool {
    patterns.is_empty()
        || name.is_some_and(|name| {
            patterns
                .iter()
                .any(|pattern| match pattern.strip_suffix('*') {
                    Some(stem) => name.as_str().starts_with(stem),
                    None => pattern == name.as_str(),
                })
        })
}
