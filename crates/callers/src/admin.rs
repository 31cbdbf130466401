//! Those who may do everything.

use axum::extract::FromRef;
use axum::http::request::Parts;
use loggia_syntax::Did;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal};

use crate::{Callers, Presented, ServiceCaller, Takes};

/// An account that the service names as its administrator ([`Builder::admins`](crate::Builder::admins)),
/// proved by service auth. Access tokens do not administer: an app would do it in somebody's name.
///
/// Refuses as [`ServiceCaller`] does, and everybody else who is proved with 403 `Forbidden`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Which of them.
    pub did: Did,
}

impl Takes for Admin {
    fn takes(presented: Presented) -> bool {
        <ServiceCaller as Takes>::takes(presented)
    }

    fn challenges() -> Vec<&'static str> {
        <ServiceCaller as Takes>::challenges()
    }
}

impl<P, I, S> FromCall<P, I, S> for Admin
where
    Callers: FromRef<S>,
{
    type Claim = <ServiceCaller as FromCall<P, I, S>>::Claim;

    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal> {
        <ServiceCaller as FromCall<P, I, S>>::claim(parts, state)
    }

    fn prove(claim: Self::Claim, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        let callers = Callers::from_ref(state);
        let proof: Proof<ServiceCaller> = ServiceCaller::prove(claim, arguments, state);
        Box::pin(async move {
            let did = proof.await?.did;
            if !callers.is_admin(&did) {
                return Err(Rejection::forbidden("only an administrator may do this").into());
            }
            Ok(Self { did })
        })
    }
}
