//! Closing a space with many members.

use std::time::Instant;

use serde_json::json;

use crate::support::TestServer;
use crate::support::community::Community;
use crate::support::rows::Database;
use crate::support::spaces::{DELETE_SPACE, open_forum};

/// Members, each of whom is an event of its own.
const MEMBERS: i64 = 10_000;

/// It is one transaction: nobody ever sees a space that is half gone. How long that takes is shown.
#[tokio::test]
async fn a_space_with_ten_thousand_members_is_closed_in_one_go() {
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
    println!(
        "{MEMBERS} members are gone after {} ms",
        begun.elapsed().as_millis()
    );
    assert_eq!(closed.status, 200, "{closed:#?}");
    assert_eq!(rows.number(count).await - before, MEMBERS);
    let left = "SELECT count(*) FROM space_member";
    assert_eq!(rows.number(left).await, 0);
}
