//! Headers and claims of any content, rightly encoded and signed by nobody: none is a proof.
//!
//! The input is a header and claims with a line end between them, so that mutations reach what is
//! behind base64.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use loggia_auth::dpop::{Expected, Nonces, Profile, Proof, Target};

static TARGET: LazyLock<Target> =
    LazyLock::new(|| Target::parse("https://hub.example/xrpc/a.b.c").expect("a URL"));
static NONCES: LazyLock<Nonces> = LazyLock::new(|| Nonces::new(&[1; 32]));

fuzz_target!(|text: &str| {
    let (header, claims) = text.split_once('\n').unwrap_or((text, "{}"));
    let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
    let token = format!("{}.{}.{}", encode(header), encode(claims), "A".repeat(86));
    for (profile, token_of) in [(Profile::OAUTH, Some("token")), (Profile::SPACE, None)] {
        let expected = Expected {
            method: "POST",
            target: &TARGET,
            token: token_of,
            nonces: Some(&NONCES),
            now: Timestamp::from_second(1_738_368_002).expect("a near year"),
        };
        let refusal = Proof::verify(&[&token], profile, &expected).expect_err("nobody signed it");
        assert!(!refusal.to_string().is_empty());
    }
    if let Ok(target) = Target::parse(text) {
        assert_eq!(Target::parse(target.as_str()), Ok(target), "its own text is normal");
    }
});
