//! Calls of the search: paced, patient with limits, and errors as reactions.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{NaiveTime, TimeDelta};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::config::SecretRef;
use crate::model::{Calendar, Name, Timestamp};
use crate::net::{Backoff, NetError, Reply, Request, json, retry_after, shown_start};
use crate::secret::SecretString;
use crate::source::{Means, SourceError};

/// The search takes four requests a second of an account (five by newer pages); this leaves room.
const PACE: TimeDelta = TimeDelta::milliseconds(260);

/// A limit by the second or by ten seconds is waited for so often in one search.
const PATIENCE: u32 = 12;

/// The longest rest, whatever was asked for.
const LONGEST_REST: TimeDelta = TimeDelta::days(2);

/// A token that is not accepted is not shown again for this long; a reload forgets it.
const AFTER_401: TimeDelta = TimeDelta::minutes(1);

/// The longest wait inside a pull.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(1);

/// How calls to an account are made.
pub(super) struct Client {
    token: SecretRef,
    version: String,
    base: Url,
    /// Says when tomorrow begins.
    calendar: Calendar,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The next call may go out.
    next: Option<Timestamp>,
    /// The account is not asked before.
    rest: Option<Rest>,
}

#[derive(Clone)]
struct Rest {
    until: Timestamp,
    why: String,
}

/// A page of a search.
#[derive(Deserialize)]
pub(super) struct Found {
    /// How many records there are, on all pages.
    pub(super) total: u64,
    /// Those of this page.
    #[serde(default)]
    pub(super) results: Vec<Record>,
}

/// A record with the properties that were asked for.
#[derive(Deserialize)]
pub(super) struct Record {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, Option<String>>,
}

/// Why a search gave nothing.
pub(super) enum Trouble {
    /// The whole pull ends.
    Pull(SourceError),
    /// Only this question cannot be answered: a property is gone, a condition is not taken.
    Question(String),
}

impl From<SourceError> for Trouble {
    fn from(why: SourceError) -> Self {
        Self::Pull(why)
    }
}

/// What a refusal asks for.
enum Next {
    /// Wait and ask again.
    Again(TimeDelta),
    /// Give up, and leave the account alone for so long.
    Rest(Timestamp, SourceError),
    End(Trouble),
}

impl Client {
    pub(super) fn new(token: SecretRef, version: String, base: Url, calendar: Calendar) -> Self {
        let state = Mutex::default();
        Self {
            token,
            version,
            base,
            calendar,
            state,
        }
    }

    /// The token as it is now.
    pub(super) async fn token(&self, means: &Means) -> Result<SecretString, SourceError> {
        let read = means.secrets.read(&self.token).await;
        read.map_err(|why| SourceError::Refused {
            why: why.to_string(),
        })
    }

    /// Where an object is searched: date-based versions stand behind the family, v3 before it.
    fn address(&self, object: &str) -> Result<Url, SourceError> {
        let base = self.base.as_str().trim_end_matches('/');
        let plain = object
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let path = if self.version == "v3" {
            format!("{base}/crm/v3/objects/{object}/search")
        } else {
            format!("{base}/crm/objects/{}/{object}/search", self.version)
        };
        Url::parse(&path)
            .ok()
            .filter(|_| plain && !object.is_empty())
            .ok_or_else(|| SourceError::Refused {
                why: format!("`{}` is not an object of HubSpot", Name::clean(object)),
            })
    }

    /// One search, asked again as long as only the pace was wrong.
    pub(super) async fn search(
        &self,
        token: &SecretString,
        object: &str,
        body: &Value,
        means: &Means,
    ) -> Result<Found, Trouble> {
        let bearer = format!("Bearer {}", token.expose_secret());
        let request =
            Request::post_json(self.address(object)?, body).header("authorization", &bearer);
        let clock = &means.net.clock;
        for attempt in 0.. {
            let now = clock.now();
            clock.sleep_until(self.turn(now)?).await;
            // A limit is waited for here, where its kind is known.
            let limited = |reply: &Reply| reply.status == 429;
            let answer = means.net.fetch_until(&request, &Backoff::READ, &limited);
            let reply = answer.await.map_err(|why| unreachable(&why))?;
            if reply.is_success() {
                let found = json("HubSpot", &reply).map_err(|why| SourceError::Odd {
                    why: why.to_string(),
                });
                return Ok(found?);
            }
            let now = clock.now();
            match self.next(&reply, object, now) {
                Next::Again(wait) if attempt < PATIENCE && wait <= LONGEST_WAIT => {
                    clock.sleep_until(now + wait).await;
                }
                Next::Again(wait) => return Err(busy(&reply, Some(wait)).into()),
                Next::Rest(until, why) => {
                    self.rest(now, until, &why);
                    return Err(why.into());
                }
                Next::End(why) => return Err(why),
            }
        }
        Err(SourceError::Odd {
            why: "HubSpot was asked without end".to_owned(),
        }
        .into())
    }

    /// When the next call may go out, or why none may.
    fn turn(&self, now: Timestamp) -> Result<Timestamp, SourceError> {
        let Ok(mut state) = self.state.lock() else {
            return Ok(now + PACE);
        };
        if let Some(rest) = state.rest.as_ref().filter(|rest| now < rest.until) {
            return Err(SourceError::Wait {
                after: Some(rest.until - now),
                why: rest.why.clone(),
            });
        }
        // A clock that stepped back must not stop us.
        let near = |at: &Timestamp| *at - now < TimeDelta::seconds(5);
        let at = state.next.filter(near).map_or(now, |at| at.max(now));
        state.next = Some(at + PACE);
        Ok(at)
    }

