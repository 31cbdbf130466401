//! Many who do everything in one space at the same time, on PostgreSQL, where they wait for each other.

use loggia_services::Postgres;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::notices::registration;
use crate::support::spaces::{
    CREATE, CREATE_SPACE, DELETE_SPACE, NOTIFY, POSTS, PUT_MEMBER, REGISTER, REMOVE_MEMBER,
    UNREGISTER, forum_of_members, let_in, open_forum, post_of,
};
use crate::support::{Account, Receiver, TestServer};

/// How often each does it.
const TIMES: usize = 40;

/// How many spaces close.
const ROUNDS: usize = 30;

/// Does it again and again; what is answered is one of these.
async fn again(who: &Account<'_>, nsid: &str, input: impl Fn(usize) -> Value, may: &[u16]) {
    for time in 0..TIMES {
        let answer = who.procedure(nsid, &input(time)).await;
        assert!(may.contains(&answer.status), "{nsid}: {answer:#?}");
    }
}

/// What the authority says of a record that somebody has written elsewhere.
fn heard(author: &Account<'_>, space: &str, time: usize) -> Value {
    let rkey = format!("n{time}");
    json!({ "space": space, "did": author.did, "collection": POSTS, "rkey": rkey })
}

/// Puts somebody on the list and off it.
async fn let_in_and_out(alice: &Account<'_>, space: &str, who: &Account<'_>) {
    let member = json!({ "space": space, "did": who.did, "read": true, "write": true });
    let gone = json!({ "space": space, "did": who.did });
    for _ in 0..TIMES {
        for (nsid, input) in [(REMOVE_MEMBER, &gone), (PUT_MEMBER, &member)] {
            let answer = alice.procedure(nsid, input).await;
            assert_eq!(answer.status, 200, "{nsid}: {answer:#?}");
        }
    }
}

/// The end of a space comes while its authority writes in it, and others register.
async fn it_closes_while_they_write(server: &TestServer, skey: &str) {
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let mut forum = forum_of_members();
    forum["skey"] = json!(skey);
    let opened = alice.procedure(CREATE_SPACE, &forum).await.output();
    let space = opened["uri"].as_str().expect("a name");
    let_in(&alice, space, &bob.did, (true, true)).await;
    let told = registration(space, "http://127.0.0.1:9/nobody");
    let write = |rkey: &'static str| {
        let post = post_of(&alice, space, rkey, "hi");
        let alice = &alice;
        async move { alice.procedure(CREATE, &post).await.status }
    };
    let register = async { bob.procedure(REGISTER, &told).await.status };
    let gone = json!({ "space": space });
    let close = async { alice.procedure(DELETE_SPACE, &gone).await.status };
    let (one, two, registered, closed, three) =
        tokio::join!(write("a"), write("b"), register, close, write("c"));
    assert_eq!(closed, 200);
    for status in [one, two, three, registered] {
        assert!([200, 400, 403, 404].contains(&status), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_stands_in_the_way_of_another_for_good() {
    let url = Postgres::database().await;
    let server = TestServer::start_with(|config| {
        config.database = Some(url.parse().expect("a URL"));
    })
    .await;
    let alice = server.account("alice");
    let others = ["bob", "carol", "dave"].map(|name| server.account(name));
    let space = open_forum(&alice).await;
    for other in &others {
        let_in(&alice, &space, &other.did, (true, true)).await;
    }
    let receiver = Receiver::start();
    let told = registration(&space, &receiver.url);
    let unregister = json!({ "space": space, "service": told["serviceDid"] });
    let [bob, carol, dave] = &others;
    let post =
        |who: &Account<'_>, of: &str, time| post_of(who, &space, &format!("{of}{time}"), "hi");
    let everything = async {
        tokio::join!(
            again(&alice, CREATE, |time| post(&alice, "a", time), &[200]),
            again(&alice, CREATE, |time| post(&alice, "b", time), &[200]),
            again(bob, CREATE, |time| post(bob, "a", time), &[200]),
            again(&alice, REGISTER, |_| told.clone(), &[200]),
            again(bob, REGISTER, |_| told.clone(), &[200]),
            again(&alice, NOTIFY, |time| heard(&alice, &space, time), &[200]),
            again(&alice, UNREGISTER, |_| unregister.clone(), &[200]),
            // Who is on the list and off it may register or not.
            again(carol, REGISTER, |_| told.clone(), &[200, 403, 404]),
            again(dave, REGISTER, |_| told.clone(), &[200, 403, 404]),
            let_in_and_out(&alice, &space, carol),
            let_in_and_out(&alice, &space, dave),
        );
    };
    everything.await;
    for round in 0..ROUNDS {
        it_closes_while_they_write(&server, &format!("s{round}")).await;
    }
    server.stop().await;
    let mut database = PgConnection::connect(&url).await.expect("connects");
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let deadlocks: i64 = sqlx::query_scalar(deadlocks)
        .fetch_one(&mut database)
        .await
        .expect("PostgreSQL counts them");
    assert_eq!(deadlocks, 0);
}
