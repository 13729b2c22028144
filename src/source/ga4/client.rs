//! Calls of the Data API: tokens, pages, and errors as reactions.

use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;

use crate::net::{
    Backoff, NetError, Reply, Request, ServiceAccount, TokenError, json, retry_after, shown_start,
};
use crate::source::{Means, Pulled, SourceError};

use super::wire::{Envelope, Report};
use super::{Ga4, answer};

const SCOPE: &str = "https://www.googleapis.com/auth/analytics.readonly";

/// Server errors are tried at most twice again: ten of them an hour lock the property.
const BACKOFF: Backoff = Backoff {
    tries: 3,
    ..Backoff::READ
};

/// Rows of one page: some hundred bytes each, well under the limit of an answer.
const PAGE: u64 = 25_000;

/// Most pages of one report.
const PAGES: u64 = 80;

/// Most rows of one report.
pub(super) const ROWS: u64 = PAGES * PAGE;

impl Ga4 {
    /// Reads a report page by page and hands each page to `each`: nothing is kept of a long report.
    /// false when it is longer than may be read; then `each` saw only a part.
    pub(super) async fn pages(
        &self,
        account: &ServiceAccount,
        body: &Value,
        means: &Means,
        pulled: &mut Pulled,
        mut each: impl FnMut(&Report) -> Result<(), SourceError> + Send,
    ) -> Result<bool, SourceError> {
        let mut offset = 0;
        for page in 0..PAGES {
            let mut body = body.clone();
            body["limit"] = Value::String(PAGE.to_string());
            body["offset"] = Value::String(offset.to_string());
            let report = self.report(account, &body, means).await?;
            means.net.gauge.left(answer::quota_left(&report));
            if page == 0 {
                pulled.notes.retain(|note| !note.starts_with(answer::QUOTA));
                pulled.notes.extend(answer::quota_note(&report));
            }
            offset += report.rows.len() as u64;
            each(&report)?;
            if report.rows.is_empty() && offset < report.row_count {
                return Err(SourceError::Odd {
                    why: format!(
                        "a report of GA4 breaks off after {offset} of {} rows",
                        report.row_count
                    ),
                });
            }
            if offset >= report.row_count {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn report(
        &self,
        account: &ServiceAccount,
        body: &Value,
        means: &Means,
    ) -> Result<Report, SourceError> {
        let url = self.address("runReport")?;
        let reply = self
            .call(account, Request::post_json(url, body), means)
            .await?;
        let report: Report = json("GA4", &reply).map_err(|why| SourceError::Odd {
            why: why.to_string(),
        })?;
        report.check().map_err(|why| SourceError::Odd { why })?;
        Ok(report)
    }

    pub(super) async fn get<T: serde::de::DeserializeOwned>(
        &self,
        account: &ServiceAccount,
        what: &str,
        means: &Means,
    ) -> Result<T, SourceError> {
        let url = self.address(what)?;
        let reply = self.call(account, Request::get(url), means).await?;
        json("GA4", &reply).map_err(|why| SourceError::Odd {
            why: why.to_string(),
        })
    }

    fn address(&self, what: &str) -> Result<Url, SourceError> {
        let base = self.base.as_str().trim_end_matches('/');
        let separator = if what == "metadata" { '/' } else { ':' };
        let text = format!(
            "{base}/v1beta/properties/{}{separator}{what}",
            self.property
        );
        Url::parse(&text).map_err(|_| SourceError::Refused {
            why: "base_url is not an address".to_owned(),
        })
    }

    /// One call with a token; a 401 renews the token once.
    pub(super) async fn call(
        &self,
        account: &ServiceAccount,
        request: Request,
        means: &Means,
    ) -> Result<Reply, SourceError> {
        for attempt in 0..2 {
            let token = means
                .net
                .google
                .token(account, SCOPE, &means.net)
                .await
                .map_err(|why| match why {
                    TokenError::Key(_) | TokenError::Refused(_) => SourceError::Refused {
                        why: why.to_string(),
                    },
                    TokenError::Wait(why) => SourceError::Wait { after: None, why },
                })?;
            let bearer = format!("Bearer {}", token.expose_secret());
            let signed = request.clone().header("authorization", &bearer);
            let reply = means
                .net
                .fetch(&signed, &BACKOFF)
                .await
                .map_err(|why| match why {
                    NetError::Forbidden { .. } | NetError::Setup { .. } => SourceError::Refused {
                        why: why.to_string(),
                    },
                    NetError::TooLarge { .. } => SourceError::Odd {
                        why: why.to_string(),
                    },
                    NetError::Unreachable { .. } => SourceError::Wait {
                        after: None,
                        why: why.to_string(),
                    },
                })?;
            if reply.is_success() {
                return Ok(reply);
            }
            if reply.status == 401 && attempt == 0 {
                means.net.google.forget(account, SCOPE).await;
                continue;
            }
            return Err(trouble(
                account,
                &self.property,
                &reply,
                means.net.clock.now(),
            ));
        }
        Err(SourceError::Refused {
            why: "GA4 does not accept the token of the service account".to_owned(),
        })
    }
}

/// Google's error envelope as a reaction.
fn trouble(
    account: &ServiceAccount,
    property: &str,
    reply: &Reply,
    now: crate::model::Timestamp,
) -> SourceError {
    let envelope: Option<Envelope> = serde_json::from_slice(&reply.body).ok();
    let message = envelope.map_or_else(|| shown_start(&reply.body), |known| known.shown());
    let status = reply.status;
    match status {
        429 => SourceError::Wait {
            after: retry_after(reply, now).or(Some(TimeDelta::hours(1))),
            why: format!("the quota of GA4 property {property} is used up: {message}"),
        },
        500..=599 | 408 => SourceError::Wait {
            after: retry_after(reply, now),
            why: format!("GA4 answered {status}: {message}"),
        },
        403 => SourceError::Refused {
            why: format!(
                "GA4 refused property {property}: {message}; add {} as a Viewer under Admin > Property access management",
                account.email()
            ),
        },
        _ => SourceError::Refused {
            why: format!("GA4 answered {status}: {message}"),
        },
    }
}
