//! Free texts that callers write.

use loggia_xrpc::Rejection;

/// Refuses a text that PostgreSQL cannot keep, on every database alike. `field` is its name in the input.
pub(crate) fn check(field: &str, text: Option<&str>) -> Result<(), Rejection> {
    match text.and_then(|text| text.find('\0')) {
        Some(at) => Err(Rejection::invalid_request(format!(
            "`{field}` holds a NUL character (U+0000) at byte {at}: leave it out"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nul_is_refused() {
        assert!(check("name", None).is_ok());
        assert!(check("name", Some("tab\t, \u{1}, \u{1f600}")).is_ok());
        let refused = check("name", Some("ab\0")).expect_err("a NUL");
        assert_eq!(refused.status, 400);
        assert!(refused.message.contains("`name`") && refused.message.contains("byte 2"));
    }
}
