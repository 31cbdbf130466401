//! Several nodes on one PostgreSQL database.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use loggia_server::chance;
use loggia_server::config::Config;
use loggia_services::Postgres;

use super::scene::{reading, told, until};
use super::telling::register;
use crate::support::Receiver;
use crate::support::foreign_host::ForeignHost;
use crate::support::process::ServerProcess;
use crate::support::rows::Database;

/// A node that reads in the name of an account of its own.
async fn node(data: &Path, settings: &[(&str, String)]) -> ServerProcess {
    // The port that a process gets is not known before it has it.
    let mut node = ServerProcess::start(data, settings).await;
    node.kill();
    let mut config = Config::defaults();
    reading(&mut config, node.port, 1);
    node.set("space_readers", config.space_readers[0].as_str());
    node.set("space_visit_seconds", "1");
    node.spawn_again();
    node.ready().await;
    node.caller("reader");
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_copies_and_when_it_dies_the_other_goes_on() {
    let host = ForeignHost::start().await;
    host.answers().await;
    let alice = host.author("alice");
    let url = Postgres::database().await;
    let settings = [
        ("database_url", url.clone()),
        ("master_key", BASE64_STANDARD.encode(chance::bytes::<32>())),
        ("lease_seconds", "5".to_owned()),
        ("attempt_timeout_ms", "1000".to_owned()),
    ];
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let mut one = node(folders[0].path(), &settings).await;
    let mut receiver = Receiver::start();
    let secret = register(&host, &one, &receiver.url).await;
    let service = |node: &ServerProcess| format!("did:web:localhost%3A{}#loggia", node.port);
    let is_registered = |service: &String| host.now().registered.contains(service);
    until("one copies", async || {
        is_registered(&service(&one)).then_some(())
    })
    .await;
    let other = node(folders[1].path(), &settings).await;
    let mut database = Database::postgres(&url).await;
    let listed = "SELECT count(*) FROM copied_space WHERE is_listed = 1";
    until("the list is read", async || {
        (database.number(listed).await == 1).then_some(())
    })
    .await;
    let first = host.write(&alice, "a", Some("one"));
    let arrived = receiver.next().await.verified(&secret);
    assert_eq!(arrived, told(&host, &alice, "a", first.as_deref()));
    assert!(!is_registered(&service(&other)), "it waits for its turn");

    // What is not on record is told again.
    let delivered = "SELECT count(*) FROM delivery WHERE state = 'delivered'";
    until("it is on record", async || {
        (database.number(delivered).await == 1).then_some(())
    })
    .await;
    one.kill();
    let second = host.write(&alice, "b", Some("two"));
    let arrived = receiver.next().await.verified(&secret);
    assert_eq!(arrived, told(&host, &alice, "b", second.as_deref()));
    assert!(is_registered(&service(&other)));
    receiver.has_no_more();
}
