//! Refusals of credentials as answers: status, name, and the challenge that a 401 owes.

use loggia_auth::{Refusal as Refused, ServiceAuthError};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;

/// What a method that takes service auth asks for.
pub(crate) const BEARER: &str = "Bearer";
/// What a method that takes access tokens asks for.
pub(crate) const DPOP: &str = "DPoP algs=\"ES256\"";
/// What a method that takes space credentials asks for.
pub(crate) const SPACE: &str = "Atproto-Space";

/// Audiences that a caller is told of who meant another: most services have two.
const MOST_TOLD: usize = 4;

/// The answer to credentials that do not hold. What is this server's fault is logged and not told.
pub(crate) fn refuse<E: Refused>(error: &E) -> Refusal {
    refuse_with(error, error.message())
}

/// The answer to service auth that does not hold, with what it should have said.
pub(crate) fn refuse_service(
    error: &ServiceAuthError,
    method: &str,
    audiences: &[String],
) -> Refusal {
    let told = audiences.len().min(MOST_TOLD);
    let wanted = match error {
        ServiceAuthError::Method => method.to_owned(),
        ServiceAuthError::Audience if told > 0 => audiences[..told].join(" or "),
        _ => return refuse(error),
    };
    refuse_with(error, format!("{}: it must be {wanted}", error.message()))
}

fn refuse_with<E: Refused>(error: &E, message: String) -> Refusal {
    let (status, name) = (error.status(), error.name());
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
