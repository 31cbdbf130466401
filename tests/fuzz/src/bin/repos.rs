//! No frame makes the reading of `subscribeRepos` panic, and nothing is believed that nobody signed.

#![no_main]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use loggia_firehose::{SignatureError, Signatures, Soon, Wanted, What, repos};
use loggia_syntax::Did;

/// Says the same of every signature.
struct Always(bool);

impl Signatures for Always {
    fn check<'a>(
        &'a self,
        _: &'a Did,
        _: &'a [u8],
        _: &'a [u8],
    ) -> Soon<'a, Result<(), SignatureError>> {
        let checked = if self.0 { Ok(()) } else { Err(SignatureError::Bad) };
        Box::pin(std::future::ready(checked))
    }
}

fuzz_target!(|frame: &[u8]| {
    let wanted = Wanted::all();
    let read = repos::read(frame, &wanted);
    let believed = now(repos::read_signed(frame, &wanted, &Always(true)));
    let refused = now(repos::read_signed(frame, &wanted, &Always(false)));
    assert_eq!(read.is_ok(), believed.is_ok());
    let is_change = |what: &What| matches!(what, What::Change(_));
    if let (Ok(read), Ok(believed), Ok(refused)) = (read, believed, refused) {
        assert!(!refused.events.iter().any(|event| is_change(&event.what)));
        for event in &believed.events {
            assert!(!is_change(&event.what) || read.events.contains(event));
        }
        for event in &read.events {
            if let What::Change(change) = &event.what
                && let Some(record) = &change.record
            {
                serde_json::from_slice::<serde::de::IgnoredAny>(record.as_json())
                    .expect("a record is JSON");
            }
        }
    }
});

/// Nothing in it waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nothing waits"),
    }
}
