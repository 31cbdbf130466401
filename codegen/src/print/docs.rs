//! Doc comments out of descriptions.

use proc_macro2::TokenStream;
use quote::quote;

use super::markdown::lines;
use crate::model::Docs;

/// Where descriptions are broken.
const WIDTH: usize = 100;

/// What `/// ` or `//! ` takes of it.
const MARK: usize = 4;

/// How far fields and variants are indented.
const INDENT: usize = 4;

/// `//!` above a module.
pub(crate) fn module(name: &str, text: Option<&str>) -> TokenStream {
    let mut all = vec![format!("`{name}`")];
    if let Some(text) = present(text) {
        all.push(String::new());
        all.extend(lines(text, WIDTH - MARK));
    }
    let all = all.iter().map(|line| spaced(line));
    quote!(#(#![doc = #all])*)
}

/// One line of our own words above a module.
pub(crate) fn inner(text: &str) -> TokenStream {
    let text = spaced(text);
    quote!(#![doc = #text])
}

/// `///` above an item, and `#[deprecated]` where the description says so.
pub(crate) fn item(docs: &Docs) -> TokenStream {
    match present(docs.text.as_deref()) {
        Some(text) => {
            let (comment, deprecated) = (comment(text, 0), deprecated(text));
            quote!(#comment #deprecated)
        }
        None => line(&docs.fallback),
    }
}

/// `///` above a field. Fields are not marked as deprecated: whoever builds the struct has to name
/// them.
pub(crate) fn field(docs: &Docs) -> TokenStream {
    match present(docs.text.as_deref()) {
        Some(text) => comment(text, INDENT),
        None => line(&docs.fallback),
    }
}

/// `///` above a variant.
pub(crate) fn variant(text: Option<&str>, wire: &str) -> TokenStream {
    let wire = code(wire);
    match present(text) {
        Some(text) => {
            let (comment, deprecated) = (comment(text, INDENT), deprecated(text));
            let wire = line(&format!("On the wire: {wire}"));
            quote!(#comment #[doc = ""] #wire #deprecated)
        }
        None => line(&wire),
    }
}

/// One line of our own words.
pub(crate) fn line(text: &str) -> TokenStream {
    let text = spaced(text);
    quote!(#[doc = #text])
}

/// An attribute for each line, since the printer leaves lines as they are.
fn comment(text: &str, indent: usize) -> TokenStream {
    let lines = lines(text, WIDTH - MARK - indent);
    let lines = lines.iter().map(|line| spaced(line));
    quote!(#(#[doc = #lines])*)
}

/// With the space that stands after the mark of a comment.
fn spaced(line: &str) -> String {
    if line.is_empty() {
        String::new()
    } else {
        format!(" {line}")
    }
}

fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

fn code(wire: &str) -> String {
    if wire.is_empty() || wire.contains(['`', '\n', '\r']) {
        format!("{wire:?}").replace('`', "\\`")
    } else {
        format!("`{wire}`")
    }
}

fn deprecated(text: &str) -> Option<TokenStream> {
    is_deprecated(text).then(|| quote!(#[deprecated = "the lexicon says so"]))
}

/// Whether a sentence of the description begins with the word, or it stands there in capitals.
fn is_deprecated(text: &str) -> bool {
    let mut starts = true;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if bare == "DEPRECATED" || (starts && bare.eq_ignore_ascii_case("deprecated")) {
            return true;
        }
        starts = word.ends_with(['.', '!', '?', ';']);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deprecation_is_a_word_of_weight() {
        assert!(is_deprecated("DEPRECATED: use x"));
        assert!(is_deprecated("A thing. Deprecated since then."));
        assert!(is_deprecated("(deprecated) old"));
        assert!(!is_deprecated("Whether the label is deprecated."));
    }
}
