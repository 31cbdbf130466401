//! Signing a request, as a client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use loggia_identity::Curve;

use super::base::signature_base;
use super::{Components, LABEL};
use crate::key::{SigningError, SigningKey};

/// The two header fields that make a request a signed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureFields {
    /// `Signature-Input`.
    pub input: String,
    /// `Signature`.
    pub signature: String,
}

/// Signs a request with these values of `Authorization` and, when a credential is used,
/// `Atproto-Space-Audience`. For an exchange the signature names its key.
pub fn sign(
    key: &SigningKey,
    authorization: &str,
    audience: Option<&str>,
) -> Result<SignatureFields, SigningError> {
    if key.public().curve() != Curve::P256 {
        return Err(SigningError::Mismatch);
    }
    let components = match audience {
        Some(_) => Components::Use,
        None => Components::Exchange,
    };
    let values = [authorization.trim(), audience.unwrap_or_default().trim()];
    let covered: Vec<_> = components.names().iter().copied().zip(values).collect();
    let names: Vec<_> = components
        .names()
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    let mut parameters = format!("({})", names.join(" "));
    if audience.is_none() {
        let keyid = key.public().to_did_key();
        parameters.push_str(&format!(";keyid=\"{keyid}\""));
    }
    let signature = key.sign(signature_base(&covered, &parameters).as_bytes())?;
    Ok(SignatureFields {
        input: format!("{LABEL}={parameters}"),
        signature: format!("{LABEL}=:{}:", STANDARD.encode(signature)),
    })
}
