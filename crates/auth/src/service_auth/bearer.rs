//! The token in an `Authorization` header.

use super::ServiceAuthError;

/// The token of an `Authorization: Bearer …` header. The scheme's case does not matter (RFC 9110).
pub fn bearer(header: Option<&str>) -> Result<&str, ServiceAuthError> {
    let header = header.ok_or(ServiceAuthError::Absent)?.trim();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ServiceAuthError::Scheme);
    }
    match token.trim() {
        "" => Err(ServiceAuthError::Empty),
        token => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_token() {
        assert_eq!(bearer(Some("Bearer a.b.c")).ok(), Some("a.b.c"));
        assert_eq!(bearer(Some("bearer  a.b.c ")).ok(), Some("a.b.c"));
    }

    #[test]
    fn says_what_is_missing() {
        let refusal = |header| bearer(header).map_err(|error| (error.status(), error.name()));
        assert_eq!(refusal(None), Err((401, "AuthMissing")));
        assert_eq!(refusal(Some("Bearer")), Err((401, "MissingJwt")));
        assert_eq!(refusal(Some("Bearer  ")), Err((401, "MissingJwt")));
        assert_eq!(refusal(Some("DPoP a.b.c")), Err((400, "InvalidToken")));
        assert_eq!(refusal(Some("")), Err((400, "InvalidToken")));
    }
}
