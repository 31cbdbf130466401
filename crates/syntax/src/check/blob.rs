//! Blobs.

use super::values::Listed;
use super::{At, Code, Report};
use crate::Excerpt;
use crate::data::Blob;

/// For `accept`: the schema does not say.
pub const ANY_TYPE: Option<&[&str]> = None;

/// A blob is of an accepted type, not too large, and of today's form.
///
/// Beyond a `mimeType` that is not empty, all of it is left away by
/// [`Report::with_lenient_blobs`].
pub fn blob<S: AsRef<str>>(
    blob: &Blob,
    accept: Option<&[S]>,
    max_size: Option<u64>,
    at: &At<'_>,
    report: &mut Report,
) {
    blob_facts(&blob.mime_type, blob.size, accept, max_size, at, report);
}

/// [`blob`] for who has no [`Blob`] at hand; without a size it is of the older form.
pub fn blob_facts<S: AsRef<str>>(
    mime_type: &str,
    size: Option<u64>,
    accept: Option<&[S]>,
    max_size: Option<u64>,
    at: &At<'_>,
    report: &mut Report,
) {
    if mime_type.is_empty() {
        report.push(
            &at.field("mimeType"),
            Code::InvalidValue,
            "the MIME type is empty",
        );
        return;
    }
    if !report.strict_blobs() {
        return;
    }
    let Some(size) = size else {
        let message = "the older form of blobs is not allowed here; \
                       write {\"$type\": \"blob\", \"ref\", \"mimeType\", \"size\"}";
        report.push(at, Code::InvalidType, message);
        return;
    };
    if let Some(accept) = accept
        && !accept
            .iter()
            .any(|pattern| matches(pattern.as_ref(), mime_type))
    {
        let found = Excerpt(mime_type);
        let allowed = Listed(accept.iter().map(|pattern| Excerpt(pattern.as_ref())));
        let message = format_args!("expected {allowed}, got {found}");
        report.push(&at.field("mimeType"), Code::InvalidValue, message);
    }
    if let Some(limit) = max_size
        && size > limit
    {
        let message = format_args!("at most {limit} bytes allowed, got {size}");
        report.push(&at.field("size"), Code::TooBig, message);
    }
}

/// Whether a MIME type fits a pattern: itself, `image/*` or `*/*`; case and parameters do not count.
fn matches(pattern: &str, mime_type: &str) -> bool {
    let essence = mime_type.split(';').next().unwrap_or_default().trim_end();
    if matches!(pattern, "*/*" | "*") {
        return true;
    }
    match pattern.strip_suffix('*') {
        // The slash stays with the prefix, so that `image/*` does not take `imagery/x`.
        Some(prefix) if prefix.ends_with('/') => essence
            .get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix)),
        _ => essence.eq_ignore_ascii_case(pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(facts: (&str, Option<u64>), accept: &[&str], report: Report) -> Vec<String> {
        let mut report = report;
        blob_facts(
            facts.0,
            facts.1,
            Some(accept),
            Some(100),
            &At::ROOT,
            &mut report,
        );
        report
            .violations()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn strict_for_writes_and_lenient_for_reads() {
        let facts = ("text/plain", Some(101));
        assert_eq!(
            says(facts, &["image/*"], Report::new()),
            [
                "$.mimeType: expected one of \"image/*\", got \"text/plain\"",
                "$.size: at most 100 bytes allowed, got 101",
            ]
        );
        assert!(says(facts, &["image/*"], Report::new().with_lenient_blobs()).is_empty());
        assert_eq!(says(("text/plain", None), &["*/*"], Report::new()).len(), 1);
        assert_eq!(
            says(("", Some(1)), &["*/*"], Report::new().with_lenient_blobs()).len(),
            1
        );
    }

    #[test]
    fn patterns() {
        for (pattern, mime_type, fits) in [
            ("*/*", "a/b", true),
            ("image/*", "IMAGE/PNG", true),
            ("image/*", "imagery/png", false),
            ("image/png", "image/png; q=1", true),
            ("image/png", "image/pngx", false),
            ("image/*", "é", false),
        ] {
            assert_eq!(matches(pattern, mime_type), fits, "{pattern} {mime_type}");
        }
    }
}
