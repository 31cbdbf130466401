//! Nonces over time.

use jiff::SignedDuration;
use loggia_auth::Nonces;

use crate::world::now;

#[test]
fn a_nonce_lives_for_three_steps_at_most() {
    let (ours, theirs) = (Nonces::new(&[1; 32]), Nonces::new(&[2; 32]));
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    // `now` is the second second of a minute... wherever it is, count from the minute.
    let start = -(now().as_second() % 60);
    let nonce = ours.current(at(start));
    for (seconds, accepted) in [
        (-61, false),
        (-60, true),
        (0, true),
        (59, true),
        (119, true),
        (120, false),
    ] {
        assert_eq!(
            ours.accepts(&nonce, at(start + seconds)),
            accepted,
            "after {seconds} s"
        );
    }
    assert!(!theirs.accepts(&nonce, at(start)));
    assert_eq!(ours.current(at(start)), ours.current(at(start + 59)));
    assert_ne!(ours.current(at(start)), ours.current(at(start + 60)));
    assert_eq!(nonce.len(), 43, "32 bytes in base64url");
}

#[test]
fn servers_that_share_a_secret_share_nonces() {
    let (here, there) = (Nonces::new(&[7; 32]), Nonces::new(&[7; 32]));
    assert!(there.accepts(&here.current(now()), now()));
}

#[test]
fn other_texts_are_no_nonces() {
    let nonces = Nonces::new(&[1; 32]);
    let nonce = nonces.current(now());
    for other in [
        "",
        "AAAA",
        &nonce[1..],
        &nonce.to_uppercase(),
        &format!("{nonce}="),
    ] {
        assert!(!nonces.accepts(other, now()), "{other}");
    }
    assert_eq!(
        format!("{nonces:?}"),
        "Nonces",
        "the secret is never printed"
    );
}
