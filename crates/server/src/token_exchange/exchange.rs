//! From a request to a token.

use axum::Json;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use loggia_auth::access_token::NewAccessToken;
use loggia_auth::dpop::{Expected, Profile};
use loggia_auth::{Proof, ProofError};
use loggia_syntax::Did;
use loggia_xrpc_server::Allowance;
use serde_json::json;

use super::form::{ACCESS_TOKEN, Form};
use super::refusal::Refused;
use super::{BODY_TIMEOUT, METHOD, Shared, scope};
use crate::api_clients::ApiClient;
use crate::chance;
use crate::keys::TOKEN_LIFETIME;
use crate::used_tokens::UsedTokens;

/// A token that was issued.
pub(super) struct Issued {
    token: String,
    scope: String,
}

impl Shared {
    /// Exchanges a token. The proof comes before the subject token, so that a client that lacks a
    /// nonce has not used its token up when it is told so. `allowance` becomes that of the client if less
    /// is left of it.
    pub(super) async fn exchange(
        &self,
        parts: &mut Parts,
        body: Body,
        now: Timestamp,
        allowance: &mut Option<Allowance>,
    ) -> Result<Issued, Refused> {
        let client = self.gate.client(parts).await?;
        self.count(client.as_ref(), allowance)?;
        let form = Form::read(&parts.headers, body);
        let form = tokio::time::timeout(BODY_TIMEOUT, form).await;
        let form = form.map_err(|_elapsed| Refused::request("the body arrives too slowly"))??;
        let scope = scope::granted(form.scope.as_deref(), &self.origin.every_method())?;
        self.check_targets(&form.targets)?;
        // From here on it is our time and not the caller's.
        let place = self.at_once.enter(self.limiter.caller(parts));
        let _place = place.ok_or_else(Refused::busy)?;
        let proof = self.check_proof(parts, now)?;
        // Looked at before anything is used up, which is a write: who brings garbage causes none.
        self.callers
            .check_service_claims(&form.subject_token, METHOD)?;
        proof.use_up(&UsedTokens(self.used.clone()), now).await?;
        let subject = self.prove_subject(&form.subject_token).await?;
        let client = client.map(|client| client.id().to_string());
        let token = self.tokens.mint(&NewAccessToken {
            subject: &subject,
            // Without a key of its own, an app is not told from the account that it acts for.
            client: client.as_deref().unwrap_or(subject.as_str()),
            scope: &scope,
            thumbprint: proof.thumbprint(),
            now,
            lifetime: TOKEN_LIFETIME,
            id: chance::bytes(),
        });
        let token = token.map_err(|error| Refused::internal(&error))?;
        Ok(Issued { token, scope })
    }

    /// Counts a request of a client that has a number of its own, wherever it comes from. It is as many
    /// exchanges in a minute as calls, and neither takes from the other.
    fn count(
        &self,
        client: Option<&ApiClient>,
        allowance: &mut Option<Allowance>,
    ) -> Result<(), Refused> {
        let Some(quota) = client.and_then(ApiClient::quota) else {
            return Ok(());
        };
        let counted = self.limiter.count_quota(&quota);
        let counted = match allowance.take() {
            Some(other) => other.tighter(counted),
            None => counted,
        };
        let counted = allowance.insert(counted);
        match counted.is_left() {
            true => Ok(()),
            false => Err(Refused::too_many(counted.wait())),
        }
    }

    /// Whoever names a target must mean this server, by its DID, its service entry or its URL.
    fn check_targets(&self, targets: &[String]) -> Result<(), Refused> {
        let audiences = self.origin.audiences();
        let ours = |target: &String| {
            audiences.contains(target) || target.trim_end_matches('/') == self.origin.url
        };
        if targets.iter().all(ours) {
            Ok(())
        } else {
            Err(Refused::target())
        }
    }

    /// The proof that the caller holds a key; not used up yet.
    fn check_proof(&self, parts: &Parts, now: Timestamp) -> Result<Proof, Refused> {
        let expected = Expected {
            method: parts.method.as_str(),
            target: &self.target,
            token: None,
            nonces: Some(&self.nonces),
            now,
        };
        let headers = proofs(&parts.headers)?;
        Ok(Proof::verify(&headers, Profile::OAUTH, &expected)?)
    }

    /// The account that the subject token is of; the token is used up.
    async fn prove_subject(&self, token: &str) -> Result<Did, Refused> {
        let audiences = self.origin.audiences();
        let proved = self.callers.prove_service(token, METHOD, &audiences).await;
        Ok(proved?.issuer().clone())
    }
}

/// All `DPoP` headers. One that is no text is a malformed proof, as any other that is none.
fn proofs(headers: &HeaderMap) -> Result<Vec<&str>, Refused> {
    let all = headers.get_all("dpop").iter();
    let texts = all.map(|header| header.to_str().map_err(|_| ProofError::Type));
    Ok(texts.collect::<Result<_, _>>()?)
}

impl IntoResponse for Issued {
    fn into_response(self) -> Response {
        let body = json!({
            "access_token": self.token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "DPoP",
            "expires_in": TOKEN_LIFETIME,
            "scope": self.scope,
        });
        Json(body).into_response()
    }
}
