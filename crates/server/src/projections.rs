//! Projections: events folded into states, and a notification for each state that changes.
//!
//! Events stand in a history of each owner: what they append ([`intake`]), and what happens in the network
//! and in spaces, as far as their projections read it ([`sources`]). A worker folds them for every projection of
//! that owner ([`folding`]): states, numbers, notifications and deliveries of a batch are one
//! transaction with the cursor, so that a fold happens once whatever dies meanwhile. The log of
//! notifications is the truth: webhooks, streams ([`feed`]) and polls all give out what stands there.
//!
//! An owner is an account, or a client of the API under the DID that [`owner_of_client`] makes up for
//! it: nobody can prove that one, so it is reached with the client's key only.

pub mod definition;
pub mod desk;
pub mod envelope;
pub mod feed;
pub mod feeding;
pub mod folding;
pub mod followers;
pub mod holders;
pub mod intake;
pub mod names;
pub(crate) mod readers;
pub mod reducers;
pub mod rest;
pub mod sources;

pub use desk::ProjectionDesk;
pub use feeding::Feeding;
pub use names::owner_of_client;
