//! What October 2026 changed in the permissioned-data lexicons, applied to those of August.
//!
//! Documents known word for word replace the old ones before; these are the others.

use serde_json::{Value, json};

use super::folder::Lexicons;

/// Turns the August documents into those of October.
pub fn amend(published: &mut Lexicons) {
    published.remove("com.atproto.simplespace.addMember");
    change(published, "com.atproto.simplespace.createSpace", |create| {
        let input = &mut create["defs"]["main"]["input"]["schema"];
        rename(input, "type", "spaceType");
        split_policy(input);
        input["required"] = json!(["spaceType", "readPolicy", "writePolicy", "appAccess"]);
    });
    change(published, "com.atproto.simplespace.updateSpace", |update| {
        split_policy(&mut update["defs"]["main"]["input"]["schema"]);
    });
    change(published, "com.atproto.simplespace.getSpace", |get| {
        let output = &mut get["defs"]["main"]["output"]["schema"];
        split_policy(output);
        output["required"] = json!(["uri", "readPolicy", "writePolicy", "appAccess"]);
    });
    change(published, "com.atproto.simplespace.listMembers", |list| {
        let member = &mut list["defs"]["member"];
        member["properties"]["read"] = json!({ "type": "boolean" });
        member["properties"]["write"] = json!({ "type": "boolean" });
        member["required"] = json!(["did", "read", "write"]);
    });
    // Optional, as authorities of August do not send it; open, as more kinds may come.
    change(
        published,
        "com.atproto.simplespace.checkUserAccess",
        |check| {
            check["defs"]["main"]["parameters"]["properties"]["access"] =
                json!({ "type": "string", "knownValues": ["read", "write"] });
        },
    );
    change(published, "com.atproto.space.listSpaces", |list| {
        rename(&mut list["defs"]["main"]["parameters"], "type", "spaceType");
    });
    change(published, "com.atproto.space.listRepos", |list| {
        let repo = &mut list["defs"]["repo"];
        rename(repo, "rev", "repoRev");
        repo["properties"]["spaceRev"] = json!({ "type": "string", "format": "tid" });
        repo["required"] = json!(["did", "repoRev", "hash", "spaceRev"]);
    });
}

fn change(published: &mut Lexicons, id: &str, how: impl FnOnce(&mut Value)) {
    how(published
        .get_mut(id)
        .unwrap_or_else(|| panic!("{id} is not among the published")));
}

/// One rule for both kinds of access became one rule each.
fn split_policy(schema: &mut Value) {
    let policy = take(schema, "policy");
    schema["properties"]["readPolicy"] = policy.clone();
    schema["properties"]["writePolicy"] = policy;
}

fn rename(schema: &mut Value, old: &str, new: &str) {
    let property = take(schema, old);
    schema["properties"][new] = property;
}

fn take(schema: &mut Value, name: &str) -> Value {
    let properties = schema["properties"]
        .as_object_mut()
        .expect("an object has properties");
    properties
        .remove(name)
        .unwrap_or_else(|| panic!("no property {name} to change"))
}
