//! What all ways of saying no have in common.

/// Why a caller is not proved, as it goes over the wire.
pub trait Refusal: std::error::Error + Send + Sync + 'static {
    /// The HTTP status.
    fn status(&self) -> u16;

    /// The error name in the body.
    fn name(&self) -> &'static str;

    /// What the caller is told. Causes inside this server are left out.
    fn message(&self) -> String {
        self.to_string()
    }

    /// The `WWW-Authenticate` header that goes with it (RFC 9110 §11.6.1): every 401 has one.
    fn challenge(&self) -> Option<String>;

    /// Whether the caller should try again with the nonce of the answer's `DPoP-Nonce` header.
    fn wants_nonce(&self) -> bool {
        false
    }

    /// Status, name and message together.
    fn answer(&self) -> (u16, &'static str, String) {
        (self.status(), self.name(), self.message())
    }
}

/// What stands in every body whose cause is nobody's business.
pub(crate) const INTERNAL: &str = "Internal Server Error";

/// A challenge for `scheme` with quoted parameters. Quotes and backslashes cannot come from a
/// caller, since messages hold none of their words; they are left out all the same.
pub(crate) fn challenge(scheme: &str, parameters: &[(&str, &str)]) -> String {
    let mut text = scheme.to_owned();
    for (index, (name, value)) in parameters.iter().enumerate() {
        text.push_str(if index == 0 { " " } else { ", " });
        text.push_str(name);
        text.push_str("=\"");
        text.extend(
            value
                .chars()
                .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')),
        );
        text.push('"');
    }
    text
}
