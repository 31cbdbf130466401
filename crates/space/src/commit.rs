//! Commits: the state of a repository, signed for one reader.

use hmac::{Hmac, KeyInit as _, Mac as _};
use ipld_core::ipld::Ipld;
use loggia_syntax::{Did, SpaceRef, Tid};
use serde::{Deserialize, Serialize};
use serde_ipld_dagcbor as cbor;
use sha2::Sha256;

/// The only form of commits so far.
const VERSION: u64 = 1;

/// What a commit says and how it is proved.
///
/// The author signs the context alone, which holds nothing of the content; the MAC, whose key anybody can
/// make from the commit, ties the content's digest to it. So a reader knows that it comes from the author,
/// and can prove that to nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCommit {
    /// The digest over all records, see [`SetHash`](crate::SetHash::digest).
    pub hash: [u8; 32],
    /// Randomness of this signature.
    pub ikm: [u8; 32],
    /// HMAC-SHA256 over `hash`.
    pub mac: [u8; 32],
    /// ECDSA over the context, with a low S.
    pub sig: [u8; 64],
    /// The revision that is described, as it was written: what is signed are these letters. A [`Tid`],
    /// where the author's host keeps to the lexicon; read it as one before comparing it with others.
    pub rev: String,
}

/// Whose repository in which space, at which revision, signed with which randomness.
#[derive(Clone, Copy, Debug)]
pub struct CommitContext<'a> {
    /// The space.
    pub space: &'a str,
    /// The author's DID.
    pub author: &'a str,
    /// The revision.
    pub rev: &'a str,
    /// The randomness.
    pub ikm: &'a [u8],
}

/// Why a commit is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCommit {
    /// It is not what a commit looks like.
    #[error("not a commit: {0}")]
    Form(String),
    /// It has another version.
    #[error("a commit of version {0}, and only version 1 is known")]
    Version(i128),
    /// The signature is not the author's, or not over this space, author and revision.
    #[error("the signature of the commit does not hold")]
    Signature,
    /// The digest is not the one that was tied to the signature.
    #[error("the MAC of the commit does not fit its hash")]
    Mac,
}

impl CommitContext<'_> {
    const TAG: &'static [u8] = b"atproto-space-v1";

    /// What is signed: a tag, then each part after its length as two bytes, the higher one first. None if a
    /// part is longer than that can say.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let parts = [
            self.space.as_bytes(),
            self.author.as_bytes(),
            self.rev.as_bytes(),
            self.ikm,
        ];
        let mut bytes = Self::TAG.to_vec();
        for part in parts {
            bytes.extend(u16::try_from(part.len()).ok()?.to_be_bytes());
            bytes.extend(part);
        }
        Some(bytes)
    }

    /// The MAC that ties a digest to the context: its key is HKDF-SHA256, expansion only, of `ikm`.
    pub fn mac(&self, hash: &[u8; 32]) -> Option<[u8; 32]> {
        Some(self.keyed(hash)?.finalize().into_bytes().into())
    }

    fn keyed(&self, hash: &[u8; 32]) -> Option<Hmac<Sha256>> {
        let hmac = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("any length does");
        // One block of HKDF's expansion is as long as the key (RFC 5869, section 2.3).
        let mut expand = hmac(self.ikm);
        expand.update(&self.bytes()?);
        expand.update(&[1]);
        let mut mac = hmac(&expand.finalize().into_bytes());
        mac.update(hash);
        Some(mac)
    }
}

impl SignedCommit {
    /// Signs the state of an author's repository at a revision for one reader: `ikm` is fresh randomness,
    /// and `sign` makes an ECDSA signature of 64 bytes with the author's `#atproto` key.
    ///
    /// # Errors
    /// Whatever `sign` says.
    pub fn sign<E>(
        space: &SpaceRef,
        author: &Did,
        rev: &Tid,
        hash: [u8; 32],
        ikm: [u8; 32],
        sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
    ) -> Result<Self, E> {
        let context = context(space, author, rev.as_str(), &ikm);
        let fits = "identifiers are shorter than 64 KiB";
        let sig = sign(&context.bytes().expect(fits))?;
        let mac = context.mac(&hash).expect(fits);
        Ok(Self {
            hash,
            ikm,
            mac,
            sig,
            rev: rev.to_string(),
        })
    }

