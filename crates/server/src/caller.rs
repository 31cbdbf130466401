//! The account that calls, as the handlers of this server see it.

use std::marker::PhantomData;

use axum::extract::FromRef;
use axum::http::request::Parts;
use loggia_callers::{
    AccountHolder, AudiencePolicy, Callers, Either, Presented, ServiceCaller, Takes, ThisService,
};
use loggia_storage::ApiClientId;
use loggia_syntax::Did;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal};

use crate::api_clients::ApiClient;

/// The account that calls, proved by a service-auth token for this method, or by an access token whose
/// scopes allow this method: one that this server gave in exchange for service auth, or of an issuer
/// that its settings name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Did);

/// The account that calls, before anybody asks whether its scopes allow what it wants. Service auth is for
/// whom the policy `A` says.
pub struct Account<A = ThisService> {
    /// Who.
    pub did: Did,
    /// How that was proved.
    pub by: ProvedBy,
    policy: PhantomData<fn() -> A>,
}

/// How an account was proved.
pub enum ProvedBy {
    /// By service auth, which is signed for this very method and for whom this names.
    ServiceAuth(String),
    /// By an access token, whose scopes say what may be done with it.
    AccessToken(AccountHolder),
}

type Way<A> = Either<ServiceCaller<A>, AccountHolder>;

impl<A> Takes for Account<A> {
    fn takes(presented: Presented) -> bool {
        Way::<A>::takes(presented)
    }

    fn challenges() -> Vec<&'static str> {
        Way::<A>::challenges()
    }
}

impl<A, P, I, S> FromCall<P, I, S> for Account<A>
where
    A: AudiencePolicy<P, I, S>,
    Callers: FromRef<S>,
{
    /// What is claimed, and the API client whose key came with it.
    type Claim = (<Way<A> as FromCall<P, I, S>>::Claim, Option<ApiClientId>);

    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal> {
        let client = parts.extensions.get::<ApiClient>().map(ApiClient::id);
        <Way<A> as FromCall<P, I, S>>::claim(parts, state).map(|claim| (claim, client))
    }

    fn prove(
        (claim, client): Self::Claim,
        arguments: Arguments<'_, P, I>,
        state: &S,
    ) -> Proof<Self> {
        let proof: Proof<Way<A>> = Way::prove(claim, arguments, state);
        Box::pin(async move {
            let (did, by) = match proof.await? {
                Either::First(caller) => (caller.did, ProvedBy::ServiceAuth(caller.audience)),
                Either::Second(holder) => {
                    check_client(&holder, client)?;
                    (holder.did.clone(), ProvedBy::AccessToken(holder))
                }
            };
            Ok(Self {
                did,
                by,
                policy: PhantomData,
            })
        })
    }
}

impl Takes for Caller {
    fn takes(presented: Presented) -> bool {
        <Account>::takes(presented)
    }

    fn challenges() -> Vec<&'static str> {
        <Account>::challenges()
    }
}

impl<P, I, S> FromCall<P, I, S> for Caller
where
    Callers: FromRef<S>,
{
    type Claim = <Account as FromCall<P, I, S>>::Claim;

    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal> {
        <Account as FromCall<P, I, S>>::claim(parts, state)
    }

    fn prove(claim: Self::Claim, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let audiences = Callers::from_ref(state).audiences();
        let method = arguments.method.nsid;
        let proof: Proof<Account> = Account::prove(claim, arguments, state);
        Box::pin(async move {
            let account = proof.await?;
            if let ProvedBy::AccessToken(holder) = &account.by {
                holder.require_call(method, &audiences)?;
            }
            Ok(Self(account.did))
        })
    }
}

/// A token that was given to an API client is used with that client's key, and is worth nothing once
/// the key is revoked. All other names of clients are their issuers' affair.
fn check_client(holder: &AccountHolder, client: Option<ApiClientId>) -> Result<(), Rejection> {
    let named = holder.token.client.as_deref();
    let given_to = named.and_then(|name| name.parse::<ApiClientId>().ok());
    match given_to {
        Some(given_to) if client != Some(given_to) => Err(Rejection::new(
            401,
            "invalid_token",
            "the access token was given to an API client: send the X-Client-Key of that client",
        )
        .header(
            "WWW-Authenticate",
            "DPoP algs=\"ES256\", error=\"invalid_token\"",
        )),
        _ => Ok(()),
    }
}
