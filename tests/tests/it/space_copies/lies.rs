//! Hosts that say what is not so.

use super::scene::{Scene, until};
use crate::support::foreign_host::{ForeignHost, Lie};

/// An author with something proved, to whom something is added under a lie.
async fn lied_to(lie: Lie) -> (Scene, loggia_syntax::Did, Option<String>) {
    let host = ForeignHost::start().await;
    let alice = host.author("alice");
    host.write(&alice, "older", Some("zero"));
    host.write(&alice, "a", Some("one"));
    let scene = Scene::of(host).await;
    scene.converges(&alice).await;
    let lied = |host: &mut crate::support::foreign_host::State| {
        host.authors.get_mut(alice.as_str()).expect("is there").lie = Some(lie);
    };
    lied(&mut scene.host.now());
    let made = scene.host.write(&alice, "b", Some("two"));
    (scene, alice, made)
}

#[tokio::test]
async fn a_log_that_does_not_hold_is_made_good_by_the_whole_repository() {
    for lie in [Lie::Extra, Lie::Before, Lie::Endless, Lie::Forgotten] {
        let (mut scene, alice, made) = lied_to(lie).await;
        println!("{lie:?}");
        scene.tells(&alice, &[("b", made)]).await;
        scene.converges(&alice).await;
        assert_eq!(scene.host.now().called(&format!("getRepo {alice}")), 1);
        // And of what goes, the end.
        scene.host.write(&alice, "a", None);
        scene.tells(&alice, &[("a", None)]).await;
        scene.converges(&alice).await;
        scene.receiver.has_no_more();
    }
}

#[tokio::test]
async fn what_nobody_has_signed_is_set_aside_with_the_reason_until_more_is_heard() {
    for (lie, log, whole) in [
        (Lie::Hash, "hash is not the one", "hash over the index"),
        (
            Lie::Signature,
            "signature of the commit",
            "signature of the commit",
        ),
        (Lie::Index, "hash is not the one", "hash over the index"),
        (Lie::Old, "ends at another revision", "older than"),
    ] {
        let (mut scene, alice, made) = lied_to(lie).await;
        let proved = scene.copy(&alice).await.expect("a copy");
        let trouble = scene.trouble(&alice).await;
        for reason in [log, whole] {
            assert!(trouble.contains(reason), "{lie:?}: {trouble}");
        }
        let kept = scene.copy(&alice).await.expect("a copy");
        assert_eq!((&kept.rev, &kept.hash), (&proved.rev, &proved.hash));
        scene.receiver.has_no_more();

        // Once it is true again, all of it is told.
        scene
            .host
            .now()
            .authors
            .get_mut(alice.as_str())
            .expect("is there")
            .lie = None;
        let more = scene.host.write(&alice, "c", Some("three"));
        scene.converges(&alice).await;
        let mut arrived = Vec::new();
        for _ in 0..2 {
            let body = scene.receiver.next().await.verified(&scene.secret);
            arrived.push((body["rkey"].to_string(), body["cid"].clone()));
        }
        arrived.sort_by_key(|(rkey, _)| rkey.clone());
        let cids: Vec<_> = arrived.into_iter().map(|(_, cid)| cid).collect();
        assert_eq!(cids, [serde_json::json!(made), serde_json::json!(more)]);
        scene.receiver.has_no_more();
    }
}

#[tokio::test]
async fn a_host_that_is_behind_what_was_heard_is_asked_again() {
    let (mut scene, alice, made) = lied_to(Lie::Late).await;
    let subject = format!("{alice} {}", scene.host.space);
    let error = until("it is behind", async || {
        let errands = scene.storage.errands();
        errands
            .last_error("space-pull", &subject)
            .await
            .expect("runs")
    })
    .await;
    assert!(error.contains("is not at revision"), "{error}");
    scene.receiver.has_no_more();
    scene
        .host
        .now()
        .authors
        .get_mut(alice.as_str())
        .expect("is there")
        .lie = None;
    scene.tells(&alice, &[("b", made)]).await;
}

#[tokio::test]
async fn what_follows_the_index_of_a_file_is_not_read() {
    let (mut scene, alice, made) = lied_to(Lie::Huge).await;
    scene.tells(&alice, &[("b", made)]).await;
    scene.converges(&alice).await;
    scene.receiver.has_no_more();
}
