//! Blobs, and the records that refer to them.

use loggia_space::{cid_of, raw_cid_of};
use loggia_storage::{
    Blob, BlobClaim, Blobs, Kept, RecordAction, RecordValue, ReferredBlobs, Storage, Unwritten,
    Wrote,
};
use loggia_syntax::Cid;

use crate::fixture::{Place, did, on_both, seconds};
use crate::space_repos::{repo, state, write, write_of};

on_both!(
    a_blob_is_seen_once_a_record_refers_to_it,
    an_account_has_as_many_bytes_as_are_allowed,
    what_nothing_refers_to_is_forgotten,
    what_a_record_says_of_a_blob_is_so,
    the_same_bytes_are_what_each_upload_says,
);

fn blob(data: &[u8]) -> Blob {
    Blob {
        cid: raw_cid_of(data),
        mime_type: "image/png".to_owned(),
        data: data.to_vec(),
    }
}

async fn upload(storage: &Storage, data: &[u8], most: u64, at: i64) -> Kept {
    let mut tx = storage.begin().await.expect("begins");
    let blobs = storage.blobs();
    let kept = blobs
        .insert(&mut tx, &did("bob"), &blob(data), most, seconds(at))
        .await;
    tx.commit().await.expect("commits");
    kept.expect("runs")
}

/// All of the tests' blobs have three bytes.
fn claim(cid: &Cid) -> BlobClaim {
    BlobClaim {
        cid: cid.clone(),
        mime_type: "image/png".to_owned(),
        size: 3,
    }
}

fn referring(to: &[Cid]) -> RecordAction {
    claiming(to.iter().map(claim).collect())
}

fn claiming(blobs: Vec<BlobClaim>) -> RecordAction {
    let dag_cbor = format!("{blobs:?}").into_bytes();
    RecordAction::Put(RecordValue {
        cid: cid_of(&dag_cbor),
        dag_cbor,
        blobs,
    })
}

async fn a_blob_is_seen_once_a_record_refers_to_it(place: Place) {
    let storage = place.open().await;
    let (one, two) = (raw_cid_of(b"one"), raw_cid_of(b"two"));
    let writes = [write_of("post/a", referring(&[one.clone(), one.clone()]))];
    let mut tx = storage.begin().await.expect("begins");
    let repos = storage.space_repos();
    let refused = repos
        .write(&mut tx, &repo("bob"), &writes, 9, (seconds(0), 0))
        .await;
    let missing = Unwritten::NoBlob(one.clone());
    assert_eq!(refused.expect("runs"), Wrote::Refused(missing));
    drop(tx);

    for data in [b"one", b"two"] {
        assert_eq!(upload(&storage, data, 99, 0).await, Kept::Kept);
    }
    let first = write(&storage, &writes).await;
    let blobs = storage.blobs();
    let now = state(&storage).await;
    let found = blobs.find(&did("bob"), &now, &one).await.expect("runs");
    assert_eq!(found, Some(blob(b"one")));
    let unseen = blobs.find(&did("bob"), &now, &two).await.expect("runs");
    assert_eq!(unseen, None);
    write(
        &storage,
        &[write_of("post/b", referring(std::slice::from_ref(&two)))],
    )
    .await;
    let list = async |since, after: &str| {
        let wanted = ReferredBlobs {
            since,
            after,
            limit: 9,
        };
        blobs.list(&now, wanted).await.expect("runs")
    };
    let mut both = vec![one.clone(), two.clone()];
    both.sort();
    assert_eq!(list(None, "").await, both);
    assert_eq!(list(Some(&first.rev), "").await, std::slice::from_ref(&two));
    assert_eq!(list(None, both[0].as_str()).await, [both[1].clone()]);

    write(&storage, &[write_of("post/a", RecordAction::Delete)]).await;
    assert_eq!(list(None, "").await, [two]);
}

async fn an_account_has_as_many_bytes_as_are_allowed(place: Place) {
    let storage = place.open().await;
    assert_eq!(upload(&storage, b"four", 8, 0).await, Kept::Kept);
    assert_eq!(upload(&storage, b"fives", 8, 0).await, Kept::Full);
    assert_eq!(upload(&storage, b"4444", 8, 0).await, Kept::Kept);
    assert_eq!(upload(&storage, b"four", 8, 0).await, Kept::Kept, "again");
    assert_eq!(upload(&storage, b"1", 8, 0).await, Kept::Full);
}

