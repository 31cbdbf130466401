//! The text that is signed (RFC 9421 §2.5).

/// The covered fields and their values, a line each, and the parameters as they were written.
pub(super) fn signature_base(fields: &[(&str, &str)], parameters: &str) -> String {
    let mut base = String::with_capacity(1024);
    for (name, value) in fields {
        base.extend(["\"", name, "\": ", value, "\n"]);
    }
    base.extend(["\"@signature-params\": ", parameters]);
    base
}
