//! How scopes are written.

use loggia_auth::scope::ScopeError::{
    Encoding, Everything, Family, Missing, Repeated, Unknown, Value,
};
use loggia_auth::scope::{BlobNeed, Need, RepoAction, RepoNeed, Scope, ScopeError, Scopes};
use loggia_syntax::Nsid;
use proptest::prelude::*;

static POST: Nsid = Nsid::from_static("com.example.post");

fn read(text: &str) -> Result<Scope, ScopeError> {
    text.parse()
}

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).expect("a short claim")
}

/// A text and its canonical form.
const CANONICAL: &[(&str, &str)] = &[
    ("atproto", "atproto"),
    ("transition:chat.bsky", "transition:chat.bsky"),
    ("repo:*", "repo:*"),
    ("repo?collection=com.example.post", "repo:com.example.post"),
    ("repo:com.example.post?", "repo:com.example.post"),
    (
        "repo:com.example.post?action=delete&action=create&action=create",
        "repo:com.example.post?action=create&action=delete",
    ),
    (
        "repo:com.example.post?action=delete&action=update&action=create",
        "repo:com.example.post",
    ),
    (
        "repo?action=create&collection=com.example.b&collection=com.example.a",
        "repo?collection=com.example.a&collection=com.example.b&action=create",
    ),
    ("repo?collection=com.example.a&collection=*", "repo:*"),
    (
        "rpc?lxm=com.example.get&aud=did:web:example.com#feed",
        "rpc:com.example.get?aud=did:web:example.com%23feed",
    ),
    (
        "rpc?aud=*&lxm=com.example.b&lxm=com.example.a",
        "rpc?lxm=com.example.a&lxm=com.example.b&aud=*",
    ),
    (
        "rpc?lxm=com.example.a&lxm=*&aud=did:web:example.com%23feed",
        "rpc:*?aud=did:web:example.com%23feed",
    ),
    (
        "rpc:com.example.get?aud=did:web:localhost%253A2510%23feed",
        "rpc:com.example.get?aud=did:web:localhost%253A2510%23feed",
    ),
    ("account?attr=email&action=read", "account:email"),
    ("account:repo?action=manage", "account:repo?action=manage"),
    ("identity:*", "identity:*"),
    ("identity?attr=handle", "identity:handle"),
    ("blob:*/*", "blob:*/*"),
    ("blob?accept=*/*&accept=image/png", "blob:*/*"),
    ("blob?accept=image/png&accept=IMAGE/*", "blob:image/*"),
    (
        "blob?accept=video/mp4&accept=image/svg+xml",
        "blob?accept=image/svg+xml&accept=video/mp4",
    ),
    ("blob:image%2Fpng", "blob:image/png"),
    (
        "include:com.example.authBasic",
        "include:com.example.authBasic",
    ),
    (
        "include:com.example.authBasic?aud=did:web:example.com%23feed",
        "include:com.example.authBasic?aud=did:web:example.com%23feed",
    ),
    (
        "space?manage=delete&manage=create&action=read_self&action=read&type=com.example.forum",
        "space:com.example.forum?action=read_self&action=read&manage=create&manage=delete",
    ),
    (
        "space:com.example.forum?skey=a~b:c&authority=did:web:localhost%253A2510",
        "space:com.example.forum?authority=did:web:localhost%253A2510&skey=a%7Eb:c",
    ),
];

#[test]
fn scopes_have_one_canonical_form() {
    for &(text, canonical) in CANONICAL {
        let scope = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(scope.to_string(), canonical, "{text}");
        assert_eq!(read(canonical).as_ref(), Ok(&scope), "{canonical}");
    }
}

