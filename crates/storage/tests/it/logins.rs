//! People on their way in, and people who are in.

use jiff::Timestamp;
use loggia_storage::{LoginSession, LoginSessionId, NewLoginAttempt};
use loggia_syntax::Handle;
use zeroize::Zeroizing;

use crate::fixture::{Folder, Place, START, did, on_both, seconds};

on_both!(
    an_attempt_is_used_once_by_its_own_browser_in_time,
    of_many_at_once_one_takes_it,
    the_oldest_attempts_make_room_and_the_expired_are_swept,
    a_session_is_found_by_its_cookie_until_it_ends,
    an_account_has_so_many_sessions_and_the_oldest_go,
);

const SECRET: &[u8] = b"a token that nobody may read";

fn attempt(number: u8, started_at: Timestamp) -> NewLoginAttempt<'static> {
    NewLoginAttempt {
        state: [number; 32],
        browser: [100; 32],
        pending: SECRET,
        started_at,
        expires_at: started_at + jiff::SignedDuration::from_mins(10),
    }
}

fn session(name: &str, number: u8) -> LoginSession {
    let created_at = seconds(i64::from(number));
    LoginSession {
        id: LoginSessionId::new(created_at, [number; 10]),
        did: did(name),
        handle: Handle::new("alice.example.com").ok(),
        tokens: Zeroizing::new(SECRET.to_vec()),
        created_at,
        expires_at: seconds(1000),
    }
}

async fn an_attempt_is_used_once_by_its_own_browser_in_time(place: Place) {
    let attempts = place.open().await.login_attempts();
    for number in 0..4 {
        let kept = attempts.insert(&attempt(number, START), 10).await;
        kept.expect("kept");
    }
    let take = async |state: u8, browser: u8, at| {
        let taken = attempts.take(&[state; 32], &[browser; 32], at).await;
        taken.expect("runs").map(|pending| pending.to_vec())
    };
    assert_eq!(take(0, 100, seconds(599)).await, Some(SECRET.to_vec()));
    assert_eq!(take(0, 100, seconds(599)).await, None, "a second time");
    assert_eq!(take(1, 101, START).await, None, "another browser");
    assert_eq!(take(1, 100, START).await, None, "used up by the other one");
    assert_eq!(take(2, 100, seconds(600)).await, None, "too late");
    assert_eq!(take(9, 100, START).await, None, "never begun");
    assert!(take(3, 100, START).await.is_some());
}

async fn of_many_at_once_one_takes_it(place: Place) {
    let attempts = place.open().await.login_attempts();
    attempts.insert(&attempt(0, START), 10).await.expect("kept");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let attempts = attempts.clone();
        tasks.spawn(async move { attempts.take(&[0; 32], &[100; 32], START).await });
    }
    let all = tasks.join_all().await;
    assert_eq!(
        all.iter()
            .filter(|taken| matches!(taken, Ok(Some(_))))
            .count(),
        1
    );
}

async fn the_oldest_attempts_make_room_and_the_expired_are_swept(place: Place) {
    let attempts = place.open().await.login_attempts();
    for number in 0..5 {
        let kept = attempts
            .insert(&attempt(number, seconds(number.into())), 3)
            .await;
        kept.expect("kept");
    }
    let take = async |state: u8| {
        let taken = attempts.take(&[state; 32], &[100; 32], START).await;
        taken.expect("runs").is_some()
    };
    assert_eq!(
        [take(0).await, take(1).await, take(2).await],
        [false, false, true]
    );
    assert_eq!(attempts.sweep(seconds(602), 10).await.expect("runs"), 0);
    assert_eq!(attempts.sweep(seconds(604), 1).await.expect("runs"), 1);
    assert_eq!(attempts.sweep(seconds(604), 10).await.expect("runs"), 1);
}

async fn a_session_is_found_by_its_cookie_until_it_ends(place: Place) {
    let storage = place.open().await;
    let sessions = storage.login_sessions();
    let alice = session("alice", 1);
    let ended = sessions.insert(&alice, &[1; 32], 5).await.expect("kept");
    assert_eq!(ended, []);
    let find = async |at| sessions.find_by_cookie(&[1; 32], at).await.expect("runs");
    assert_eq!(find(seconds(999)).await, Some(alice.clone()));
    assert_eq!(find(seconds(1000)).await, None, "expired");
    sessions
        .extend(alice.id, seconds(2000))
        .await
        .expect("extended");
    assert!(find(seconds(1999)).await.is_some());
    assert!(
        sessions
            .update_tokens(alice.id, b"new")
            .await
            .expect("runs")
    );
    let found = sessions.find(alice.id, START).await.expect("runs");
    assert_eq!(
        found.map(|found| found.tokens.to_vec()),
        Some(b"new".to_vec())
    );
    assert!(sessions.delete(alice.id).await.expect("runs"));
    assert!(!sessions.delete(alice.id).await.expect("runs"));
    assert!(
        !sessions
            .update_tokens(alice.id, b"newer")
            .await
            .expect("runs")
    );
    assert_eq!(find(START).await, None);
}

async fn an_account_has_so_many_sessions_and_the_oldest_go(place: Place) {
    let sessions = place.open().await.login_sessions();
    for number in 1..=3 {
        let kept = sessions
            .insert(&session("alice", number), &[number; 32], 2)
            .await;
        let ended: Vec<_> = kept
            .expect("kept")
            .into_iter()
            .map(|ended| ended.id)
            .collect();
        let expected: Vec<_> = (number == 3)
            .then(|| session("alice", 1).id)
            .into_iter()
            .collect();
        assert_eq!(ended, expected, "after {number}");
    }
    let bob = sessions.insert(&session("bob", 9), &[9; 32], 2).await;
    assert_eq!(bob.expect("kept"), [], "others are not touched");
    let newest = sessions
        .newest_of(&did("alice"), START)
        .await
        .expect("runs");
    assert_eq!(newest.map(|newest| newest.id), Some(session("alice", 3).id));
    assert_eq!(sessions.sweep(seconds(1000), 10).await.expect("runs"), 3);
}

#[tokio::test]
async fn nothing_secret_is_readable_on_the_disk() {
    let folder = Folder::new();
    let storage = folder.open().await;
    let sessions = storage.login_sessions();
    storage
        .login_attempts()
        .insert(&attempt(0, START), 5)
        .await
        .expect("kept");
    sessions
        .insert(&session("alice", 1), &[1; 32], 5)
        .await
        .expect("kept");
    let key = sessions.client_key(SECRET).await.expect("kept");
    assert_eq!(&key[..], SECRET);
    let again = sessions.client_key(b"another").await.expect("found");
    let forgotten = sessions.forget_client_key().await;
    forgotten.expect("forgets");
    let new = sessions.client_key(b"new").await.expect("kept");
    assert_eq!(&new[..], b"new");
    assert_eq!(&again[..], SECRET, "the first one stays");
    let disk = folder.database();
    assert!(disk.windows(15).any(|part| part == b"did:web:alice.e"));
    assert!(!disk.windows(SECRET.len()).any(|part| part == SECRET));
}
