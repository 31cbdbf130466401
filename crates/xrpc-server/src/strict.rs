//! Headers that may come once only.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use loggia_xrpc::Rejection;

/// Headers of which two would be read differently by different readers: a proxy might check one and
/// we the other.
const ONCE: [(HeaderName, &str); 2] = [
    (header::AUTHORIZATION, "Authorization"),
    (header::CONTENT_TYPE, "Content-Type"),
];

/// How a request is signed with a space credential. Of two such headers the protocol says how they are
/// refused, so that is left to whoever verifies them.
const SPACE_CREDENTIAL: &[u8] = b"atproto-space ";

/// 400 if a header comes twice that may not.
pub(crate) fn once(headers: &HeaderMap) -> Result<(), Rejection> {
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    match ONCE.iter().find(|(name, _)| {
        headers.get_all(name).iter().nth(1).is_some() && !is_verified(headers, name)
    }) {
        None => Ok(()),
        Some((_, name)) => Err(Rejection::invalid_request(format!(
            "{name} is sent more than once; send it once"
        ))),
    }
}

/// Whether there is a space credential among the values of this header.
fn is_verified(headers: &HeaderMap, name: &HeaderName) -> bool {
    let is_credential = |value: &HeaderValue| {
        let scheme = value.as_bytes().get(..SPACE_CREDENTIAL.len());
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SPACE_CREDENTIAL))
    };
    name == header::AUTHORIZATION && headers.get_all(name).iter().any(is_credential)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_be_unambiguous_comes_once() {
        let mut headers = HeaderMap::new();
        for name in [header::ACCEPT, header::ACCEPT, header::CONTENT_TYPE] {
            headers.append(name, HeaderValue::from_static("application/json"));
        }
        assert!(once(&headers).is_ok());
        headers.append(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let rejection = once(&headers).expect_err("two content types");
        assert_eq!(
            (rejection.status, rejection.message.as_ref()),
            (400, "Content-Type is sent more than once; send it once")
        );
    }
}
