//! Commits.

use loggia_auth::key::LowS;
use loggia_auth::{PublicKey, SigningKey};
use loggia_space::{BadCommit, CommitContext, SignedCommit};
use loggia_syntax::{Did, SpaceRef, Tid};
use serde_json::Value;

use crate::vectors::{bytes, each, read, text};

/// An author and their key.
pub struct Author {
    pub did: Did,
    pub key: SigningKey,
}

pub fn author(secret: u8) -> Author {
    Author {
        did: Did::new(format!("did:web:author{secret}.example")).expect("a DID"),
        key: SigningKey::k256([secret; 32]).expect("a key"),
    }
}

pub fn space() -> SpaceRef {
    SpaceRef::new("at://did:web:a.example/space/com.example.forum/main").expect("a space")
}

pub fn rev() -> Tid {
    Tid::new("3kbcq3p7ad422").expect("a TID")
}

impl Author {
    pub fn sign(&self, hash: [u8; 32]) -> SignedCommit {
        let sign = |bytes: &[u8]| self.key.sign(bytes);
        SignedCommit::sign(&space(), &self.did, &rev(), hash, [7; 32], sign).expect("it signs")
    }
}

/// Checks signatures with a key.
pub fn with(key: &PublicKey) -> impl Fn(&[u8], &[u8; 64]) -> bool {
    move |bytes, sig| key.verify(bytes, sig, LowS::Required).is_ok()
}

fn context<'a>(vector: &'a Value, ikm: &'a [u8]) -> CommitContext<'a> {
    CommitContext {
        space: text(vector, "space"),
        author: text(vector, "author"),
        rev: text(vector, "rev"),
        ikm,
    }
}

fn mac(vector: &Value) -> Vec<u8> {
    let ikm = bytes(vector, "ikm");
    let hash = bytes(vector, "hash").try_into().expect("32 bytes");
    context(vector, &ikm).mac(&hash).expect("it fits").to_vec()
}

#[test]
fn contexts_and_macs_are_those_of_the_vectors() {
    let Some(vectors) = read("commit_ctx_mac.json") else {
        return;
    };
    let published = each(&vectors, "published").iter();
    for case in published.chain(each(&vectors, "derived_by_running_reference_code")) {
        let ikm = bytes(case, "ikm");
        if case["ctx_hex"] != Value::Null {
            let context = context(case, &ikm).bytes().expect("it fits");
            assert_eq!(context, bytes(case, "ctx"), "{case}");
        }
        if case["mac_hex"] != Value::Null {
            assert_eq!(mac(case), bytes(case, "mac"), "{case}");
        }
    }
    let wrong = &vectors["wrong_answer_with_extract_step"];
    assert_ne!(mac(wrong), bytes(wrong, "mac"), "expansion only");
}

#[test]
fn a_context_tells_its_parts_apart_and_has_a_limit() {
    let context = |space, author| CommitContext {
        space,
        author,
        rev: "d",
        ikm: &[7; 32],
    };
    assert_ne!(context("ab", "c").bytes(), context("a", "bc").bytes());
    let long = "x".repeat(65_536);
    assert_eq!(context(&long, "c").bytes(), None);
    assert_eq!(context(&long, "c").mac(&[0; 32]), None);
    assert!(context(&long[1..], "c").bytes().is_some());
}

#[test]
fn commits_of_the_vectors_hold_and_are_written_alike() {
    let Some(vectors) = read("signed_commit_and_car.json") else {
        return;
    };
    for case in each(&vectors, "cases") {
        let written = bytes(case, "commit_drisl");
        let commit = SignedCommit::from_dag_cbor(&written).expect("a commit");
        let fields = &case["commit"];
        assert_eq!(commit.hash[..], bytes(fields, "hash"));
        assert_eq!(commit.ikm[..], bytes(fields, "ikm"));
        assert_eq!(commit.mac[..], bytes(fields, "mac"));
        assert_eq!(commit.sig[..], bytes(fields, "sig"));
        assert_eq!(commit.rev, text(fields, "rev"));
        assert_eq!(commit.to_dag_cbor(), written);
        let key = PublicKey::from_did_key(text(&case["signing_key"], "did_key")).expect("a key");
        let space = text(case, "space").parse().expect("a space");
        let author = text(case, "author").parse().expect("a DID");
        commit
            .verify(&space, &author, with(&key))
            .expect("it holds");
        if text(&case["signing_key"], "alg") == "ES256K" {
            let secret = bytes(&case["signing_key"], "private_key");
            let key = SigningKey::k256(secret.try_into().expect("32 bytes")).expect("a key");
            let signed = context(case, &commit.ikm).bytes().expect("it fits");
            assert_eq!(key.sign(&signed).expect("it signs"), commit.sig);
        }
    }
}

#[test]
fn what_was_not_signed_so_is_refused() {
    let (alice, mallory) = (author(1), author(2));
    let commit = alice.sign([9; 32]);
    let verify = |commit: &SignedCommit, space: &SpaceRef, author: &Did, key: &SigningKey| {
        commit.verify(space, author, with(key.public()))
    };
    assert_eq!(verify(&commit, &space(), &alice.did, &alice.key), Ok(()));
    let other = SpaceRef::new("at://did:web:a.example/space/com.example.forum/other");
    let other = other.expect("a space");
    let mut later = commit.clone();
    later.rev = "3kbcq3p7ad423".to_owned();
    let mut salted = commit.clone();
    salted.ikm[0] ^= 1;
    for refused in [
        verify(&commit, &space(), &alice.did, &mallory.key),
        verify(&commit, &space(), &mallory.did, &alice.key),
        verify(&commit, &other, &alice.did, &alice.key),
        verify(&later, &space(), &alice.did, &alice.key),
        verify(&salted, &space(), &alice.did, &alice.key),
    ] {
        assert_eq!(refused, Err(BadCommit::Signature));
    }
    let mut changed = commit.clone();
    changed.hash[31] ^= 1;
    let mut unfit = commit;
    unfit.mac[0] ^= 1;
    for commit in [changed, unfit] {
        let refused = verify(&commit, &space(), &alice.did, &alice.key);
        assert_eq!(refused, Err(BadCommit::Mac));
    }
}

#[test]
fn what_is_no_commit_is_refused() {
    let written = author(1).sign([9; 32]).to_dag_cbor();
    assert!(SignedCommit::from_dag_cbor(&written).is_ok());
    for end in 0..written.len() {
        assert!(SignedCommit::from_dag_cbor(&written[..end]).is_err());
    }
    let mut longer = written.clone();
    longer.push(0);
    assert!(SignedCommit::from_dag_cbor(&longer).is_err());
    let ver = written.windows(5).position(|part| part == b"cver\x01");
    let mut second = written;
    second[ver.expect("a version") + 4] = 2;
    let refused = SignedCommit::from_dag_cbor(&second);
    assert_eq!(refused, Err(BadCommit::Version(2)));
    let short = b"\xa6cikm\x41\x07cmac\x41\x07crevd3krecsig\x41\x07cver\x01dhash\x41\x07";
    assert!(matches!(
        SignedCommit::from_dag_cbor(short),
        Err(BadCommit::Form(_))
    ));
}