/// A text and why it is no scope.
const REFUSED: &[(&str, ScopeError)] = &[
    ("", Family),
    ("openid", Family),
    ("ATPROTO", Family),
    ("transition:other", Family),
    ("notrepo:com.example.post", Family),
    (" repo:com.example.post", Family),
    (
        "repo",
        Missing {
            param: "collection",
        },
    ),
    (
        "repo:",
        Value {
            param: "collection",
        },
    ),
    (
        "repo:post",
        Value {
            param: "collection",
        },
    ),
    ("repo:com.example.post?action=", Value { param: "action" }),
    ("repo:com.example.post?action", Value { param: "action" }),
    (
        "repo:com.example.post?action=read",
        Value { param: "action" },
    ),
    ("repo:com.example.post?rev=1", Unknown),
    (
        "repo:com.example.post?collection=com.example.a",
        Repeated {
            param: "collection",
        },
    ),
    ("repo:com.example.%zz", Encoding),
    ("repo:com.example.%f", Encoding),
    ("repo:%ff", Encoding),
    ("repo:*?action=create%", Encoding),
    ("rpc:com.example.get", Missing { param: "aud" }),
    ("rpc?aud=*", Missing { param: "lxm" }),
    ("rpc:*?aud=*", Everything),
    ("rpc?lxm=com.example.get&lxm=*&aud=*", Everything),
    ("rpc:com.example.get?aud=*&aud=*", Repeated { param: "aud" }),
    (
        "rpc:com.example.get?aud=did:web:example.com",
        Value { param: "aud" },
    ),
    (
        "rpc:com.example.get?aud=did:web:example.com%23",
        Value { param: "aud" },
    ),
    (
        "rpc:com.example.get?aud=did:web:a:b%23feed",
        Value { param: "aud" },
    ),
    (
        "rpc:com.example.get?aud=did:plc:111%23feed",
        Value { param: "aud" },
    ),
    (
        "rpc:com.example.get?aud=did:key:zabc%23feed",
        Value { param: "aud" },
    ),
    (
        "rpc:com.example.get?aud=did:web:a.example%23b%23c",
        Value { param: "aud" },
    ),
    ("account:phone", Value { param: "attr" }),
    (
        "account:email?action=read&action=read",
        Repeated { param: "action" },
    ),
    ("identity", Missing { param: "attr" }),
    ("identity:did", Value { param: "attr" }),
    ("blob", Missing { param: "accept" }),
    ("blob:image", Value { param: "accept" }),
    ("blob:*/png", Value { param: "accept" }),
    ("blob:*/**", Value { param: "accept" }),
    ("blob:im*/*", Value { param: "accept" }),
    ("blob:a/b/c", Value { param: "accept" }),
    ("blob:image/p%20ng", Value { param: "accept" }),
    ("include:*", Value { param: "nsid" }),
    ("include:com.example.set?aud=*", Value { param: "aud" }),
    ("space", Missing { param: "type" }),
    (
        "space:com.example.forum?authority=self&authority=self",
        Repeated { param: "authority" },
    ),
    (
        "space:com.example.forum?authority=",
        Value { param: "authority" },
    ),
    (
        "space:com.example.forum?manage=read",
        Value { param: "manage" },
    ),
];

#[test]
fn what_is_no_scope_is_refused_by_name() {
    for &(text, error) in REFUSED {
        assert_eq!(read(text), Err(error), "{text}");
    }
}

#[test]
fn a_claim_is_a_set() {
    let claim = scopes("  repo:* zzz  atproto repo?collection=* openid ");
    assert_eq!(claim.known().len(), 2);
    assert_eq!(claim.unknown().collect::<Vec<_>>(), ["openid", "zzz"]);
    assert_eq!(claim.to_string(), "atproto openid repo:* zzz");
    assert_eq!(scopes(&claim.to_string()), claim);

    let long = "a".repeat(Scopes::LONGEST);
    assert!(Scopes::parse(&long).is_ok());
    let refusal = Scopes::parse(&(long + " ")).expect_err("too long");
    assert_eq!(refusal.limit, Scopes::LONGEST);
}

/// The longest claims, of the shapes that would hurt if anything looked at all pairs. It ends; a
/// quadratic reader would need minutes.
#[test]
fn long_claims_are_read_in_proportion() {
    let part = |part: &str, count: usize| part.repeat(count);
    for text in [
        format!("repo?{}", part("collection=a.b.c&", 3_800)),
        format!("space:a.b.c?{}", part("&", 65_000)),
        format!("blob?{}", part("accept=a/b&", 5_900)),
        part("repo:a.b.c ", 5_900),
        format!("repo:{}", part("%2E", 21_000)),
        (0..5_000).map(|i| format!("x{i} ")).collect(),
    ] {
        let claim = scopes(&text);
        let need = Need::Repo(RepoNeed {
            collection: &POST,
            action: RepoAction::Create,
        });
        assert!(!claim.allows(&need));
    }
}

/// Texts that are nearly scopes.
fn nearly_scope() -> impl Strategy<Value = String> {
    let families = "(space|repo|rpc|account|identity|blob|include|transition|atproto)";
    let value = "(\\*|self|a\\.b\\.c|a\\.b\\.d|did:web:a\\.example(%23x)?|image/(png|\\*)|read|create|manage|email|handle|%[0-9a-f]{2}|[ -~]{0,4})";
    let param = "(type|authority|skey|collection|action|manage|lxm|aud|attr|accept|nsid)";
    let text = format!("{families}(:{value})?(\\?({param}={value}&?){{0,4}})?");
    proptest::string::string_regex(&text).expect("a regular expression")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_written_is_read_again(text in nearly_scope()) {
        if let Ok(scope) = read(&text) {
            let written = scope.to_string();
            prop_assert_eq!(read(&written), Ok(scope));
            prop_assert!(written.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
                "not a scope of OAuth: {}", written);
        }
    }

    #[test]
    fn claims_are_written_and_read_again(texts in proptest::collection::vec(nearly_scope(), 0..5)) {
        let claim = scopes(&texts.join(" "));
        prop_assert_eq!(scopes(&claim.to_string()), claim);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let claim = scopes(&text);
        let allowed = claim.allows(&Need::Blob(BlobNeed { mime: &text }));
        prop_assert!(!allowed || claim.known().len() > 0);
    }
}
