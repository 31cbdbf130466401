//! Callers by access token and DPoP proof.

use std::sync::Arc;

use axum::extract::FromRef;
use axum::http::HeaderName;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use loggia_auth::AccessToken;
use loggia_auth::scope::{Need, RpcNeed, Scopes};
use loggia_syntax::{Did, Nsid};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal, log_caller};

use crate::callers::Callers;
use crate::challenge;
use crate::presented::{Presented, Takes, owned_values};

pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// An account in whose name an app calls, with an access token of an issuer that this service trusts
/// and a DPoP proof by the app's key.
///
/// It proves for whom the app calls, and not that the account allowed it this call: a handler says so with
/// [`require_call`](Self::require_call), or with [`require`](Self::require) for what it does.
///
/// ```
/// # use loggia_callers::{AccountHolder, Callers};
/// # use loggia_xrpc::Rejection;
/// fn may_sign(app: &AccountHolder, callers: &Callers) -> Result<(), Rejection> {
///     app.require_call("com.example.guestbook.sign", &callers.audiences())
/// }
/// ```
///
/// The first request of an app is answered with 401 `use_dpop_nonce` and a nonce in `DPoP-Nonce`, which
/// the next proof has to carry; [`Callers::with_nonces`] keeps apps supplied. A proof that is wrong is 401
/// `invalid_dpop_proof`, a token that is wrong or bound to another key 401 `invalid_token`, no token at all
/// 401 `AuthMissing`, another scheme 400 `InvalidToken`. If the issuer does not answer, it is 502
/// `UpstreamFailure`. A service takes such tokens once it has said
/// [whose](crate::Builder::access_tokens).
#[derive(Clone, Debug)]
pub struct AccountHolder {
    /// The account.
    pub did: Did,
    /// What the account allowed the app to do.
    pub scopes: Scopes,
    /// All that the token says.
    pub token: Arc<AccessToken>,
}

impl AccountHolder {
    /// Refuses the call unless its token allows this.
    ///
    /// # Errors
    /// 403 `ScopeMissingError`, with the scope that would have been enough.
    pub fn require(&self, need: &Need<'_>) -> Result<(), Rejection> {
        self.scopes.require(need).map_err(|missing| {
            Rejection::new(missing.status(), missing.name(), missing.to_string())
        })
    }

    /// Refuses the call unless its token allows this method at one of these audiences. Scopes speak of
    /// services (`did#service`); a bare DID among the audiences is passed over.
    ///
    /// # Errors
    /// 403 `ScopeMissingError`, as in [`require`](Self::require).
    pub fn require_call(
        &self,
        method: &'static str,
        audiences: &[String],
    ) -> Result<(), Rejection> {
        let method = &Nsid::from_static(method);
        let mut missing = Rejection::forbidden("no scope allows a call of this service");
        for audience in audiences.iter().filter(|audience| audience.contains('#')) {
            match self.require(&Need::Rpc(RpcNeed { method, audience })) {
                Ok(()) => return Ok(()),
                Err(rejection) => missing = rejection,
            }
        }
        Err(missing)
    }
}

/// What is kept of a request until its arguments are known.
#[derive(Debug)]
pub struct AccessClaim {
    pub(crate) authorization: Vec<String>,
    pub(crate) dpop: Vec<String>,
    pub(crate) method: String,
    pub(crate) path: String,
}

impl AccessClaim {
    pub(crate) fn of(parts: &Parts) -> Result<Self, Rejection> {
        Ok(Self {
            authorization: owned_values(&parts.headers, &AUTHORIZATION)?,
            dpop: owned_values(&parts.headers, &DPOP)?,
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
        })
    }
}

impl Takes for AccountHolder {
    fn takes(presented: Presented) -> bool {
        presented == Presented::Access
    }

    fn challenges() -> Vec<&'static str> {
        vec![challenge::DPOP]
    }
}

impl<P, I, S> FromCall<P, I, S> for AccountHolder
where
    Callers: FromRef<S>,
{
    type Claim = AccessClaim;

    fn claim(parts: &mut Parts, _: &S) -> Result<AccessClaim, Refusal> {
        match Presented::of(&parts.headers)? {
            Presented::Access => Ok(AccessClaim::of(parts)?),
            Presented::Nothing => Err(challenge::absent(&Self::challenges())),
            _ => Err(challenge::unexpected(&Self::challenges())),
        }
    }

    fn prove(claim: AccessClaim, _: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let callers = Callers::from_ref(state);
        Box::pin(async move {
            let token = callers.prove_access(&claim).await?;
            let scopes = Scopes::parse(&token.scope).map_err(|error| {
                Rejection::new(401, "invalid_token", error.to_string())
                    .header("WWW-Authenticate", challenge::DPOP)
            })?;
            log_caller(token.subject.as_str());
            Ok(Self {
                did: token.subject.clone(),
                scopes,
                token,
            })
        })
    }
}
