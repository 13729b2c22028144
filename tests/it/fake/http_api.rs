//! A JSON API on loopback that answers by script and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri, header};

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// An answer: status, content type, body.
pub(crate) type Answer = (u16, &'static str, String);

/// The server; ends with the test's runtime.
pub(crate) struct HttpApi {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl HttpApi {
    /// Starts it; `answer` is given the path with its query, and the body.
    pub(crate) async fn start(
        answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::strict(move |asked| answer(&asked.path, &asked.body)).await
    }

    /// Starts it; `answer` is given the whole request.
    pub(crate) async fn strict(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let log = Arc::clone(&asked);
        let answer = Arc::new(answer);
        let serve = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let path = uri.path_and_query().unwrap().to_string();
                let body = String::from_utf8(body.to_vec()).unwrap();
                let asked = Asked {
                    path,
                    headers,
                    body,
                };
                let (status, kind, text) = answer(&asked);
                log.lock().unwrap().push(asked);
                let status = StatusCode::from_u16(status).unwrap();
                (status, [(header::CONTENT_TYPE, kind)], text)
            }
        };
        let app = Router::new().fallback(serve);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, asked }
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// 200 with JSON.
pub(crate) fn good(body: impl Into<String>) -> Answer {
    (200, "application/json", body.into())
}
