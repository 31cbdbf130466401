//! The guarded client as the way to make the attempts of deliveries.

use axum::http::{HeaderName, HeaderValue};
use loggia_delivery::{Answer, Fault, Request, Transport};
use loggia_xrpc_client::{ClientError, GuardedClient, HeaderMap};

/// The deliveries that leave this server.
#[derive(Clone)]
pub struct Outgoing(pub GuardedClient);

impl Transport for Outgoing {
    async fn send(&self, request: Request) -> Result<Answer, Fault> {
        let headers = headers(&request).ok_or(Fault::InvalidTarget)?;
        let sent = self
            .0
            .post(request.target.url(), headers, request.body, request.timeout)
            .await;
        let answer = sent.map_err(|error| fault(&error))?;
        let retry_after = answer.headers.get("retry-after");
        Ok(Answer {
            status: answer.status,
            retry_after: retry_after
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            body: answer.body,
        })
    }
}

fn headers(request: &Request) -> Option<HeaderMap> {
    let pairs = request.headers.iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    pairs.collect()
}

fn fault(error: &ClientError) -> Fault {
    match error {
        ClientError::Url(_) => Fault::InvalidTarget,
        ClientError::Blocked { .. } => Fault::Blocked,
        ClientError::Dns { .. } => Fault::Dns,
        ClientError::Timeout { .. } | ClientError::Slow { .. } => Fault::Timeout,
        ClientError::Connect { .. } => Fault::Network,
        ClientError::Tls { .. } => Fault::Tls,
        ClientError::TooLarge { .. } | ClientError::Exchange { .. } => Fault::Protocol,
    }
}
