use std::fs::File;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::{JoinHandle, yield_now};

use super::*;

fn open(path: &Path) -> Result<Inline, sqlx::Error> {
    Inline::open(path, None, 10, Duration::from_millis(50))
}

/// A group on a file of its own, and where that is.
fn group() -> (Group, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("seen.db");
    File::create(&path).expect("is made");
    let table = "PRAGMA journal_mode = wal; CREATE TABLE seen (name TEXT NOT NULL)";
    open(&path).expect("opens").run(table).expect("is made");
    let group = Group::new(Box::new(move || open(&path)), Arc::default()).expect("opens");
    (group, folder)
}

async fn write(group: &Group, name: &str) -> Member {
    let mut member = group.join().await.expect("begins");
    let text = format!("INSERT INTO seen VALUES ('{name}')");
    member.connection().run(&text).expect("is written");
    member
}

/// What another connection sees.
fn seen(folder: &TempDir) -> Vec<String> {
    let mut connection = open(&folder.path().join("seen.db")).expect("opens");
    let rows = connection.fetch("SELECT name FROM seen ORDER BY name", &[], usize::MAX);
    let rows = rows.expect("is read");
    let names = rows.iter().map(|row| row.get(0).expect("a name"));
    names.map(|name| name.expect("not null")).collect()
}

/// Commits in the background, and returns when that waits for another member.
async fn commit_with_others(member: Member) -> JoinHandle<Result<(), sqlx::Error>> {
    let group = member.group.clone();
    let committing = tokio::spawn(member.commit());
    while group
        .turn
        .try_lock()
        .map_or(true, |turn| turn.done.is_empty())
    {
        yield_now().await;
    }
    committing
}

#[tokio::test]
async fn those_who_wait_share_a_commit() {
    let (group, folder) = group();
    let first = write(&group, "first").await;
    let others: Vec<_> = (10..60)
        .map(|name| {
            let group = group.clone();
            tokio::spawn(async move { write(&group, &name.to_string()).await.commit().await })
        })
        .collect();
    while group.waiting.load(Ordering::Acquire) < others.len() {
        yield_now().await;
    }
    first.commit().await.expect("is committed");
    // The first heard of the commit only when everybody's part was in it.
    assert_eq!(seen(&folder).len(), 51);
    for other in others {
        other.await.expect("no panic").expect("is committed");
    }
}

#[tokio::test]
async fn one_who_gives_up_undoes_its_own_part_alone() {
    let (group, folder) = group();
    let ticket = Ticket::take(&group);
    let first = commit_with_others(write(&group, "first").await).await;
    drop(write(&group, "second").await);
    let third = commit_with_others(write(&group, "third").await).await;
    assert!(!first.is_finished() && !third.is_finished());
    drop(ticket);
    for committed in [first, third] {
        committed.await.expect("no panic").expect("is committed");
    }
    assert_eq!(seen(&folder), ["first", "third"]);
}

#[tokio::test]
async fn one_who_is_alone_and_gives_up_leaves_nothing() {
    let (group, folder) = group();
    drop(write(&group, "gone").await);
    write(&group, "kept")
        .await
        .commit()
        .await
        .expect("is committed");
    assert_eq!(seen(&folder), ["kept"]);
}

#[tokio::test]
async fn a_transaction_that_is_lost_is_lost_for_all() {
    let (group, folder) = group();
    let ticket = Ticket::take(&group);
    let first = commit_with_others(write(&group, "first").await).await;
    let mut second = write(&group, "second").await;
    // What SQLite itself does when the disk is full.
    second.connection().run("ROLLBACK").expect("there is one");
    second.commit().await.expect_err("it was undone");
    let error = first.await.expect("no panic").expect_err("it was undone");
    assert!(error.to_string().contains("undone"), "{error}");
    drop(ticket);
    assert!(group.turn.lock().await.connection.is_none());
    let third = write(&group, "third").await;
    third.commit().await.expect("on another connection");
    assert_eq!(seen(&folder), ["third"]);
}

#[tokio::test]
async fn another_process_that_writes_is_waited_for() {
    let (group, folder) = group();
    let other = open(&folder.path().join("seen.db")).expect("opens");
    other.run("BEGIN IMMEDIATE").expect("begins");
    let error = group.join().await.err().expect("patience ends");
    assert!(error.to_string().contains("locked"), "{error}");
    other.run("COMMIT").expect("ends");
    let member = write(&group, "after").await;
    member.commit().await.expect("is committed");
    assert_eq!(seen(&folder), ["after"]);
}

#[tokio::test]
async fn a_group_that_is_closed_begins_nothing() {
    let (group, _folder) = group();
    group.close().await;
    let error = group.join().await.err().expect("it is closed");
    assert!(matches!(error, sqlx::Error::PoolClosed), "{error}");
}
