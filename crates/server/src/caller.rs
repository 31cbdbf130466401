//! The account that calls, as the handlers of this server see it.

use axum::extract::FromRef;
use axum::http::request::Parts;
use loggia_callers::{AccountHolder, Callers, Either, ServiceCaller};
use loggia_syntax::Did;
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal};

/// The account that calls, proved by a service-auth token for this method, or by an access token that
/// this server gave in exchange for one and whose scopes allow this method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Did);

type Way = Either<ServiceCaller, AccountHolder>;

impl<P, I, S> FromCall<P, I, S> for Caller
where
    Callers: FromRef<S>,
{
    type Claim = <Way as FromCall<P, I, S>>::Claim;

    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal> {
        <Way as FromCall<P, I, S>>::claim(parts, state)
    }

    fn prove(claim: Self::Claim, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let audiences = Callers::from_ref(state).audiences();
        let method = arguments.method.nsid;
        let proof: Proof<Way> = Way::prove(claim, arguments, state);
        Box::pin(async move {
            Ok(Self(match proof.await? {
                Either::First(caller) => caller.did,
                Either::Second(holder) => {
                    holder.require_call(method, &audiences)?;
                    holder.did
                }
            }))
        })
    }
}
