//! Hosts that accept and never answer, and everybody else's spaces meanwhile.

use std::sync::atomic::Ordering;

use super::scene::{beside, free_port, reading, told, until};
use crate::support::foreign_host::ForeignHost;
use crate::support::silent::Silent;
use crate::support::{Receiver, TestServer};

/// Spaces whose host never answers: to wait for each of them would take many minutes.
const SPACES: u8 = 60;

#[tokio::test]
async fn a_host_that_never_answers_keeps_no_other_space_waiting() {
    let (silent, at) = Silent::start().await;
    let (hostile, host) = (ForeignHost::start().await, ForeignHost::start().await);
    hostile.now().moved_to = Some(at);
    host.answers().await;
    let port = free_port();
    let server = TestServer::start_with(|config| reading(config, port, 1)).await;
    server.account("reader");
    let mut receiver = Receiver::start();
    for number in 0..SPACES {
        let authority = &hostile.authority;
        let space = format!("at://{authority}/space/com.example.forum/{number}");
        hostile.register_for(&server, &space, &receiver.url).await;
    }
    until("the silent host is asked", async || {
        (silent.open.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;

    let secret = host.register(&server, &receiver.url).await;
    let storage = beside(&server).await;
    until("the list is read", async || {
        let found = storage.space_copies().find_space(&host.space).await;
        found.expect("runs").filter(|space| space.is_listed)
    })
    .await;
    let alice = host.author("alice");
    let made = host.write(&alice, "a", Some("one"));
    let arrived = receiver.next().await.verified(&secret);
    assert_eq!(arrived, told(&host, &alice, "a", made.as_deref()));
    receiver.has_no_more();
    let most = silent.most.load(Ordering::SeqCst);
    assert!((1..=2).contains(&most), "{most} at once");
}

/// Authors who moved to a host that never answers, in a space that is elsewhere.
#[tokio::test]
async fn an_author_whose_host_never_answers_keeps_no_other_space_waiting() {
    let (silent, at) = Silent::start().await;
    let (hostile, host) = (ForeignHost::start().await, ForeignHost::start().await);
    host.answers().await;
    let port = free_port();
    let server = TestServer::start_with(|config| reading(config, port, 1)).await;
    server.account("reader");
    let mut receiver = Receiver::start();
    hostile.register(&server, &receiver.url).await;
    let secret = host.register(&server, &receiver.url).await;
    let storage = beside(&server).await;
    for space in [&hostile.space, &host.space] {
        until("the list is read", async || {
            let found = storage.space_copies().find_space(space).await;
            found.expect("runs").filter(|space| space.is_listed)
        })
        .await;
    }
    hostile.now().authors_at = Some(at);
    for number in 0..SPACES {
        let author = hostile.author(&format!("author{number}"));
        hostile.write(&author, "a", Some("one"));
    }
    until("the silent host is asked", async || {
        (silent.open.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    let alice = host.author("alice");
    let made = host.write(&alice, "a", Some("one"));
    let arrived = receiver.next().await.verified(&secret);
    assert_eq!(arrived, told(&host, &alice, "a", made.as_deref()));
    let most = silent.most.load(Ordering::SeqCst);
    assert_eq!(most, 1, "one of a space at once");
}
