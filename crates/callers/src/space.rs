//! Callers who may read a space, and the authority of one.

use std::marker::PhantomData;

use axum::extract::FromRef;
use axum::http::HeaderName;
use axum::http::request::Parts;
use loggia_auth::space_credential;
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal};

use crate::account::AccessClaim;
use crate::callers::Callers;
use crate::challenge;
use crate::presented::{Presented, Takes, owned_values};
use crate::service::ServiceCaller;

const AUDIENCE: HeaderName = HeaderName::from_static("atproto-space-audience");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// What a call is about, as its arguments say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which space.
    pub space: SpaceRef,
    /// Whose repository in it. A request must be meant for its owner; one about no repository, for the
    /// authority of the space.
    pub repo: Option<Did>,
}

/// Where the arguments of a method say which space is meant.
///
/// ```
/// use loggia_callers::{SpacePolicy, SpaceReader, Wanted};
/// use loggia_syntax::{Did, SpaceRef};
/// use loggia_xrpc_server::{Arguments, Refusal};
///
/// /// The params of a method that reads somebody's part of a space.
/// struct Params {
///     space: SpaceRef,
///     repo: Did,
/// }
///
/// enum Named {}
///
/// impl<I, S> SpacePolicy<Params, I, S> for Named {
///     fn wanted(arguments: Arguments<'_, Params, I>, _: &S) -> Result<Wanted, Refusal> {
///         Ok(Wanted {
///             space: arguments.params.space.clone(),
///             repo: Some(arguments.params.repo.clone()),
///         })
///     }
/// }
///
/// async fn handle(reader: SpaceReader<Named>, params: Params) {}
/// ```
pub trait SpacePolicy<P, I, S>: 'static {
    /// What the call is about.
    ///
    /// # Errors
    /// What the caller is told if these arguments name no space.
    fn wanted(arguments: Arguments<'_, P, I>, state: &S) -> Result<Wanted, Refusal>;
}

/// Somebody with a credential for the space that the call is about, and the key that it is bound to.
///
/// A credential allows to read, and nothing else. By the time a handler sees a reader, the credential is
/// for the space that [`SpacePolicy`] says, and the request is meant for whom it says.
///
/// Refused with 401: nothing presented (`AuthMissing`), a credential that is wrong, over or taken back
/// (`CredentialRevoked`, and names of their own for the rest), a request that is not signed as it should
/// be. Another scheme is 400 `InvalidToken`, as is every credential where the service
/// [takes none](crate::Builder::space_credentials).
pub struct SpaceReader<W> {
    /// The credential, and whom the caller means.
    pub reader: space_credential::SpaceReader,
    /// What the call is about.
    pub wanted: Wanted,
    policy: PhantomData<fn() -> W>,
}

/// What is kept of a request until its arguments are known.
#[derive(Debug)]
pub struct SpaceClaim {
    pub(crate) access: AccessClaim,
    pub(crate) audience: Vec<String>,
    pub(crate) signature_input: Vec<String>,
    pub(crate) signature: Vec<String>,
}

impl SpaceClaim {
    pub(crate) fn of(parts: &Parts) -> Result<Self, Refusal> {
        Ok(Self {
            access: AccessClaim::of(parts)?,
            audience: owned_values(&parts.headers, &AUDIENCE)?,
            signature_input: owned_values(&parts.headers, &SIGNATURE_INPUT)?,
            signature: owned_values(&parts.headers, &SIGNATURE)?,
        })
    }
}

impl<W> Takes for SpaceReader<W> {
    fn takes(presented: Presented) -> bool {
        presented == Presented::Space
    }

    fn challenges() -> Vec<&'static str> {
        vec![challenge::SPACE]
    }
}

impl<W, P, I, S> FromCall<P, I, S> for SpaceReader<W>
where
    W: SpacePolicy<P, I, S>,
    Callers: FromRef<S>,
{
    type Claim = SpaceClaim;

    fn claim(parts: &mut Parts, _: &S) -> Result<SpaceClaim, Refusal> {
        match Presented::of(&parts.headers)? {
            Presented::Space => {}
            Presented::Nothing => return Err(challenge::absent(&Self::challenges())),
            _ => return Err(challenge::unexpected(&Self::challenges())),
        }
        SpaceClaim::of(parts)
    }

    fn prove(claim: SpaceClaim, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let callers = Callers::from_ref(state);
        let wanted = W::wanted(arguments, state);
        Box::pin(async move {
            let wanted = wanted?;
            let reader = callers.prove_reader(&claim, wanted.repo.as_ref()).await?;
            reader
                .check_space(&wanted.space)
                .map_err(|error| challenge::refuse(&error))?;
            Ok(Self {
                reader,
                wanted,
                policy: PhantomData,
            })
        })
    }
}

/// The authority of the space that the call is about, by service auth for this service.
///
/// Refuses as [`ServiceCaller`] does, and everybody else who is proved with 403 `Forbidden`.
pub struct SpaceAuthority<W> {
    /// The authority.
    pub did: Did,
    /// What the call is about.
    pub wanted: Wanted,
    policy: PhantomData<fn() -> W>,
}

impl<W> Takes for SpaceAuthority<W> {
    fn takes(presented: Presented) -> bool {
        <ServiceCaller as Takes>::takes(presented)
    }

    fn challenges() -> Vec<&'static str> {
        <ServiceCaller as Takes>::challenges()
    }
}

impl<W, P, I, S> FromCall<P, I, S> for SpaceAuthority<W>
where
    W: SpacePolicy<P, I, S>,
    Callers: FromRef<S>,
{
    type Claim = <ServiceCaller as FromCall<P, I, S>>::Claim;

    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal> {
        <ServiceCaller as FromCall<P, I, S>>::claim(parts, state)
    }

    fn prove(claim: Self::Claim, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let wanted = W::wanted(arguments, state);
        let proof: Proof<ServiceCaller> = ServiceCaller::prove(claim, arguments, state);
        Box::pin(async move {
            let (wanted, did) = (wanted?, proof.await?.did);
            if did != wanted.space.authority() {
                return Err(
                    Rejection::forbidden("only the authority of the space may do this").into(),
                );
            }
            Ok(Self {
                did,
                wanted,
                policy: PhantomData,
            })
        })
    }
}
