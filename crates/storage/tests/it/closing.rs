//! A space that closes while its authority writes in it.

use loggia_space::cid_of;
use loggia_storage::{Heard, RecordAction, RecordValue, RepoName, Storage, Wrote};

use crate::fixture::{Place, on_both, seconds};
use crate::space_repos::{repo, write_of};

on_both!(clearing_and_writing_wait_for_each_other);

/// So often that the two meet.
const ROUNDS: u8 = 50;

/// What a write of the authority does: first its repository, then the sequence, then who is told.
async fn write(storage: &Storage, own: &RepoName, number: u8) {
    let dag_cbor = vec![0xa1, 0x61, 0x61, 0x18, number];
    let value = RecordValue {
        cid: cid_of(&dag_cbor),
        dag_cbor,
        blobs: Vec::new(),
    };
    let create = write_of(&format!("post/{number}"), RecordAction::Create(value));
    let now = (seconds(i64::from(number)), 7);
    let mut tx = storage.begin().await.expect("begins");
    let repos = storage.space_repos();
    let wrote = repos.write(&mut tx, own, &[create], 1000, now).await;
    let Ok(Wrote::Written(written)) = wrote else {
        panic!("{wrote:?}")
    };
    let news = (&written.rev, &written.hash);
    let chains = storage.space_chains();
    let heard = chains.advance(&mut tx, own, news, now).await;
    assert!(matches!(heard, Ok(Heard::Advanced(_))), "{heard:?}");
    let registrations = storage.registrations();
    let told = registrations.list_active(&mut tx, &own.space, now.0).await;
    assert_eq!(told.expect("lists"), []);
    tx.commit().await.expect("commits");
}

async fn clearing_and_writing_wait_for_each_other(place: Place) {
    let storage = place.open().await;
    let own = repo("alice");
    let writing = async {
        for number in 0..ROUNDS {
            write(&storage, &own, number).await;
        }
    };
    let clearing = async {
        for _ in 0..ROUNDS {
            let mut tx = storage.begin().await.expect("begins");
            let cleared = storage.spaces().clear(&mut tx, &own.space, 9).await;
            cleared.expect("clears, or waits");
            tx.commit().await.expect("commits");
        }
    };
    tokio::join!(writing, clearing);
}
