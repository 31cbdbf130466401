//! Where a person goes once they are logged in: only within this site.

/// Where they go if nobody said.
pub const USUAL: &str = "/account";

/// The longest path that is kept, in bytes.
const LONGEST: usize = 512;

/// The path that was asked for if it lies within this site, or else [`USUAL`].
///
/// Only plain path characters pass, and no empty or dot segments: what a browser, or a proxy that
/// tidies `Location` headers, reads as another host (`//`, `/\`, `/..//`, tabs and line breaks within)
/// does not get as far.
pub fn checked(wanted: Option<&str>) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~?&=%+:,@!*".contains(&byte);
    let own = |path: &&str| {
        path.len() <= LONGEST
            && path.starts_with('/')
            && !path.contains("//")
            && !path
                .split(['/', '?'])
                .any(|segment| matches!(segment, "." | ".."))
            && path.bytes().all(fits)
    };
    wanted.filter(own).unwrap_or(USUAL).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_paths_pass() {
        for path in ["/", "/console/webhooks?page=2&sort=a%20b", "/@alice"] {
            assert_eq!(checked(Some(path)), path);
        }
    }

    #[test]
    fn whatever_may_lead_elsewhere_does_not() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for path in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: a=b",
            " /a",
            "/a#b",
            "/ä",
            &long,
        ] {
            assert_eq!(checked(Some(path)), USUAL, "{path:?}");
        }
        assert_eq!(checked(None), USUAL);
    }
}
