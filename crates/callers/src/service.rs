//! Callers by service auth.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRef;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use loggia_auth::service_auth::{Audiences, bearer};
use loggia_syntax::Did;
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal, log_caller};

use crate::callers::Callers;
use crate::challenge;
use crate::presented::{self, Presented, Takes};

/// An account or service that calls with a service-auth token for this very method.
///
/// ```
/// # use loggia_callers::ServiceCaller;
/// # struct Input;
/// async fn handle(caller: ServiceCaller, input: Input) {
///     println!("{} calls", caller.did);
/// }
/// ```
///
/// `A` says for whom the token must be; without it, for this service. It proves who calls, and not that
/// they may do what they ask for: that is for the handler to say.
///
/// Without a token the answer is 401 `AuthMissing`; a token that is wrong is answered with 401 and what is
/// wrong as its name (`BadJwt`, `BadJwtType`, `BadJwtAudience`, `BadJwtLexiconMethod`, `BadJwtIss`,
/// `BadJwtSignature`, `JwtExpired`, `JwtReplayed`), another scheme with 400 `InvalidToken`. Each 401 has
/// its `WWW-Authenticate`. If the issuer's document cannot be had just now, it is 502 `UpstreamFailure`.
pub struct ServiceCaller<A = ThisService> {
    /// Who calls: the token's issuer.
    pub did: Did,
    /// For whom the token was, as it says: `did` or `did#service`.
    pub audience: String,
    policy: PhantomData<fn() -> A>,
}

/// For whom the tokens of a method must be. It may depend on the arguments: a host answers for many
/// spaces, and the body names one.
///
/// ```
/// use std::sync::Arc;
///
/// use loggia_callers::{AudiencePolicy, ServiceCaller};
/// use loggia_syntax::Did;
/// use loggia_xrpc_server::{Arguments, Refusal};
///
/// /// The input of a method of a host that keeps the books of many.
/// struct Input {
///     owner: Did,
/// }
///
/// /// Tokens are for the owner of the book that the input names.
/// enum Owner {}
///
/// impl<P, S> AudiencePolicy<P, Input, S> for Owner {
///     fn audiences(arguments: Arguments<'_, P, Input>, _: &S) -> Result<Arc<[String]>, Refusal> {
///         Ok([format!("{}#book", arguments.input.owner)].into())
///     }
/// }
///
/// async fn handle(caller: ServiceCaller<Owner>, input: Input) {}
/// ```
pub trait AudiencePolicy<P, I, S>: 'static {
    /// The audiences of which a token must name one.
    ///
    /// # Errors
    /// What the caller is told if these arguments have no audience here.
    fn audiences(arguments: Arguments<'_, P, I>, state: &S) -> Result<Arc<[String]>, Refusal>;
}

/// Tokens are for this service, whatever the arguments say.
#[derive(Debug)]
pub enum ThisService {}

impl<P, I, S> AudiencePolicy<P, I, S> for ThisService
where
    Callers: FromRef<S>,
{
    fn audiences(_: Arguments<'_, P, I>, state: &S) -> Result<Arc<[String]>, Refusal> {
        Ok(Callers::from_ref(state).audiences())
    }
}

impl<A> Takes for ServiceCaller<A> {
    fn takes(presented: Presented) -> bool {
        presented == Presented::Service
    }

    fn challenges() -> Vec<&'static str> {
        vec![challenge::BEARER]
    }
}

impl<A, P, I, S> FromCall<P, I, S> for ServiceCaller<A>
where
    A: AudiencePolicy<P, I, S>,
    Callers: FromRef<S>,
{
    /// The token, whose claims fit but for the audience.
    type Claim = String;

    fn claim(parts: &mut Parts, state: &S) -> Result<String, Refusal> {
        Presented::of(&parts.headers)?;
        let fields = presented::values(&parts.headers, &AUTHORIZATION)?;
        let token = bearer(fields.first().copied()).map_err(|error| challenge::refuse(&error))?;
        let method = presented::method(parts).nsid;
        Callers::from_ref(state)
            .check_service_claims(token, method)
            .map_err(|error| challenge::refuse_service(&error, method, &[]))?;
        Ok(token.to_owned())
    }

    fn prove(token: String, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let callers = Callers::from_ref(state);
        let method = arguments.method.nsid;
        let audiences = A::audiences(arguments, state);
        Box::pin(async move {
            let audiences = audiences?;
            let verified = callers.prove_service(&token, method, &audiences).await;
            let verified =
                verified.map_err(|error| challenge::refuse_service(&error, method, &audiences))?;
            log_caller(verified.issuer().as_str());
            Ok(Self {
                did: verified.issuer().clone(),
                audience: verified.audience().to_owned(),
                policy: PhantomData,
            })
        })
    }
}

/// An account or service that calls with a service-auth token for this very method, whose audience the
/// handler has to compare with what it answers for: one of the very many accounts of a host.
///
/// Where the arguments say which, [`ServiceCaller`] with an [`AudiencePolicy`] leaves nothing to forget.
/// Refuses as that does, but for `BadJwtAudience`.
pub struct AddressedCaller {
    /// Who calls: the token's issuer.
    pub did: Did,
    /// For whom the token was, as it says: `did` or `did#service`. Not looked at so far.
    pub audience: String,
}

impl Takes for AddressedCaller {
    fn takes(presented: Presented) -> bool {
        presented == Presented::Service
    }

    fn challenges() -> Vec<&'static str> {
        vec![challenge::BEARER]
    }
}

impl<P, I, S> FromCall<P, I, S> for AddressedCaller
where
    Callers: FromRef<S>,
{
    type Claim = String;

    fn claim(parts: &mut Parts, state: &S) -> Result<String, Refusal> {
        <ServiceCaller as FromCall<P, I, S>>::claim(parts, state)
    }

    fn prove(token: String, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let callers = Callers::from_ref(state);
        let method = arguments.method.nsid;
        Box::pin(async move {
            let whomever = Audiences::Handler;
            let verified = callers.prove_for(&token, method, whomever).await;
            let verified = verified.map_err(|error| challenge::refuse(&error))?;
            log_caller(verified.issuer().as_str());
            Ok(Self {
                did: verified.issuer().clone(),
                audience: verified.audience().to_owned(),
            })
        })
    }
}
