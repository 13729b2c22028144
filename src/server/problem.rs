//! Errors of the API as problem+json (RFC 9457), made in one place.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::store::StoreError;

/// What the caller is told, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    /// Field by field, for bodies that were refused.
    errors: Vec<Value>,
}

impl Problem {
    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "the request cannot be understood",
            detail,
        )
    }

    /// 401: no token, or not ours.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "a token is needed",
            "send `Authorization: Bearer <token>`; make one with `truecount token create`",
        )
    }

    /// 403: the token may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "this token may not do that", detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such thing", detail)
    }

    /// 409: something changed meanwhile.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "it changed meanwhile", detail)
    }

    /// 422: understood and refused, with the fields that are wrong.
    pub fn refused(detail: impl Into<String>, errors: Vec<Value>) -> Self {
        Self {
            errors,
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the content was refused",
                detail,
            )
        }
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, in a few words.
    pub(super) fn title(&self) -> &'static str {
        self.title
    }

    /// What to do.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(why: StoreError) -> Self {
        match why {
            StoreError::Stale(_) => Self::conflict("read the incident again and repeat"),
            StoreError::Busy | StoreError::Fenced { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the database is busy",
                "try again in a moment",
            ),
            StoreError::Full | StoreError::Corrupt { .. } => {
                tracing::error!("the API could not reach the database: {why}");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "the database does not take this now",
                    "the operator finds the reason in the log",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if !self.errors.is_empty() {
            body["errors"] = Value::Array(self.errors);
        }
        let mut response = (self.status, Json(body)).into_response();
        let kind = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