    fn rest(&self, now: Timestamp, until: Timestamp, why: &SourceError) {
        if let Ok(mut state) = self.state.lock() {
            let why = why.to_string();
            let until = until.min(now + LONGEST_REST);
            state.rest = Some(Rest { until, why });
        }
    }

    /// The daily limit ends at midnight of the account's zone, which is mostly ours. Where it is
    /// not, midnight passed and the limit stands: then hour by hour.
    fn tomorrow(&self, now: Timestamp) -> Timestamp {
        let rested = self.state.lock().ok().and_then(|state| {
            let rest = state.rest.as_ref()?;
            Some(now - rest.until < TimeDelta::days(1))
        });
        if rested == Some(true) {
            return now + TimeDelta::hours(1);
        }
        let today = self.calendar.local(now).date();
        let next = today.succ_opt().unwrap_or(today);
        self.calendar.instant(next.and_time(NaiveTime::MIN))
    }

    /// HubSpot's errors as reactions.
    fn next(&self, reply: &Reply, object: &str, now: Timestamp) -> Next {
        let fault = Fault::of(reply);
        let asked = retry_after(reply, now);
        let refused = |why: String| Next::End(Trouble::Pull(SourceError::Refused { why }));
        match reply.status {
            429 if fault.policy_name == "DAILY" => {
                let until = asked.map_or_else(|| self.tomorrow(now), |wait| now + wait);
                let again = self.calendar.local(until).format("%-d %b %H:%M");
                let why = format!(
                    "the daily limit of HubSpot is used up: {}; it is asked again from {again}",
                    fault.text
                );
                let after = Some(until - now);
                Next::Rest(until, SourceError::Wait { after, why })
            }
            429 if fault.policy_name == "SECONDLY" => {
                Next::Again(asked.unwrap_or(TimeDelta::seconds(1)))
            }
            429 => Next::Again(asked.unwrap_or(TimeDelta::seconds(10))),
            423 => Next::Again(asked.unwrap_or(TimeDelta::seconds(2))),
            477 => {
                let wait = asked.unwrap_or(TimeDelta::hours(1));
                Next::Rest(now + wait, busy(reply, Some(wait)))
            }
            500..=599 => Next::End(busy(reply, asked).into()),
            // No other question would fare better.
            401 => {
                let why = format!("HubSpot does not accept the token: {}", fault.text);
                Next::Rest(now + AFTER_401, SourceError::Refused { why })
            }
            403 => {
                let scopes = fault.scopes(object);
                refused(format!(
                    "the token lacks the scope {scopes}: {}; add it in HubSpot under Settings > Integrations, where the private app or service key stands",
                    fault.text
                ))
            }
            400 => Next::End(Trouble::Question(format!(
                "HubSpot does not take the search of {object}: {}",
                fault.text
            ))),
            status => refused(format!("HubSpot answered {status}: {}", fault.text)),
        }
    }
}

fn busy(reply: &Reply, after: Option<TimeDelta>) -> SourceError {
    let text = Fault::of(reply).text;
    let why = match reply.status {
        423 => format!("HubSpot has locked the account for a moment (423): {text}"),
        477 => format!("HubSpot moves the account to another data center (477): {text}"),
        status => format!("HubSpot answered {status}: {text}"),
    };
    SourceError::Wait { after, why }
}

fn unreachable(why: &NetError) -> SourceError {
    let text = why.to_string();
    match why {
        NetError::Forbidden { .. } | NetError::Setup { .. } => SourceError::Refused { why: text },
        NetError::TooLarge { .. } => SourceError::Odd { why: text },
        NetError::Unreachable { .. } => SourceError::Wait {
            after: None,
            why: text,
        },
    }
}

/// The envelope of an error. `text` is its message, cleaned and cut.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Fault {
    #[serde(rename = "message")]
    text: String,
    policy_name: String,
    errors: Vec<Detail>,
    context: BTreeMap<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Detail {
    context: BTreeMap<String, Value>,
}

impl Fault {
    fn of(reply: &Reply) -> Self {
        let mut fault: Self = serde_json::from_slice(&reply.body).unwrap_or_default();
        fault.text = if fault.text.is_empty() {
            shown_start(&reply.body)
        } else {
            shown_start(fault.text.as_bytes())
        };
        fault
    }

    /// The scopes that are missing, as HubSpot names them; else the one that reads the object.
    fn scopes(&self, object: &str) -> String {
        let contexts = self.errors.iter().map(|one| &one.context);
        let named: Vec<String> = std::iter::once(&self.context)
            .chain(contexts)
            .flatten()
            .filter(|(key, _)| key.to_lowercase().contains("scope"))
            .filter_map(|(_, value)| value.as_array())
            .flatten()
            .filter_map(Value::as_str)
            .take(4)
            .map(|scope| Name::clean(scope).to_string())
            .collect();
        if named.is_empty() {
            format!("crm.objects.{object}.read")
        } else {
            named.join(", ")
        }
    }
}
