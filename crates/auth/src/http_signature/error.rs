//! How a signature over a request fails.

use loggia_identity::KeyError;

use crate::headers::FieldFault;

/// Why a request is not signed. All of them are `BadSpaceSignature` on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A covered field is missing or stands there more than once.
    #[error("the request must have the field `{0}` once")]
    Field(&'static str, FieldFault),
    /// A covered field has characters that no field may have.
    #[error("the field `{0}` has characters in it that cannot be signed")]
    FieldText(&'static str),
    /// `Signature-Input` or `Signature` is missing.
    #[error("the request is not signed: `{0}` is missing")]
    Unsigned(&'static str),
    /// Not the structured field that it should be (RFC 8941).
    #[error("the field `{0}` cannot be read")]
    Form(&'static str),
    /// The dictionaries have no member of our label, or one of another type.
    #[error("the field `{0}` has no `atproto-space` of the expected type")]
    Label(&'static str),
    /// Not the components that must be covered, in that order and without parameters.
    #[error("the signature does not cover exactly {0}")]
    Components(&'static str),
    /// `alg` is there and something else than `ecdsa-p256-sha256`.
    #[error("the signature's alg is not ecdsa-p256-sha256")]
    Algorithm,
    /// `keyid` is not the key that the credential is bound to.
    #[error("the signature's keyid is not the key of the credential")]
    KeyId,
    /// There is no `keyid`, or it is no text.
    #[error("the signature has no keyid that names a key")]
    NoKeyId,
    /// The key cannot be read.
    #[error("the signature's key is not a did:key")]
    Key(#[source] KeyError),
    /// The key is not on P-256.
    #[error("the signature's key is not a P-256 key")]
    Curve,
    /// The signature is not by that key over this request, or not in the form of 64 bytes.
    #[error("the signature does not verify")]
    Signature,
}
