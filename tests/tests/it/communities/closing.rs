//! Closing a space with many members.

use std::time::Instant;

use serde_json::json;

use crate::space_copies::scene::until;
use crate::support::community::Community;
use crate::support::rows::Database;
use crate::support::spaces::{
    CREATE_SPACE, DELETE_SPACE, GET_SPACE, LIST_MEMBERS, SPACES, forum_of_members, open_forum,
};
use crate::support::{Account, TestServer};

/// Members, each of whom is an event of its own.
const MEMBERS: i64 = 10_000;

/// That nobody sees anything of a space that is gone.
async fn is_gone(owner: &Account<'_>, space: &str) {
    for method in [GET_SPACE, LIST_MEMBERS] {
        let answer = owner.query(method, &[("space", space)]).await;
        assert_eq!(answer.body["error"], "SpaceNotFound", "{method}");
    }
    let listed = owner.query(SPACES, &[]).await.output();
    assert_eq!(listed["spaces"], json!([]));
}

/// Its end holds at once, and the rest goes in parts of which none keeps others waiting for long, over a
/// restart.
#[tokio::test]
async fn a_space_with_ten_thousand_members_is_gone_at_once_and_cleared_in_parts() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let mut community = Community::start().await;
    community.hook(&alice, &["space_membership.deleted"]).await;
    let mut rows = Database::sqlite(&server.data()).await;
    let members = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MEMBERS})
         INSERT INTO space_member (space, did, may_read, may_write, added_at)
         SELECT '{space}', 'did:plc:member' || i, 1, 1, 0 FROM n"
    );
    rows.change(&members).await;
    let count = "SELECT count(*) FROM notification";
    let before = rows.number(count).await;

    let begun = Instant::now();
    let closed = alice
        .procedure(DELETE_SPACE, &json!({ "space": space }))
        .await;
    println!("it is gone after {} ms", begun.elapsed().as_millis());
    assert_eq!(closed.status, 200, "{closed:#?}");
    let left = "SELECT count(*) FROM space_member";
    let then = rows.number(left).await;
    assert!(then > 0, "not all of it in one transaction");
    let refused = alice.procedure(CREATE_SPACE, &forum_of_members()).await;
    let message = "a space of this name is still being closed; try again in a moment";
    refused.fails(400, "SpaceAlreadyExists", message);
    is_gone(&alice, &space).await;

    let port = server.port();
    let folder = server.stop().await;
    let mut rows = Database::sqlite(folder.path()).await;
    let at_port = |config: &mut loggia_server::config::Config| config.bind.set_port(port);
    let server = TestServer::start_in(folder, at_port).await;
    let alice = server.account("alice");
    is_gone(&alice, &space).await;
    until("nothing is left", async || {
        let errands = "SELECT count(*) FROM errand WHERE kind = 'space-closing'";
        (rows.number(errands).await == 0).then_some(())
    })
    .await;
    assert_eq!(rows.number(left).await, 0);
    assert_eq!(rows.number(count).await - before, MEMBERS, "each told once");
    assert_eq!(open_forum(&alice).await, space);
}
