//! Who tells of a write.

use std::sync::Arc;

use axum::extract::FromRef;
use axum::http::request::Parts;
use loggia_callers::{AudiencePolicy, Callers, Presented, Takes};
use loggia_identity::DidDocument;
use loggia_syntax::Did;
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal};

use crate::caller::{Account, ProvedBy};
use crate::overlay::{NotifyWriteShapes, Shaped};

/// Whoever tells of a write, with a token for this server; or, in the protocol's shape, for the
/// authority of the space that the body names, in whose place its host answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notifier {
    /// Who.
    pub did: Did,
    /// How that was proved, and for whom.
    pub by: Proved,
}

/// What a notifier presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proved {
    /// An access token.
    AccessToken,
    /// Service auth for this server.
    ForThisServer,
    /// Service auth for the authority of the space.
    ForTheAuthority,
}

/// For whom tokens may be.
#[derive(Debug)]
pub enum OfTheSpace {}

impl<P, S> AudiencePolicy<P, Shaped<NotifyWriteShapes>, S> for OfTheSpace
where
    Callers: FromRef<S>,
{
    fn audiences(
        arguments: Arguments<'_, P, Shaped<NotifyWriteShapes>>,
        state: &S,
    ) -> Result<Arc<[String]>, Refusal> {
        let ours = Callers::from_ref(state).audiences();
        let Shaped::Official(input) = arguments.input else {
            return Ok(ours);
        };
        let authority = input.space.authority();
        let host = format!("{authority}{}", DidDocument::SPACE_HOST);
        let authoritys = [authority.to_string(), host];
        Ok(authoritys.into_iter().chain(ours.iter().cloned()).collect())
    }
}

type Way = Account<OfTheSpace>;

impl Takes for Notifier {
    fn takes(presented: Presented) -> bool {
        Way::takes(presented)
    }

    fn challenges() -> Vec<&'static str> {
        Way::challenges()
    }
}

impl<P, S> FromCall<P, Shaped<NotifyWriteShapes>, S> for Notifier
where
    Callers: FromRef<S>,
{
    type Claim = <Way as FromCall<P, Shaped<NotifyWriteShapes>, S>>::Claim;

    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal> {
        <Way as FromCall<P, Shaped<NotifyWriteShapes>, S>>::claim(parts, state)
    }

    fn prove(
        claim: Self::Claim,
        arguments: Arguments<'_, P, Shaped<NotifyWriteShapes>>,
        state: &S,
    ) -> Proof<Self> {
        let ours = Callers::from_ref(state).audiences();
        let method = arguments.method.nsid;
        let proof: Proof<Way> = Way::prove(claim, arguments, state);
        Box::pin(async move {
            let account = proof.await?;
            let by = match account.by {
                ProvedBy::ServiceAuth(audience) if ours.contains(&audience) => {
                    Proved::ForThisServer
                }
                ProvedBy::ServiceAuth(_) => Proved::ForTheAuthority,
                ProvedBy::AccessToken(holder) => {
                    holder.require_call(method, &ours)?;
                    Proved::AccessToken
                }
            };
            Ok(Self {
                did: account.did,
                by,
            })
        })
    }
}
