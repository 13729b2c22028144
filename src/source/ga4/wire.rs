//! What the Data API answers. Fields at their default are left out; numbers come as texts.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::setting;

use super::Columns;

/// A number that may be written as a text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let read = match &value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    read.ok_or_else(|| serde::de::Error::custom("not a whole number"))
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Header {
    pub(super) name: String,
}

#[derive(Debug, Clone, Deserialize, Default)]
pub(super) struct Cell {
    #[serde(default)]
    pub(super) value: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportRow {
    #[serde(default)]
    pub(super) dimension_values: Vec<Cell>,
    #[serde(default)]
    pub(super) metric_values: Vec<Cell>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sampling {
    #[serde(default, deserialize_with = "number")]
    pub(super) samples_read_count: u64,
    #[serde(default, deserialize_with = "number")]
    pub(super) sampling_space_size: u64,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportMetadata {
    pub(super) time_zone: Option<String>,
    pub(super) currency_code: Option<String>,
    #[serde(default)]
    pub(super) subject_to_thresholding: bool,
    #[serde(default)]
    pub(super) data_loss_from_other_row: bool,
    #[serde(default)]
    pub(super) sampling_metadatas: Vec<Sampling>,
}

#[derive(Debug, Clone, Deserialize, Default)]
pub(super) struct Quota {
    #[serde(default)]
    pub(super) remaining: u64,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct PropertyQuota {
    #[serde(default)]
    pub(super) tokens_per_day: Quota,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    #[serde(default)]
    pub(super) dimension_headers: Vec<Header>,
    #[serde(default)]
    pub(super) metric_headers: Vec<Header>,
    #[serde(default)]
    pub(super) rows: Vec<ReportRow>,
    #[serde(default, deserialize_with = "number")]
    pub(super) row_count: u64,
    #[serde(default)]
    pub(super) metadata: ReportMetadata,
    #[serde(default)]
    pub(super) property_quota: Option<PropertyQuota>,
}

impl Report {
    /// A page whose rows do not fit its headers was cut or mixed up.
    pub(super) fn check(&self) -> Result<(), String> {
        let (dimensions, metrics) = (self.dimension_headers.len(), self.metric_headers.len());
        let fits = |row: &ReportRow| {
            row.dimension_values.len() == dimensions && row.metric_values.len() == metrics
        };
        if self.rows.iter().all(fits) {
            Ok(())
        } else {
            Err("GA4 answered with rows that do not fit their headers".to_owned())
        }
    }

    /// Dimension names to their columns: the order follows the headers, never the question.
    pub(super) fn columns(&self) -> Columns {
        self.dimension_headers
            .iter()
            .enumerate()
            .map(|(at, header)| (header.name.clone(), at))
            .collect()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    #[serde(default)]
    pub(super) api_name: String,
    #[serde(default)]
    pub(super) custom_definition: bool,
}

/// Settings of a property that change what its numbers mean. What is not answered is left out.
pub(super) fn settings(report: &ReportMetadata, metadata: &Metadata) -> Vec<(String, String)> {
    let single = [
        ("time zone", report.time_zone.clone()),
        ("currency", report.currency_code.clone()),
    ];
    let custom = metadata
        .dimensions
        .iter()
        .filter(|one| one.custom_definition);
    let key_events = metadata.metrics.iter();
    let key_events = key_events.filter_map(|one| one.api_name.strip_prefix("keyEvents:"));
    let lists = [
        (
            "custom dimensions",
            custom
                .map(|one| one.api_name.as_str())
                .collect::<BTreeSet<_>>(),
        ),
        ("key events", key_events.collect()),
    ];
    let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
    let joined = lists.map(|(key, names)| {
        let names: Vec<&str> = names.into_iter().collect();
        (key.to_owned(), names.join(setting::BETWEEN))
    });
    let single = single.into_iter();
    let single = single.filter_map(|(key, value)| Some((key.to_owned(), value?)));
    single.chain(joined).collect()
}

#[derive(Debug, Clone, Deserialize, Default)]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) dimensions: Vec<Named>,
    #[serde(default)]
    pub(super) metrics: Vec<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    error: Fault,
}

#[derive(Debug, Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
}

impl Envelope {
    /// Safe to show: one line without unsafe characters and without secrets.
    pub(super) fn shown(&self) -> String {
        let told = format!("{} ({})", self.error.message, self.error.status);
        crate::net::shown_start(told.as_bytes())
    }
}
