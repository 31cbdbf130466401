//! Frames of event streams, byte by byte.

use loggia_xrpc::{Message, NoError, ReadMessage, Subscription, shape};
use loggia_xrpc_client::{Frame, FrameError, read_frame};
use serde::{Deserialize, Deserializer, Serialize};

/// `dev.test.watch`, which ticks.
enum Watch {}

impl Subscription for Watch {
    const NSID: &'static str = "dev.test.watch";
    type Params = ();
    type Message = Tick;
    type Error = NoError;
    type Shape = shape::Nothing;
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Tick {
    seq: i64,
}

impl Message for Tick {
    fn frame_type(&self) -> &str {
        "#tick"
    }
}

impl ReadMessage for Tick {
    fn read<'de, D: Deserializer<'de>>(
        frame_type: &str,
        payload: D,
    ) -> Result<Option<Self>, D::Error> {
        match frame_type {
            "#tick" => Self::deserialize(payload).map(Some),
            _ => Ok(None),
        }
    }
}

fn read(parts: &[&[u8]]) -> Result<Frame<Tick>, FrameError> {
    read_frame::<Watch>(&parts.concat())
}

const TICK: &[u8] = b"\xa2\x61t\x65#tick\x62op\x01";
const SEQ: &[u8] = b"\xa1\x63seq\x07";

#[test]
fn a_message_is_of_its_type() {
    let tick = Frame::Message(Tick { seq: 7 });
    assert_eq!(read(&[TICK, SEQ]).expect("a frame"), tick);
    let spelled_out = b"\xa2\x61t\x73dev.test.watch#tick\x62op\x01";
    assert_eq!(read(&[spelled_out, SEQ]).expect("a frame"), tick);
}

#[test]
fn what_the_lexicon_does_not_know_is_passed_over() {
    for (frame, name) in [
        (&b"\xa2\x61t\x65#tock\x62op\x01\xa0"[..], Some("#tock")),
        (b"\xa2\x61t\x65#tick\x62op\x05\xa0", Some("#tick")),
        (b"\xa1\x62op\x18\x64\xa0", None),
    ] {
        let frame_type = name.map(str::to_owned);
        let read = read(&[frame]).expect("a frame");
        assert_eq!(read, Frame::Unknown { frame_type });
    }
}

#[test]
fn an_error_ends_the_stream() {
    let header = b"\xa1\x62op\x20";
    let both = b"\xa2\x65error\x6cFutureCursor\x67message\x62hi";
    let error = |message: Option<&str>| Frame::Error {
        error: "FutureCursor".to_owned(),
        message: message.map(str::to_owned),
    };
    assert_eq!(read(&[header, both]).expect("a frame"), error(Some("hi")));
    let bare = b"\xa1\x65error\x6cFutureCursor";
    assert_eq!(read(&[header, bare]).expect("a frame"), error(None));
}

#[test]
fn what_is_no_frame_is_told_apart() {
    let nothing = read(&[b""]);
    assert!(matches!(nothing, Err(FrameError::Header(_))), "{nothing:?}");
    let nonsense = read(&[b"\xff\xff\xff"]);
    assert!(
        matches!(nonsense, Err(FrameError::Header(_))),
        "{nonsense:?}"
    );
    let untyped = read(&[b"\xa1\x62op\x01", SEQ]);
    assert!(matches!(untyped, Err(FrameError::NoType)), "{untyped:?}");
    let more = [SEQ, &b"\x00"[..]].concat();
    for payload in [&b""[..], b"\xa0", b"\xa1\x63seq\x61x", &more] {
        let read = read(&[TICK, payload]);
        let Err(FrameError::Payload { frame_type, .. }) = &read else {
            panic!("{payload:?}: {read:?}");
        };
        assert_eq!(frame_type, "#tick");
    }
    let deep = vec![0x81; 100_000];
    assert!(read(&[TICK, b"\xa1\x63seq", &deep]).is_err());
}
