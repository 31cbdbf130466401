//! The account that calls, and what it may do in spaces.

use axum::extract::FromRef;
use axum::http::request::Parts;
use loggia_api::com::atproto;
use loggia_auth::scope::{Need, SpaceAccess, SpaceNeed};
use loggia_callers::{Callers, Presented, Takes};
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::{Method as _, Rejection};
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal};

use crate::caller::{Account, ProvedBy};

/// The account that calls: by service auth, which the account has signed for this very method, or by
/// an access token, whose scopes say what may be done in which spaces.
pub struct SpaceAccount {
    /// Who.
    pub did: Did,
    by: ProvedBy,
}

impl SpaceAccount {
    /// Refuses the call unless it may do this with this space.
    ///
    /// # Errors
    /// 403 `ScopeMissingError`.
    pub fn require(&self, space: &SpaceRef, access: SpaceAccess<'_>) -> Result<(), Rejection> {
        self.require_need(SpaceNeed::of(space, access))
    }

    /// The same for a need that is about several spaces.
    ///
    /// # Errors
    /// 403 `ScopeMissingError`.
    pub fn require_need(&self, need: SpaceNeed<'_>) -> Result<(), Rejection> {
        match &self.by {
            ProvedBy::AccessToken(holder) => holder.require(&Need::Space(need)),
            ProvedBy::ServiceAuth(_) => Ok(()),
        }
    }

    /// Refuses an upload unless a scope allows it, or calls of this method altogether.
    ///
    /// # Errors
    /// 403 `ScopeMissingError`.
    pub fn require_upload(&self, audiences: &[String]) -> Result<(), Rejection> {
        match &self.by {
            ProvedBy::AccessToken(holder) => {
                holder.require_call(atproto::repo::upload_blob::UploadBlob::NSID, audiences)
            }
            ProvedBy::ServiceAuth(_) => Ok(()),
        }
    }
}

impl Takes for SpaceAccount {
    fn takes(presented: Presented) -> bool {
        <Account>::takes(presented)
    }

    fn challenges() -> Vec<&'static str> {
        <Account>::challenges()
    }
}

impl<P, I, S> FromCall<P, I, S> for SpaceAccount
where
    Callers: FromRef<S>,
{
    type Claim = <Account as FromCall<P, I, S>>::Claim;

    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal> {
        <Account as FromCall<P, I, S>>::claim(parts, state)
    }

    fn prove(claim: Self::Claim, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let proof: Proof<Account> = Account::prove(claim, arguments, state);
        Box::pin(async move {
            let Account { did, by, .. } = proof.await?;
            Ok(Self { did, by })
        })
    }
}
