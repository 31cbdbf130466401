//! A fresh DPoP nonce on every answer.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn};

use crate::Callers;

const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

impl Callers {
    /// The same routes, whose every answer carries the nonce for the next DPoP proof (RFC 9449 §8.2).
    /// Does nothing for a service that takes no access tokens.
    pub fn with_nonces(&self, router: Router) -> Router {
        let callers = self.clone();
        router.layer(from_fn(move |request: Request, next: Next| {
            let callers = callers.clone();
            async move {
                let mut response = next.run(request).await;
                if let Some(nonce) = callers.nonce()
                    && let Ok(nonce) = HeaderValue::try_from(nonce)
                {
                    response.headers_mut().insert(NONCE, nonce);
                }
                response
            }
        }))
    }
}
