use proptest::prelude::*;

use super::*;

const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";

/// A frame of a server.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut skim = Skim::new(0, 0);
    skim.put(first, payload);
    skim.out.to_vec()
}

/// What goes through, with messages of at most ten bytes; taken in parts so long.
fn through(came: &[u8], part: usize) -> Vec<u8> {
    let mut skim = Skim::new(10, 3_000_000);
    let mut all = Vec::new();
    let mut room = [0; 7];
    for part in came.chunks(part) {
        skim.take(part);
        let mut to = ReadBuf::new(&mut room);
        while skim.give(&mut to) {
            all.extend_from_slice(to.filled());
            to.clear();
        }
    }
    all
}

/// The pong in the place of a message.
fn mark(message: &[u8]) -> Vec<u8> {
    let sha256: [u8; 32] = Sha256::digest(message).into();
    let said = [
        &b"too long"[..],
        &(message.len() as u64).to_be_bytes(),
        &sha256,
    ];
    frame(0x8a, &said.concat())
}

#[test]
fn a_message_that_is_too_long_becomes_a_pong_and_what_follows_goes_through() {
    let came = [
        HEAD,
        &frame(0x81, b"first"),
        &frame(0x82, &[7; 70_000]),
        &frame(0x82, b"ten bytes!"),
        &frame(0x81, b"eleven byte"),
        &frame(0x89, b"ping"),
    ];
    let left = [
        HEAD,
        &frame(0x81, b"first"),
        &mark(&[7; 70_000]),
        &frame(0x82, b"ten bytes!"),
        &mark(b"eleven byte"),
        &frame(0x89, b"ping"),
    ];
    for part in [1, 3, 4096, 1_000_000] {
        assert_eq!(through(&came.concat(), part), left.concat(), "{part}");
    }
    let pong = mark(&[7; 70_000]);
    let skipped = Skipped::read(&pong[2..]).expect("a mark");
    assert_eq!(skipped.bytes, 70_000);
    assert!(Skipped::read(b"").is_none() && Skipped::read(b"too long, you").is_none());
}

#[test]
fn fragments_are_put_together_and_count_together() {
    let came = [
        HEAD,
        &frame(0x01, b"abc"),
        &frame(0x89, b"ping"),
        &frame(0x00, b""),
        &frame(0x80, b"def"),
        &frame(0x02, b"123456"),
        &frame(0x00, b"7890ab"),
        &frame(0x89, b"ping"),
        &frame(0x80, b"cd"),
        &frame(0x81, b"next"),
    ];
    let left = [
        HEAD,
        &frame(0x89, b"ping"),
        &frame(0x81, b"abcdef"),
        &frame(0x89, b"ping"),
        &mark(b"1234567890abcd"),
        &frame(0x81, b"next"),
    ];
    assert_eq!(through(&came.concat(), 5), left.concat());
}

#[test]
fn signs_of_life_are_given_meanwhile() {
    let long = vec![0; 2_500_000];
    let came = [HEAD, &frame(0x82, &long)].concat();
    let alive = frame(0x8a, b"");
    let left = [HEAD, &alive, &alive, &mark(&long)].concat();
    assert_eq!(through(&came, 65_536), left);
}

#[test]
fn what_is_no_frame_of_a_server_is_left_to_the_library() {
    let mut masked = frame(0x81, b"masked");
    masked[1] |= 0x80;
    for strange in [
        masked,
        frame(0xc1, b"reserved"),
        frame(0x80, b"of no message"),
        frame(0x89, &[0; 200]),
        frame(0x82, &vec![0; 3_000_001]),
    ] {
        let came = [HEAD, &frame(0x82, &[1; 5]), &strange].concat();
        assert_eq!(through(&came, 64_000), came);
    }
    let broken = [HEAD, &frame(0x01, b"abc"), &frame(0x81, b"d")].concat();
    assert_eq!(through(&broken, 9), broken);
    let refusal = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        &frame(0x82, &[0; 90])[..],
    ]
    .concat();
    assert_eq!(through(&refusal, 9), refusal);
}

proptest! {
    #[test]
    fn nothing_panics_and_parts_make_no_difference(
        came in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x81), Just(0x00), Just(126)], 0..200),
        part in 1..20_usize,
    ) {
        let came = [HEAD, &came].concat();
        prop_assert_eq!(through(&came, part), through(&came, 1));
    }
}
