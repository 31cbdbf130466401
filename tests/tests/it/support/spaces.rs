//! Spaces that the server hosts, and readers of them.

use loggia_auth::{SigningKey, http_signature};
use loggia_syntax::Did;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{Account, Answer, TestServer};

pub const CREATE_SPACE: &str = "com.atproto.simplespace.createSpace";
pub const GET_SPACE: &str = "com.atproto.simplespace.getSpace";
pub const UPDATE_SPACE: &str = "com.atproto.simplespace.updateSpace";
pub const DELETE_SPACE: &str = "com.atproto.simplespace.deleteSpace";
pub const PUT_MEMBER: &str = "com.atproto.simplespace.putMember";
pub const REMOVE_MEMBER: &str = "com.atproto.simplespace.removeMember";
pub const LIST_MEMBERS: &str = "com.atproto.simplespace.listMembers";
pub const CREATE: &str = "com.atproto.space.createRecord";
pub const PUT: &str = "com.atproto.space.putRecord";
pub const DELETE: &str = "com.atproto.space.deleteRecord";
pub const APPLY: &str = "com.atproto.space.applyWrites";
pub const GET: &str = "com.atproto.space.getRecord";
pub const LIST: &str = "com.atproto.space.listRecords";
pub const COMMIT: &str = "com.atproto.space.getLatestCommit";
pub const OPS: &str = "com.atproto.space.listRepoOps";
pub const REPO: &str = "com.atproto.space.getRepo";
pub const SPACES: &str = "com.atproto.space.listSpaces";
pub const DELEGATION: &str = "com.atproto.space.getDelegationToken";
pub const CREDENTIAL: &str = "com.atproto.space.getSpaceCredential";
pub const REPOS: &str = "com.atproto.space.listRepos";
pub const REGISTER: &str = "com.atproto.space.registerNotify";
pub const UNREGISTER: &str = "com.atproto.space.unregisterNotify";
pub const NOTIFY: &str = "com.atproto.space.notifyWrite";
pub const ENDED: &str = "com.atproto.space.notifySpaceDeleted";
pub const REVOKED: &str = "com.atproto.space.notifyCredentialRevoked";
pub const POSTS: &str = "com.example.forum.post";

/// A rule of `com.atproto.simplespace.defs`.
pub fn rule(name: &str) -> Value {
    json!({ "$type": format!("com.atproto.simplespace.defs#{name}") })
}

/// The input that opens a forum called `main`, which its members read and write.
pub fn forum_of_members() -> Value {
    json!({
        "spaceType": "com.example.forum",
        "skey": "main",
        "readPolicy": rule("memberListPolicy"),
        "writePolicy": rule("memberListPolicy"),
        "appAccess": rule("open"),
    })
}

/// Opens it; its name.
pub async fn open_forum(authority: &Account<'_>) -> String {
    let opened = authority.procedure(CREATE_SPACE, &forum_of_members()).await;
    let uri = opened.output()["uri"].as_str().map(str::to_owned);
    uri.expect("a name")
}

/// Puts somebody on the list.
pub async fn let_in(authority: &Account<'_>, space: &str, did: &Did, (read, write): (bool, bool)) {
    let input = json!({ "space": space, "did": did, "read": read, "write": write });
    let done = authority.procedure(PUT_MEMBER, &input).await;
    assert_eq!(done.status, 200, "{done:#?}");
}

/// The input that makes a post.
pub fn post_of(author: &Account<'_>, space: &str, rkey: &str, text: &str) -> Value {
    json!({
        "space": space,
        "repo": author.did,
        "collection": POSTS,
        "rkey": rkey,
        "record": { "text": text },
    })
}

/// Makes a post; the answer.
pub async fn write_post(author: &Account<'_>, space: &str, rkey: &str, text: &str) -> Value {
    let input = post_of(author, space, rkey, text);
    author.procedure(CREATE, &input).await.output()
}

/// Somebody with a key who reads in the name of an account.
pub struct SpaceReader {
    pub key: SigningKey,
    pub credential: String,
}

/// The request that trades a delegation token for a credential bound to this key.
pub fn exchange(
    server: &TestServer,
    key: &SigningKey,
    token: &str,
    input: &Value,
) -> RequestBuilder {
    let authorization = format!("Bearer {token}");
    let fields = http_signature::sign(key, &authorization, None).expect("a signature");
    server
        .call(CREDENTIAL, &[], Some(input))
        .header("authorization", authorization)
        .header("signature-input", fields.input)
        .header("signature", fields.signature)
}

/// The authority of a space, in either spelling.
pub fn authority_of(space: &str) -> String {
    let space = loggia_syntax::SpaceRef::from_any_spelling(space).expect("a space");
    space.authority().to_string()
}

/// An account's delegation token for a space.
pub async fn delegation(account: &Account<'_>, space: &str) -> String {
    let answer = account.query(DELEGATION, &[("space", space)]).await;
    let token = answer.output()["token"].as_str().map(str::to_owned);
    token.expect("a token")
}

/// What an account that asks for a credential is told.
pub async fn ask(server: &TestServer, account: &Account<'_>, space: &str) -> (SigningKey, Answer) {
    let key = SigningKey::generate_p256().expect("the system has randomness");
    let token = delegation(account, space).await;
    let request = exchange(server, &key, &token, &json!({ "space": space }));
    (key, server.send(request).await)
}

impl SpaceReader {
    /// With a credential that the account obtains.
    pub async fn of(server: &TestServer, account: &Account<'_>, space: &str) -> Self {
        let (key, answer) = ask(server, account, space).await;
        let credential = answer.output()["credential"].as_str().map(str::to_owned);
        Self {
            key,
            credential: credential.expect("a credential"),
        }
    }

    /// Signs a request for this audience.
    pub fn sign(&self, request: RequestBuilder, audience: &str) -> RequestBuilder {
        let authorization = format!("Atproto-Space {}", self.credential);
        let fields = http_signature::sign(&self.key, &authorization, Some(audience));
        let fields = fields.expect("a signature");
        request
            .header("authorization", authorization)
            .header("atproto-space-audience", audience)
            .header("signature-input", fields.input)
            .header("signature", fields.signature)
    }

    /// Calls a procedure of the space's host.
    pub async fn procedure(&self, server: &TestServer, nsid: &str, input: &Value) -> Answer {
        let authority = authority_of(input["space"].as_str().expect("a space"));
        let request = server.call(nsid, &[], Some(input));
        server.send(self.sign(request, &authority)).await
    }

    /// Who has written in the space, after this place.
    pub async fn repos(&self, server: &TestServer, space: &str, after: Option<&str>) -> Value {
        let cursor = after.map(|after| ("cursor", after));
        let params: Vec<_> = [("space", space)].into_iter().chain(cursor).collect();
        let request = server.call(REPOS, &params, None);
        let answer = server.send(self.sign(request, &authority_of(space))).await;
        answer.output()
    }

    /// Calls a query about somebody's repository.
    pub async fn query(
        &self,
        server: &TestServer,
        nsid: &str,
        repo: &Did,
        params: &[(&str, &str)],
    ) -> Answer {
        let params = [params, &[("repo", repo.as_str())]].concat();
        let request = server.call(nsid, &params, None);
        server.send(self.sign(request, repo.as_str())).await
    }
}
