//! What can be asked of a source, and the identity of each answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Digest, Fingerprint, Grain, Name};

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A planned event (or an unplanned one, under its native name).
    Event(Name),
    /// Every event of the source; with `by = [event]` the list of names that arrive.
    AnyEvent,
    /// Visits, for unknown traffic and UTM hygiene.
    Sessions,
}

/// How it is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// How many.
    Count,
    /// The sum of an amount, in major units of `currency` (ISO 4217) where the source knows it.
    Sum {
        /// The parameter or column that is summed.
        of: Name,
        /// The only currency that is accepted; `None` when the source has no currency.
        currency: Option<String>,
    },
    /// Distinct users, an estimate in most sources.
    Users,
    /// Events that carry every one of these parameters.
    Having(Vec<Name>),
    /// Events whose parameter is present and follows the rule.
    Valid {
        /// The parameter.
        parameter: Name,
        /// What it must look like.
        rule: Rule,
    },
    /// Repeats of an identifier: the sum over its values of (count - 1).
    Repeats(Name),
    /// Events without a value for the identifier.
    WithoutId(Name),
    /// Sessions or events with no usable source or medium.
    Unknown,
    /// Sessions or events with analytics consent.
    Consented,
}

impl Measure {
    /// A short stable text, part of the series identity and shown by `explain`.
    pub fn text(&self) -> String {
        match self {
            Self::Count => "count".to_owned(),
            Self::Sum { of, currency } => {
                format!(
                    "sum({of}{}{})",
                    if currency.is_some() { ":" } else { "" },
                    currency.as_deref().unwrap_or("")
                )
            }
            Self::Users => "users".to_owned(),
            Self::Having(names) => {
                format!(
                    "having({})",
                    names.iter().map(Name::as_str).collect::<Vec<_>>().join(",")
                )
            }
            Self::Valid { parameter, rule } => format!("valid({parameter}:{})", rule.text()),
            Self::Repeats(name) => format!("repeats({name})"),
            Self::WithoutId(name) => format!("without_id({name})"),
            Self::Unknown => "unknown".to_owned(),
            Self::Consented => "consented".to_owned(),
        }
    }
}

/// What a parameter's value must look like. Checked by the source itself, so that values are
/// never fetched or kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// One of these texts.
    OneOf(Vec<String>),
    /// A regular expression that must match the whole value.
    Pattern(String),
    /// A number, optionally within bounds (written as decimal texts so that rules are `Eq`).
    Number {
        /// Smallest allowed value.
        min: Option<String>,
        /// Largest allowed value.
        max: Option<String>,
    },
    /// Begins with http:// or https://.
    Url,
}

impl Rule {
    /// A short stable text.
    pub fn text(&self) -> String {
        match self {
            Self::OneOf(values) => format!("one of {}", values.join("|")),
            Self::Pattern(pattern) => format!("matches {pattern}"),
            Self::Number { min, max } => {
                format!(
                    "number {}..{}",
                    min.as_deref().unwrap_or(""),
                    max.as_deref().unwrap_or("")
                )
            }
            Self::Url => "url".to_owned(),
        }
    }
}

/// A part of the whole: dimension to value; empty means everything.
pub type Segment = BTreeMap<Name, String>;

/// One literal of a filter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A quoted text.
    Text(String),
    /// A number as written.
    Number(String),
}

impl Value {
    /// The text without quotes.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
        }
    }
}

/// One comparison of a `where`. A missing value never matches, also not `NotEqual`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// `field = 'x'`
    Equal(Name, Value),
    /// `field != 'x'`
    NotEqual(Name, Value),
    /// `field in ('a', 'b')`
    In(Name, Vec<Value>),
    /// `field >= 5`
    AtLeast(Name, Value),
    /// `field <= 5`
    AtMost(Name, Value),
}

impl Term {
    /// The parameter that is compared, by its plan name.
    pub fn field(&self) -> &Name {
        match self {
            Self::Equal(name, _)
            | Self::NotEqual(name, _)
            | Self::In(name, _)
            | Self::AtLeast(name, _)
            | Self::AtMost(name, _) => name,
        }
    }
}

/// Terms joined by `and`; empty means everything. `plan` parses the text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter(pub Vec<Term>);

/// How one source knows an event: the content of `in.<source>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mapping {
    /// The event's native name (GA4 event name, form name); `None` for tables and objects.
    pub native: Option<String>,
    /// Further settings as written, such as `table`, `date`, `object`, `filter`, `sum`, `id`.
    pub settings: BTreeMap<String, String>,
    /// Parameter name in the plan to field name in the source.
    pub fields: BTreeMap<Name, String>,
}

