//! What the client signs to say who it is (RFC 7523).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_auth::SigningKey;
use loggia_auth::jws::{NewHeader, SignError, sign_with};
use serde_json::json;

use super::key::thumbprint;

/// How long an assertion holds, in seconds: it is sent at once, and servers want it short.
const ASSERTION_LIFETIME: i64 = 60;

/// Makes a `client_assertion` for the authorization server `issuer`.
///
/// # Errors
/// Signing failed.
pub fn assertion(
    key: &SigningKey,
    client_id: &str,
    issuer: &str,
    now: Timestamp,
    id: [u8; 16],
) -> Result<String, SignError> {
    let iat = now.as_second();
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "jti": URL_SAFE_NO_PAD.encode(id),
        "iat": iat,
        "exp": iat + ASSERTION_LIFETIME,
    });
    let header = NewHeader {
        typ: "JWT",
        kid: Some(&thumbprint(key)),
        jwk: None,
    };
    sign_with(key, &header, &claims)
}

#[cfg(test)]
mod tests {
    use loggia_auth::jws::Compact;
    use loggia_auth::key::LowS;
    use serde_json::Value;

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    #[test]
    fn an_assertion_names_client_and_server() {
        let key = SigningKey::generate_p256().expect("a key");
        let id = "https://hub.example/oauth/client-metadata.json";
        let text = assertion(&key, id, "https://pds.example", NOW, [1; 16]).expect("signed");
        let parsed = Compact::parse(&text).expect("a token");
        assert!(parsed.verify(key.public(), LowS::Required).is_ok());
        assert_eq!(parsed.header().kid, Some(thumbprint(&key)));
        let claims: Value = parsed.claims().expect("claims");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(id), &json!(id)));
        assert_eq!(claims["aud"], "https://pds.example");
        assert_eq!(claims["exp"], 1_700_000_060);
    }
}
