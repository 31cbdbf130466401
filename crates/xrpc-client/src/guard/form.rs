//! How a URL must be written, before it is read.
//!
//! The URL standard repairs much: a missing slash, a backslash, a line break in the middle. Two
//! programs that read the same repaired text need not agree on where it leads, so it is refused.

use super::UrlRefusal;

/// Checks the text of an absolute `https` or `http` URL.
pub(super) fn check(text: &str) -> Result<(), UrlRefusal> {
    let odd = |char: char| char.is_control() || char.is_whitespace();
    if text.contains(odd) {
        return Err(UrlRefusal::Written("it holds a space or control character"));
    }
    if text.contains('\\') {
        return Err(UrlRefusal::Written("it holds a backslash"));
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(UrlRefusal::Written("it has no scheme"));
    };
    if !["https", "http"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Err(UrlRefusal::Scheme);
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(UrlRefusal::Written("its scheme is not followed by `//`"));
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    check_authority(&rest[..end])
}

/// Checks host and port.
fn check_authority(authority: &str) -> Result<(), UrlRefusal> {
    if authority.contains('@') {
        return Err(UrlRefusal::Credentials);
    }
    if authority.contains('%') {
        return Err(UrlRefusal::Written("its host is percent-encoded"));
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(UrlRefusal::Written("it names no host"));
    }
    // Some resolvers drop what is empty, others fail.
    if authority.contains("..") || authority.starts_with('.') {
        return Err(UrlRefusal::Written(
            "its host has dots with nothing between them",
        ));
    }
    if authority.ends_with(':') {
        return Err(UrlRefusal::Written("it has a colon and no port"));
    }
    Ok(())
}
