//! Methods that accept several kinds of callers.

use axum::http::request::Parts;
use loggia_xrpc_server::{Arguments, FromCall, Proof, Refusal};

use crate::challenge;
use crate::presented::{Presented, Takes};

/// A caller of one kind or the other, as their credentials say: `Either<ServiceCaller, AccountHolder>`.
/// For three, the second is an `Either` again.
///
/// The scheme and the type that the token names decide which kind it is, and it is then verified as that
/// kind alone. Refusals are those of that kind; who presents nothing is told of both, in a
/// `WWW-Authenticate` for each.
#[derive(Debug)]
pub enum Either<A, B> {
    /// The first kind.
    First(A),
    /// The second kind.
    Second(B),
}

impl<A: Takes, B: Takes> Takes for Either<A, B> {
    fn takes(presented: Presented) -> bool {
        A::takes(presented) || B::takes(presented)
    }

    fn challenges() -> Vec<&'static str> {
        let mut challenges = A::challenges();
        for challenge in B::challenges() {
            if !challenges.contains(&challenge) {
                challenges.push(challenge);
            }
        }
        challenges
    }
}

impl<A, B, P, I, S> FromCall<P, I, S> for Either<A, B>
where
    A: FromCall<P, I, S> + Takes,
    B: FromCall<P, I, S> + Takes,
{
    type Claim = Either<A::Claim, B::Claim>;

    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal> {
        let presented = Presented::of(&parts.headers)?;
        if A::takes(presented) {
            return A::claim(parts, state).map(Either::First);
        }
        if B::takes(presented) {
            return B::claim(parts, state).map(Either::Second);
        }
        Err(match presented {
            Presented::Nothing => challenge::absent(&Self::challenges()),
            _ => challenge::unexpected(&Self::challenges()),
        })
    }

    fn prove(claim: Self::Claim, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self> {
        match claim {
            Either::First(claim) => {
                let proof = A::prove(claim, arguments, state);
                Box::pin(async { proof.await.map(Either::First) })
            }
            Either::Second(claim) => {
                let proof = B::prove(claim, arguments, state);
                Box::pin(async { proof.await.map(Either::Second) })
            }
        }
    }
}
