//! Callers who trade a delegation token for a space credential.

use axum::extract::FromRef;
use axum::http::request::Parts;
use loggia_auth::space_credential::Exchanged;
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal};

use crate::callers::Callers;
use crate::challenge;
use crate::presented::{Presented, Takes};
use crate::space::SpaceClaim;

/// Somebody with a delegation token of an account and a key to bind a credential to. By the time a
/// handler sees one, token and proof are used up, whatever the handler decides.
///
/// It is not checked that the token is for the space that the request names; see
/// [`Delegation::check_space`](loggia_auth::Delegation::check_space).
pub struct CredentialSeeker(pub Exchanged);

impl Takes for CredentialSeeker {
    fn takes(presented: Presented) -> bool {
        presented == Presented::Service
    }

    fn challenges() -> Vec<&'static str> {
        vec![challenge::BEARER]
    }
}

impl<P, I, S> FromCall<P, I, S> for CredentialSeeker
where
    Callers: FromRef<S>,
{
    type Claim = SpaceClaim;

    fn claim(parts: &mut Parts, _: &S) -> Result<SpaceClaim, Refusal> {
        match Presented::of(&parts.headers)? {
            Presented::Service => SpaceClaim::of(parts),
            Presented::Nothing => Err(challenge::absent(&Self::challenges())),
            _ => Err(challenge::unexpected(&Self::challenges())),
        }
    }

    fn prove(claim: SpaceClaim, _: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let callers = Callers::from_ref(state);
        Box::pin(async move { callers.prove_exchange(&claim).await.map(Self) })
    }
}
