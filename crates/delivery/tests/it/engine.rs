//! What the engine promises of one delivery, one test a promise.

use loggia_delivery::{AbandonReason, Clock as _, Fault, Outcome, State, signature};

use crate::receivers::Script;
use crate::world::{START, URL, seconds, world};

#[tokio::test]
async fn an_offered_delivery_goes_out_signed_without_a_look_at_the_queue() {
    let mut world = world().await;
    let leases = world.queue.lock().leases;
    let endpoint = world.endpoint(URL);
    let id = world.tell(&endpoint);
    world.settle().await;

    assert_eq!(
        world.queue.state(id),
        State::Delivered {
            attempts: 1,
            at: START
        }
    );
    assert_eq!(world.queue.lock().leases, leases);
    let requests = world.receivers.requests();
    let [request] = &requests[..] else {
        panic!("one request")
    };
    let header = |name: &str| {
        let found = request.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    };
    let signed = signature::Signed::find(header).expect("all three headers");
    assert_eq!(signed.id, id.notification.to_string());
    let secrets: Vec<_> = endpoint.secrets.at(START).cloned().collect();
    let verified = signed.verify(&request.body, &secrets, START, signature::TOLERANCE);
    assert_eq!(verified.map(|verified| verified.at), Ok(START));
}

#[tokio::test]
async fn an_attempt_is_on_record_with_an_excerpt() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    let id = world.tell(&endpoint);
    world.settle().await;
    let rows = world.queue.lock();
    let [attempt] = &rows.attempts[&id][..] else {
        panic!("one attempt")
    };
    let Outcome::Answered(answer) = &attempt.outcome else {
        panic!("an answer")
    };
    assert_eq!(
        (attempt.number, answer.status, answer.body.len()),
        (1, 200, 1024)
    );
}

#[tokio::test]
async fn transient_failures_are_retried_on_schedule_until_used_up() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    world.receivers.always(URL, 503);
    let id = world.tell(&endpoint);
    world.settle().await;
    for (made, gap) in (1..).zip([5, 300, 1800, 7200, 18_000, 36_000, 36_000]) {
        assert_eq!(world.receivers.count(URL), made);
        world.advance(seconds(gap - 1)).await;
        assert_eq!(world.receivers.count(URL), made, "not before it is due");
        world.advance(seconds(1)).await;
    }
    let reason = AbandonReason::AttemptsUsedUp;
    let at = world.clock.now();
    assert_eq!(
        world.queue.state(id),
        State::Abandoned {
            attempts: 8,
            at,
            reason
        }
    );
    world.advance(seconds(100_000)).await;
    assert_eq!(world.receivers.count(URL), 8);
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::RetryAfter(429, "60")]);
    let id = world.tell(&endpoint);
    world.settle().await;
    world.advance(seconds(59)).await;
    assert_eq!(world.receivers.count(URL), 1);
    world.advance(seconds(1)).await;
    assert!(matches!(
        world.queue.state(id),
        State::Delivered { attempts: 2, .. }
    ));
}

#[tokio::test]
async fn the_message_id_stays_and_the_timestamp_moves() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::Fail(Fault::Network)]);
    world.tell(&endpoint);
    world.settle().await;
    world.advance(seconds(5)).await;
    let requests = world.receivers.requests();
    let values = |name: &str| -> Vec<String> {
        let headers = requests.iter().flat_map(|request| &request.headers);
        headers
            .filter(|(header, _)| header == name)
            .map(|(_, value)| value.clone())
            .collect()
    };
    let [first, second] = &values(signature::ID)[..] else {
        panic!("two attempts")
    };
    assert_eq!(first, second);
    assert_eq!(values(signature::TIMESTAMP), ["1700000000", "1700000005"]);
}

#[tokio::test]
async fn permanent_failures_are_dead_letters_at_once() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(
        URL,
        [
            Script::Answer(404),
            Script::Fail(Fault::Blocked),
            Script::Answer(302),
        ],
    );
    for _ in 0..3 {
        let id = world.tell(&endpoint);
        world.settle().await;
        let reason = AbandonReason::Permanent;
        assert_eq!(
            world.queue.state(id),
            State::Abandoned {
                attempts: 1,
                at: START,
                reason
            }
        );
    }
}

#[tokio::test]
async fn the_engine_ends_an_attempt_whose_transport_does_not() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::Hang]);
    let id = world.tell(&endpoint);
    world.settle().await;
    world.advance(seconds(11)).await;
    assert!(matches!(
        world.queue.state(id),
        State::Pending { attempts: 1, .. }
    ));
    let rows = world.queue.lock();
    assert_eq!(
        rows.attempts[&id][0].outcome,
        Outcome::Failed(Fault::Timeout)
    );
    assert_eq!(rows.attempts[&id][0].duration_ms, 11_000);
}

#[tokio::test]
async fn a_panicking_transport_is_a_failed_attempt() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::Panic]);
    let id = world.tell(&endpoint);
    world.settle().await;
    world.advance(seconds(5)).await;
    assert!(matches!(
        world.queue.state(id),
        State::Delivered { attempts: 2, .. }
    ));
}

#[tokio::test]
async fn outcomes_that_cannot_be_written_are_written_later() {
    let mut world = world().await;
    world.queue.lock().failing_records = 3;
    let endpoint = world.endpoint(URL);
    let id = world.tell(&endpoint);
    world.settle().await;
    assert!(matches!(world.queue.state(id), State::Leased { .. }));
    assert!(world.handle.is_stuck());
    for _ in 0..3 {
        world.advance(seconds(1)).await;
    }
    assert!(!world.handle.is_stuck());
    assert_eq!(
        world.queue.state(id),
        State::Delivered {
            attempts: 1,
            at: START
        }
    );
    assert_eq!(
        world.receivers.count(URL),
        1,
        "the attempt is not made again"
    );
}

#[tokio::test]
async fn what_is_past_its_deadline_expires() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    world.receivers.always(URL, 503);
    let mut notification = (*world.notification()).clone();
    notification.deadline = START + seconds(10);
    let (id, _) = world
        .queue
        .enqueue(&notification.into(), &endpoint, None, START);
    world.handle.wake();
    world.settle().await;
    assert_eq!(world.receivers.count(URL), 1);
    // The first retry fits before the deadline, a second would not.
    world.advance(seconds(5)).await;
    let at = world.clock.now();
    assert_eq!(world.queue.state(id), State::Expired { attempts: 2, at });
}
