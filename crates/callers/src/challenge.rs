//! Refusals of credentials as answers: status, name, and the challenge that a 401 owes.

use loggia_auth::Refusal as Refused;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;

/// What a method that takes service auth asks for.
pub(crate) const BEARER: &str = "Bearer";
/// What a method that takes access tokens asks for.
pub(crate) const DPOP: &str = "DPoP algs=\"ES256\"";
/// What a method that takes space credentials asks for.
pub(crate) const SPACE: &str = "Atproto-Space";

/// The answer to credentials that do not hold. What is this server's fault is logged and not told.
pub(crate) fn refuse<E: Refused>(error: &E) -> Refusal {
    let (status, name, message) = error.answer();
    if status == 500 {
        return Refusal::internal(error);
    }
    let rejection = Rejection::new(status, name, message);
    match error.challenge() {
        Some(challenge) => rejection.header("WWW-Authenticate", challenge).into(),
        None => rejection.into(),
    }
}

/// The answer to no credentials at all: each way in, in a header of its own.
pub(crate) fn absent(challenges: &[&str]) -> Refusal {
    let rejection = Rejection::new(401, "AuthMissing", "authentication is required");
    challenges
        .iter()
        .fold(rejection, |rejection, challenge| {
            rejection.header("WWW-Authenticate", *challenge)
        })
        .into()
}

/// The answer to a space credential where none is taken at all.
pub(crate) fn no_credentials_taken() -> Refusal {
    Rejection::new(
        400,
        "InvalidToken",
        "this service takes no space credentials",
    )
    .into()
}

/// The answer to credentials of a kind that the method does not take.
pub(crate) fn unexpected(challenges: &[&str]) -> Refusal {
    let schemes: Vec<&str> = challenges
        .iter()
        .filter_map(|challenge| challenge.split(' ').next())
        .collect();
    let message = format!(
        "Unexpected authorization type, expected {}",
        schemes.join(" or ")
    );
    Rejection::new(400, "InvalidToken", message).into()
}
