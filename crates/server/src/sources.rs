//! What record streams are read with: sockets through the guarded client, and keys out of DID documents.

mod signatures;
mod sockets;

pub use signatures::AccountKeys;
pub use sockets::GuardedSockets;
