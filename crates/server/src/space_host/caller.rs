//! The account that calls, and what it may do in spaces.

use axum::extract::FromRef;
use axum::http::request::Parts;
use loggia_api::com::atproto;
use loggia_auth::scope::{Need, SpaceAccess, SpaceNeed};
use loggia_callers::{AccountHolder, Callers, Either, Presented, ServiceCaller, Takes};
use loggia_storage::ApiClientId;
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::{Method as _, Rejection};
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal};

use crate::api_clients::ApiClient;
use crate::caller::check_client;

/// The account that calls: by service auth, which the account has signed for this very method, or by
/// an access token, whose scopes say what may be done in which spaces.
pub struct SpaceAccount {
    /// Who.
    pub did: Did,
    holder: Option<AccountHolder>,
}

type Way = Either<ServiceCaller, AccountHolder>;

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
        match &self.holder {
            Some(holder) => holder.require(&Need::Space(need)),
            None => Ok(()),
        }
    }

    /// Refuses an upload unless a scope allows it, or calls of this method altogether.
    ///
    /// # Errors
    /// 403 `ScopeMissingError`.
    pub fn require_upload(&self, audiences: &[String]) -> Result<(), Rejection> {
        match &self.holder {
            Some(holder) => {
                holder.require_call(atproto::repo::upload_blob::UploadBlob::NSID, audiences)
            }
            None => Ok(()),
        }
    }
}

impl Takes for SpaceAccount {
    fn takes(presented: Presented) -> bool {
        Way::takes(presented)
    }

    fn challenges() -> Vec<&'static str> {
        Way::challenges()
    }
}

impl<P, I, S> FromCall<P, I, S> for SpaceAccount
where
    Callers: FromRef<S>,
{
    /// What is claimed, and the API client whose key came with it.
    type Claim = (<Way as FromCall<P, I, S>>::Claim, Option<ApiClientId>);

    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal> {
        let client = parts.extensions.get::<ApiClient>().map(ApiClient::id);
        <Way as FromCall<P, I, S>>::claim(parts, state).map(|claim| (claim, client))
    }

    fn prove(
        (claim, client): Self::Claim,
        arguments: Arguments<'_, P, I>,
        state: &S,
    ) -> Proof<Self> {
        let proof: Proof<Way> = Way::prove(claim, arguments, state);
        Box::pin(async move {
            Ok(match proof.await? {
                Either::First(caller) => Self {
                    did: caller.did,
                    holder: None,
                },
                Either::Second(holder) => {
                    check_client(&holder, client)?;
                    Self {
                        did: holder.did.clone(),
                        holder: Some(holder),
                    }
                }
            })
        })
    }
}
