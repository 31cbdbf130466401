//! Spaces, registrations for them, and writes in them.

use serde_json::{Value, json};

use super::Account;

pub const REGISTER: &str = "com.atproto.space.registerNotify";
pub const WRITE: &str = "com.atproto.space.notifyWrite";
pub const DELETED: &str = "com.atproto.space.notifySpaceDeleted";
pub const CID: &str = "bafyreie5cvv4h45feadgeuwhbcutmh6t7ceseocckahdoe6uat64zmz454";

/// The forum of an account, as the protocol spells it.
pub fn forum(authority: &Account<'_>) -> String {
    format!("at://{}/space/com.example.forum/main", authority.did)
}

/// The same in the older spelling.
pub fn old_forum(authority: &Account<'_>) -> String {
    format!("ats://{}/com.example.forum/main", authority.did)
}

/// The input of a registration.
pub fn registration(space: &str, endpoint: &str) -> Value {
    json!({ "space": space, "serviceDid": "did:web:feed.example.com", "endpoint": endpoint })
}

/// Registers an endpoint for the first time; its secret.
pub async fn register(authority: &Account<'_>, endpoint: &str) -> String {
    let input = registration(&forum(authority), endpoint);
    let output = authority.procedure(REGISTER, &input).await.output();
    output["secret"]
        .as_str()
        .unwrap_or_else(|| panic!("no secret: {output}"))
        .to_owned()
}

/// The input that tells of a post by an account.
pub fn post(space: &str, author: &Account<'_>) -> Value {
    json!({
        "space": space,
        "did": author.did.as_str(),
        "collection": "com.example.forum.post",
        "rkey": "3jwq5dya2gy2z",
        "cid": CID,
    })
}

/// The opaque id of a space.
pub fn space_id_of(space: &str) -> String {
    let space = loggia_syntax::SpaceRef::new(space).expect("a space");
    loggia_server::space_notices::space_id(&space)
}