impl Mapping {
    /// The source's name for a plan parameter: mapped, or the same.
    pub fn field<'a>(&'a self, parameter: &'a Name) -> &'a str {
        self.fields
            .get(parameter)
            .map_or(parameter.as_str(), String::as_str)
    }
}

/// One thing a check wants to know from one source, for any window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// The source that is asked.
    pub source: Name,
    /// What is counted.
    pub subject: Subject,
    /// How the source knows it; empty for [`Subject::AnyEvent`] and [`Subject::Sessions`].
    pub mapping: Mapping,
    /// How it is counted.
    pub measure: Measure,
    /// Bucket width.
    pub grain: Grain,
    /// Dimensions to split by; empty for the total alone.
    pub by: Vec<Name>,
    /// At most this many values per breakdown are kept, the rest is summed as `(rest)`.
    pub top: u16,
    /// Which events count.
    pub filter: Filter,
}

impl Question {
    /// The usual number of values kept of a breakdown (decision 26).
    pub const TOP: u16 = 20;

    /// A plain total without breakdown or filter.
    pub fn total(
        source: &Name,
        subject: Subject,
        mapping: Mapping,
        measure: Measure,
        grain: Grain,
    ) -> Self {
        Self {
            source: source.clone(),
            subject,
            mapping,
            measure,
            grain,
            by: Vec::new(),
            top: Self::TOP,
            filter: Filter::default(),
        }
    }

    /// The same question split by dimensions.
    #[must_use]
    pub fn split(mut self, by: &[Name]) -> Self {
        self.by = by.to_vec();
        self
    }

    /// The same question for another measure.
    #[must_use]
    pub fn measured(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    /// The identity of the answer for one segment. It is shared by every value of the series: make
    /// it once for many.
    pub fn key(&self, segment: Segment) -> Arc<SeriesKey> {
        Arc::new(SeriesKey {
            source: self.source.clone(),
            subject: self.subject.clone(),
            measure: self.measure.clone(),
            grain: self.grain,
            dimensions: self.by.clone(),
            segment,
            definition: self.definition(),
        })
    }

    /// 16 bytes shared by every segment's series of this question in a project.
    pub fn family(&self, project: &Name) -> Fingerprint {
        self.key(Segment::new()).family(project)
    }

    /// Hash of mapping and filter: a changed definition starts a new regime (decision 2).
    pub fn definition(&self) -> u64 {
        let mut digest = Digest::new("definition.1");
        digest.text(self.mapping.native.as_deref().unwrap_or(""));
        for (key, value) in &self.mapping.settings {
            digest.text(key).text(value);
        }
        for (key, value) in &self.mapping.fields {
            digest.text(key.as_str()).text(value);
        }
        for term in &self.filter.0 {
            digest.text(&format!("{term:?}"));
        }
        digest.number()
    }
}

/// The identity of a series of readings, without project (the store adds it).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// Where it was read.
    pub source: Name,
    /// What was counted.
    pub subject: Subject,
    /// How.
    pub measure: Measure,
    /// Bucket width.
    pub grain: Grain,
    /// The breakdown this segment belongs to; empty for the total.
    pub dimensions: Vec<Name>,
    /// The part; empty for the total.
    pub segment: Segment,
    /// [`Question::definition`].
    pub definition: u64,
}

impl SeriesKey {
    /// 16 bytes that name the series in a project, for ever.
    pub fn id(&self, project: &Name) -> Fingerprint {
        let mut digest = Digest::new("series.1");
        digest.bytes(&self.family(project).0);
        for (key, value) in &self.segment {
            digest.text(key.as_str()).text(value);
        }
        digest.fingerprint()
    }

    /// 16 bytes shared by every segment of the same question.
    pub fn family(&self, project: &Name) -> Fingerprint {
        let mut digest = Digest::new("family.1");
        digest
            .text(project.as_str())
            .text(self.source.as_str())
            .text(&self.subject_text());
        digest.text(&self.measure.text()).text(self.grain.word());
        for dimension in &self.dimensions {
            digest.text(dimension.as_str());
        }
        digest.text(&self.definition.to_string());
        digest.fingerprint()
    }

    /// `purchase`, `*` or `(sessions)`.
    pub fn subject_text(&self) -> String {
        match &self.subject {
            Subject::Event(name) => name.as_str().to_owned(),
            Subject::AnyEvent => "*".to_owned(),
            Subject::Sessions => "(sessions)".to_owned(),
        }
    }
}
