//! Client attestations: an app proves to a space host which app it is.
//!
//! The app is named by the URL of its client metadata, and it signs with a key that this document
//! publishes. Every way of failing is `InvalidClientAttestation`.

mod clients;
mod error;
mod metadata;
mod mint;
mod places;
mod verifier;

pub use clients::{Client, Clients, ClientsSettings};
pub use error::{AttestationError, ClientError};
pub use metadata::{ClientId, ClientKeys, ClientMetadata, MetadataError};
pub use mint::{NewAttestation, NewAttestationError, mint};
pub use verifier::{Attestation, Attestations};

/// The `typ` of an attestation.
pub const TYPE: &str = "atproto-client-attestation+jwt";

/// The most seconds that an attestation lives. 60 is usual and nobody has a limit; one that can be
/// used once needs no longer.
pub const MOST_LIFETIME: i64 = 300;

/// Seconds by which clocks may differ.
pub const SKEW: i64 = 5;
