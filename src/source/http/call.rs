//! One call, and what each status means for the pull.

use crate::net::{Backoff, NetError, Reply, Request, retry_after, shown_start};
use crate::source::{Means, SourceError};

use super::odd;

/// Calls, and calls again where the answer asks for it.
pub(super) async fn send(request: &Request, means: &Means) -> Result<Reply, SourceError> {
    let reply = means
        .net
        .fetch(request, &Backoff::READ)
        .await
        .map_err(|why| match why {
            NetError::Unreachable { .. } => SourceError::Wait {
                after: None,
                why: why.to_string(),
            },
            NetError::TooLarge { .. } => odd(why),
            NetError::Forbidden { .. } | NetError::Setup { .. } => SourceError::Refused {
                why: why.to_string(),
            },
        })?;
    if reply.is_success() {
        return Ok(reply);
    }
    let (host, status) = (request.host(), reply.status);
    let said = shown_start(&reply.body);
    Err(match status {
        408 | 425 | 429 | 500..=599 => SourceError::Wait {
            after: retry_after(&reply, means.net.clock.now()),
            why: format!("{host} answered {status}: {said}"),
        },
        401 | 403 => SourceError::Refused {
            why: format!("{host} refuses the credentials ({status}): {said}"),
        },
        300..=399 => SourceError::Refused {
            why: format!(
                "{host} answered with a redirect ({status}); write the final address in base_url"
            ),
        },
        _ => SourceError::Refused {
            why: format!("{host} answered {status}: {said}"),
        },
    })
}