async fn what_nothing_refers_to_is_forgotten(place: Place) {
    let storage = place.open().await;
    for (data, at) in [(b"one", 0), (b"two", 0), (b"new", 9)] {
        assert_eq!(upload(&storage, data, 99, at).await, Kept::Kept);
    }
    let one = raw_cid_of(b"one");
    write(&storage, &[write_of("post/a", referring(&[one]))]).await;
    let blobs = storage.blobs();
    assert_eq!(blobs.sweep(seconds(5), 9).await.expect("runs"), 1);
    assert_eq!(blobs.sweep(seconds(5), 9).await.expect("runs"), 0);
    write(&storage, &[write_of("post/a", RecordAction::Delete)]).await;
    assert_eq!(blobs.sweep(seconds(5), 9).await.expect("runs"), 1);
    assert_eq!(blobs.sweep(seconds(10), 9).await.expect("runs"), 1);
}

async fn what_a_record_says_of_a_blob_is_so(place: Place) {
    let storage = place.open().await;
    assert_eq!(upload(&storage, b"one", 99, 0).await, Kept::Kept);
    let so = claim(&raw_cid_of(b"one"));
    let of_type = |mime_type: &str| BlobClaim {
        mime_type: mime_type.to_owned(),
        ..so.clone()
    };
    let of_size = |size| BlobClaim { size, ..so.clone() };
    let mut wrong: Vec<_> = ["image/gif", "", "image/png\0"]
        .map(|name| {
            let said = of_type(name);
            (said.clone(), Unwritten::BlobType(said, "image/png".into()))
        })
        .into();
    wrong.extend([0, 4, u64::MAX].map(|size| {
        let said = of_size(size);
        (said.clone(), Unwritten::BlobSize(said, 3))
    }));
    let repos = storage.space_repos();
    for (said, refused) in wrong {
        // One true word beside it does not help.
        let writes = [write_of("post/a", claiming(vec![so.clone(), said]))];
        let mut tx = storage.begin().await.expect("begins");
        let wrote = repos
            .write(&mut tx, &repo("bob"), &writes, 9, (seconds(0), 0))
            .await;
        assert_eq!(wrote.expect("runs"), Wrote::Refused(refused));
    }
    write(
        &storage,
        &[write_of("post/a", claiming(vec![so.clone(), so]))],
    )
    .await;
}

async fn the_same_bytes_are_what_each_upload_says(place: Place) {
    let storage = place.open().await;
    let cid = raw_cid_of(b"one");
    let upload_as = async |mime_type: &str| {
        let upload = Blob {
            mime_type: mime_type.to_owned(),
            ..blob(b"one")
        };
        let mut tx = storage.begin().await.expect("begins");
        let blobs = storage.blobs();
        let kept = blobs
            .insert(&mut tx, &did("bob"), &upload, 99, seconds(0))
            .await;
        tx.commit().await.expect("commits");
        kept.expect("runs")
    };
    let shown = async || {
        let now = state(&storage).await;
        let found = storage.blobs().find(&did("bob"), &now, &cid).await;
        found.expect("runs").map(|blob| blob.mime_type)
    };
    assert_eq!(upload_as("image/png").await, Kept::Kept);
    write(
        &storage,
        &[write_of("post/a", referring(std::slice::from_ref(&cid)))],
    )
    .await;
    // Another upload changes nothing of what is referred to already.
    assert_eq!(upload_as("text/html").await, Kept::Kept);
    assert_eq!(shown().await.as_deref(), Some("image/png"));
    let as_html = BlobClaim {
        mime_type: "text/html".to_owned(),
        ..claim(&cid)
    };
    write(&storage, &[write_of("post/b", claiming(vec![as_html]))]).await;
    assert_eq!(shown().await.as_deref(), Some("image/png"));
    write(&storage, &[write_of("post/a", RecordAction::Delete)]).await;
    assert_eq!(shown().await.as_deref(), Some("text/html"));

    for number in 2..Blobs::MOST_TYPES {
        assert_eq!(upload_as(&format!("image/x-{number}")).await, Kept::Kept);
    }
    assert_eq!(upload_as("image/x-more").await, Kept::TooManyTypes);
    assert_eq!(upload_as("text/html").await, Kept::Kept, "again");
}
