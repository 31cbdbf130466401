//! In whose name other people's spaces are read, and for how long.

use super::scene::{Scene, until};
use crate::support::foreign_host::ForeignHost;

#[tokio::test]
async fn a_credential_is_used_until_it_is_refused_and_then_another() {
    let mut scene = Scene::start().await;
    let alice = scene.host.author("alice");
    let made = scene.host.write(&alice, "a", Some("one"));
    scene.tells(&alice, &[("a", made)]).await;
    assert_eq!(scene.host.now().given.len(), 1);
    scene.host.now().revoke();
    let made = scene.host.write(&alice, "b", Some("two"));
    scene.tells(&alice, &[("b", made)]).await;
    scene.converges(&alice).await;
    assert_eq!(scene.host.now().given.len(), 2);
}

#[tokio::test]
async fn who_is_not_let_in_any_more_hears_nothing_more() {
    let mut scene = Scene::start().await;
    let alice = scene.host.author("alice");
    let made = scene.host.write(&alice, "a", Some("one"));
    scene.tells(&alice, &[("a", made)]).await;
    {
        let mut host = scene.host.now();
        host.revoke();
        host.refuses = Some("UserNotAuthorized");
    }
    let missed = scene.host.write(&alice, "b", Some("two"));
    let error = until("it is refused", async || {
        let errands = scene.storage.errands();
        let space = scene.host.space.as_str();
        errands
            .last_error("space-visit", space)
            .await
            .expect("runs")
    })
    .await;
    assert!(error.contains("UserNotAuthorized"), "{error}");
    scene.receiver.has_no_more();
    // Let in again, it catches up.
    scene.host.now().refuses = None;
    scene.tells(&alice, &[("b", missed)]).await;
}

#[tokio::test]
async fn a_space_that_nobody_asks_for_any_more_is_left() {
    let host = ForeignHost::start().await;
    let alice = host.author("alice");
    host.write(&alice, "a", Some("one"));
    let scene = Scene::of(host).await;
    scene.converges(&alice).await;
    assert_eq!(scene.host.now().registered.len(), 1);
    let mut tx = scene.storage.begin().await.expect("begins");
    let registrations = scene.storage.registrations();
    let deleted = registrations.delete_space(&mut tx, &scene.host.space).await;
    assert_eq!(deleted.expect("runs"), 1);
    tx.commit().await.expect("commits");
    until("it is not registered any more", async || {
        scene.host.now().registered.is_empty().then_some(())
    })
    .await;
    assert_eq!(scene.copy(&alice).await, None);
}