    /// Checks that the author said so of this space; `verify` checks a signature with the author's
    /// `#atproto` key, and refuses a high S.
    ///
    /// # Errors
    /// The signature or the MAC does not hold.
    pub fn verify(
        &self,
        space: &SpaceRef,
        author: &Did,
        verify: impl FnOnce(&[u8], &[u8; 64]) -> bool,
    ) -> Result<(), BadCommit> {
        let context = context(space, author, &self.rev, &self.ikm);
        let signed = context.bytes().ok_or(BadCommit::Signature)?;
        if !verify(&signed, &self.sig) {
            return Err(BadCommit::Signature);
        }
        let keyed = context.keyed(&self.hash).ok_or(BadCommit::Mac)?;
        keyed.verify_slice(&self.mac).map_err(|_| BadCommit::Mac)
    }

    /// As DAG-CBOR.
    pub fn to_dag_cbor(&self) -> Vec<u8> {
        let written = Written {
            ikm: Bytes(self.ikm.to_vec()),
            mac: Bytes(self.mac.to_vec()),
            rev: self.rev.clone(),
            sig: Bytes(self.sig.to_vec()),
            ver: VERSION.into(),
            hash: Bytes(self.hash.to_vec()),
        };
        cbor::to_vec(&written).expect("maps of texts and bytes can be written")
    }

    /// From DAG-CBOR. Says nothing of whether it holds, see [`SignedCommit::verify`].
    ///
    /// # Errors
    /// It is no commit, or one of another version.
    pub fn from_dag_cbor(bytes: &[u8]) -> Result<Self, BadCommit> {
        let form = |error: String| BadCommit::Form(error);
        let written: Written = cbor::from_slice(bytes).map_err(|error| form(error.to_string()))?;
        if written.ver != i128::from(VERSION) {
            return Err(BadCommit::Version(written.ver));
        }
        Ok(Self {
            hash: written.hash.sized("hash")?,
            ikm: written.ikm.sized("ikm")?,
            mac: written.mac.sized("mac")?,
            sig: written.sig.sized("sig")?,
            rev: written.rev,
        })
    }
}

fn context<'a>(
    space: &'a SpaceRef,
    author: &'a Did,
    rev: &'a str,
    ikm: &'a [u8],
) -> CommitContext<'a> {
    CommitContext {
        space: space.as_str(),
        author: author.as_str(),
        rev,
        ikm,
    }
}

/// A commit as it is written; the fields in the order that DAG-CBOR demands.
#[derive(Deserialize, Serialize)]
struct Written {
    ikm: Bytes,
    mac: Bytes,
    rev: String,
    sig: Bytes,
    ver: i128,
    hash: Bytes,
}

/// Bytes, which are no list of numbers.
#[derive(Deserialize, Serialize)]
#[serde(try_from = "Ipld", into = "Ipld")]
struct Bytes(Vec<u8>);

impl Bytes {
    fn sized<const N: usize>(self, field: &str) -> Result<[u8; N], BadCommit> {
        let length = self.0.len();
        let wrong = || BadCommit::Form(format!("`{field}` has {length} bytes, not {N}"));
        self.0.try_into().map_err(|_| wrong())
    }
}

impl Clone for Bytes {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl From<Bytes> for Ipld {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes.0)
    }
}

impl TryFrom<Ipld> for Bytes {
    type Error = &'static str;

    fn try_from(value: Ipld) -> Result<Self, Self::Error> {
        match value {
            Ipld::Bytes(bytes) => Ok(Self(bytes)),
            _ => Err("not bytes"),
        }
    }
}
