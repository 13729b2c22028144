//! Access tokens of Google service accounts: a signed assertion for a short-lived token.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::model::Timestamp;

use super::{Backoff, Net, NetError, Request, json as json_of, shown_start};

/// Seconds for which a token is believed at most; Google gives an hour.
const LONGEST: i64 = 86_400;

/// Tokens are renewed this long before they end.
const EARLY: TimeDelta = TimeDelta::minutes(5);

/// Our clock may be a little fast; an assertion from the future is refused.
const BACK: i64 = 10;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The key file cannot be used.
    #[error("the key file cannot be used: {0}")]
    Key(String),
    /// Google refused the account.
    #[error("the service account was refused: {0}")]
    Refused(String),
    /// No answer, or one that asks to wait.
    #[error("{0}")]
    Wait(String),
}

/// The content of a key file.
#[derive(Deserialize)]
pub struct ServiceAccount {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    #[serde(default = "google")]
    token_uri: String,
}

fn google() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

impl ServiceAccount {
    /// Reads the key file's text.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        serde_json::from_str(text).map_err(|why| {
            // The position is safe to show, the content is not.
            TokenError::Key(format!(
                "not the JSON of a service account (line {})",
                why.line()
            ))
        })
    }

    /// The account's address, for messages.
    pub fn email(&self) -> &str {
        &self.client_email
    }

    fn assertion(&self, scope: &str, now: Timestamp) -> Result<String, TokenError> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.private_key_id });
        let issued = now.timestamp() - BACK;
        let claims = json!({
            "iss": self.client_email,
            "scope": scope,
            "aud": self.token_uri,
            "iat": issued,
            "exp": issued + 3_600,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.private_key.as_bytes())
            .map_err(|_| TokenError::Key("private_key is not a PKCS#8 key".to_owned()))?;
        let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der())
            .map_err(|_| TokenError::Key("private_key is not an RSA key".to_owned()))?;
        let mut signature = vec![0; key.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        key.sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        )
        .map_err(|_| TokenError::Key("signing failed".to_owned()))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default = "an_hour")]
    expires_in: i64,
}

fn an_hour() -> i64 {
    3_600
}

#[derive(Deserialize)]
struct Denied {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Account, address, scope.
type Key = (String, String, String);

/// Tokens by account, address and scope; one renewal at a time.
#[derive(Default)]
pub struct GoogleTokens {
    known: Mutex<BTreeMap<Key, (SecretString, Timestamp)>>,
}

impl GoogleTokens {
    /// A token that is good for a while.
    pub async fn token(
        &self,
        account: &ServiceAccount,
        scope: &str,
        net: &Net,
    ) -> Result<SecretString, TokenError> {
        let key = (
            account.client_email.clone(),
            account.token_uri.clone(),
            scope.to_owned(),
        );
        let mut known = self.known.lock().await;
        let now = net.clock.now();
        if let Some((token, until)) = known.get(&key)
            && now + EARLY < *until
        {
            return Ok(token.clone());
        }
        let (token, lasts) = fetch(account, scope, net).await?;
        // Whatever is answered: nobody keeps a token for more than a day.
        let lasts = TimeDelta::seconds(lasts.clamp(0, LONGEST));
        known.insert(key, (token.clone(), now + lasts));
        Ok(token)
    }

    /// Forgets the token of an account, after a 401.
    pub async fn forget(&self, account: &ServiceAccount, scope: &str) {
        let key = (
            account.client_email.clone(),
            account.token_uri.clone(),
            scope.to_owned(),
        );
        self.known.lock().await.remove(&key);
    }
}

async fn fetch(
    account: &ServiceAccount,
    scope: &str,
    net: &Net,
) -> Result<(SecretString, i64), TokenError> {
    let url = url::Url::parse(&account.token_uri)
        .map_err(|_| TokenError::Key("token_uri is not an address".to_owned()))?;
    let assertion = account.assertion(scope, net.clock.now())?;
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let request = Request {
        method: super::Method::Post,
        body: body.into_bytes(),
        ..Request::get(url)
    }
    .header("content-type", "application/x-www-form-urlencoded");
    let reply = net
        .fetch(&request, &Backoff::READ)
        .await
        .map_err(|why| match why {
            NetError::Forbidden { .. } | NetError::Setup { .. } => {
                TokenError::Refused(why.to_string())
            }
            NetError::Unreachable { .. } | NetError::TooLarge { .. } => {
                TokenError::Wait(why.to_string())
            }
        })?;
    if reply.is_success() {
        let granted: Granted = json_of("the token address", &reply)
            .map_err(|why| TokenError::Wait(why.to_string()))?;
        let token = SecretString::from(granted.access_token);
        crate::secret::remember(&token);
        return Ok((token, granted.expires_in));
    }
    let denied: Option<Denied> = serde_json::from_slice(&reply.body).ok();
    let detail = denied.map_or_else(
        || shown_start(&reply.body),
        |denied| shown_start(format!("{} {}", denied.error, denied.error_description).as_bytes()),
    );
    let text = format!("HTTP {}: {}", reply.status, detail.trim());
    if (400..500).contains(&reply.status) && reply.status != 429 {
        let hint = "; a wrong clock, a deleted key or a wrong token_uri also cause this";
        Err(TokenError::Refused(format!("{text}{hint}")))
    } else {
        Err(TokenError::Wait(text))
    }
}
