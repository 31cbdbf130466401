//! Extractors that prove who calls a method, named for what they prove.
//!
//! A handler declares in its signature whom it serves; nothing is verified anywhere else:
//!
//! ```text
//! async fn handle(caller: ServiceCaller, input: Input) -> Reply<Sign> { … caller.did … }
//! ```
//!
//! | extractor | proves | by |
//! |---|---|---|
//! | [`ServiceCaller`] | an account or service | service auth for this method and this audience |
//! | [`AddressedCaller`] | the same, for whomever the handler finds to be addressed | service auth |
//! | [`AccountHolder`] | an app in an account's name | access token and DPoP proof |
//! | [`SpaceReader`] | somebody who may read the space that the arguments name | space credential |
//! | [`SpaceAuthority`] | the authority of that space | service auth |
//! | [`Admin`] | an administrator of this service | service auth |
//! | [`CredentialSeeker`] | somebody whom an account lets read a space | delegation token, and the key to bind a credential to |
//! | [`Either`] | one of two of these | whichever the request presents |
//!
//! Every one of them needs a [`Callers`] in the service's state, which holds what verification
//! needs: who this service is, where DID documents come from, which tokens were used. All are
//! [`FromCall`](loggia_xrpc_server::FromCall)s: they stand last before the decoded arguments, claims
//! are looked at before the body is read, and signatures once the arguments are known.

mod account;
mod admin;
mod callers;
mod challenge;
mod either;
mod exchange;
mod network;
mod nonces;
mod presented;
mod service;
mod space;
mod web;

pub use account::{AccessClaim, AccountHolder};
pub use admin::Admin;
pub use callers::{Builder, Callers};
pub use either::Either;
pub use exchange::CredentialSeeker;
pub use network::{Issuer, Network, NetworkError};
pub use presented::{Presented, Takes};
pub use service::{AddressedCaller, AudiencePolicy, ServiceCaller, ThisService};
pub use space::{SpaceAuthority, SpaceClaim, SpacePolicy, SpaceReader, Wanted};
pub use web::Web;
