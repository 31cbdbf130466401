//! From tokens to text.

use proc_macro2::{Ident, TokenStream};
use quote::format_ident;

/// A file's parts, with an empty line between each two.
#[derive(Default)]
pub(crate) struct Source {
    parts: Vec<String>,
}

impl Source {
    /// Items, each a part of its own.
    pub(crate) fn items(&mut self, tokens: TokenStream) {
        let file = parse(tokens);
        for item in file.items {
            let alone = syn::File {
                shebang: None,
                frontmatter: None,
                attrs: Vec::new(),
                items: vec![item],
            };
            self.parts
                .push(with_blank_lines(&prettyplease::unparse(&alone)));
        }
    }

    /// Items, or a file's attributes, without empty lines between them.
    pub(crate) fn together(&mut self, tokens: TokenStream) {
        self.text(prettyplease::unparse(&parse(tokens)));
    }

    /// What has to be text already.
    pub(crate) fn text(&mut self, text: String) {
        if !text.is_empty() {
            self.parts.push(text);
        }
    }

    /// Whether any line that is not a comment has this in it.
    pub(crate) fn mentions(&self, what: &str) -> bool {
        self.parts
            .iter()
            .flat_map(|part| part.lines())
            .any(|line| line.contains(what) && !line.trim_start().starts_with("//"))
    }

    /// These parts, then those of another.
    pub(crate) fn join(mut self, mut other: Self) -> String {
        self.parts.append(&mut other.parts);
        self.finish()
    }

    pub(crate) fn finish(self) -> String {
        self.parts.join("\n")
    }
}

fn parse(tokens: TokenStream) -> syn::File {
    syn::parse2(tokens).expect("names are chosen so that what is quoted around them is Rust")
}

/// An empty line between the functions of an impl, and above the first one if constants or types
/// precede it. The printer sets nothing apart.
fn with_blank_lines(item: &str) -> String {
    let mut spaced = String::with_capacity(item.len());
    for line in item.split_inclusive('\n') {
        if line.starts_with("    fn ") && !spaced.ends_with("{\n") {
            spaced.push('\n');
        }
        spaced.push_str(line);
    }
    spaced
}

/// A name that was chosen by our policy, raw where it begins with `r#`.
pub(crate) fn ident(name: &str) -> Ident {
    format_ident!("{name}")
}
