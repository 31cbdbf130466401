//! `blob:`, uploads.

use std::collections::BTreeSet;
use std::fmt;

use super::ScopeError;
use super::text::{Fields, Writer};

/// Which media types may be uploaded: `blob:image/*`, `blob?accept=image/png&accept=video/*`.
///
/// Media types are compared without regard to case, and kept in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobScope {
    /// `*/*` alone, or `type/*` and `type/subtype` of which none includes another.
    accept: BTreeSet<String>,
}

/// One upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobNeed<'a> {
    /// The media type; its parameters (`; charset=utf-8`) do not matter.
    pub mime: &'a str,
}

impl BlobScope {
    pub(super) fn read(text: &str) -> Result<Self, ScopeError> {
        let fields = Fields::read(text, &["accept"])?;
        let mut all = BTreeSet::new();
        for accept in fields.many("accept") {
            let accept = accept.to_ascii_lowercase();
            if accept != ANYTHING && !is_accept(&accept) {
                return Err(ScopeError::Value { param: "accept" });
            }
            all.insert(accept);
        }
        if all.is_empty() {
            return Err(ScopeError::Missing { param: "accept" });
        }
        let needless = |accept: &&String| accept.as_str() != ANYTHING && all.contains(ANYTHING);
        let covered = |accept: &&String| {
            let whole = whole_type(accept);
            **accept != whole && all.contains(&whole)
        };
        let accept = all
            .iter()
            .filter(|accept| !needless(accept) && !covered(accept))
            .cloned()
            .collect();
        Ok(Self { accept })
    }

    /// What is accepted, e.g. `image/png` or `video/*`; at least one.
    pub fn accept(&self) -> impl ExactSizeIterator<Item = &str> {
        self.accept.iter().map(String::as_str)
    }

    /// Whether it allows this upload.
    pub fn allows(&self, need: &BlobNeed<'_>) -> bool {
        let mime = need.essence();
        is_mime(&mime)
            && (self.accept.contains(ANYTHING)
                || self.accept.contains(&whole_type(&mime))
                || self.accept.contains(&mime))
    }
}

impl BlobNeed<'_> {
    fn essence(&self) -> String {
        let essence = self.mime.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }
}

const ANYTHING: &str = "*/*";

/// `image/*` of `image/png`.
fn whole_type(mime: &str) -> String {
    let kind = mime.split('/').next().unwrap_or_default();
    format!("{kind}/*")
}

fn is_accept(text: &str) -> bool {
    match text.strip_suffix("/*") {
        Some(kind) => is_name(kind),
        None => is_mime(text),
    }
}

fn is_mime(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

/// A token of HTTP (RFC 9110, section 5.6.2) without `*`.
fn is_name(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_plain)
}

impl fmt::Display for BlobScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Writer::new(f, "blob")?.values("accept", self.accept())
    }
}

impl fmt::Display for BlobNeed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Writer::new(f, "blob")?.value(&self.essence())
    }
}
