//! Lexicon documents to Rust text.
//!
//! Pure but for [`Plan::write`], [`Tree::write`] and [`Tree::check`]: documents are lowered to a model in which every
//! reference is followed and every name is chosen, and the model is quoted, parsed and printed. The
//! text depends on the catalog and the [`Config`] and on nothing else.
//!
//! # What comes out
//! - One file per NSID; a module path is the NSID in snake case. A file `foo.rs` stands beside its
//!   folder `foo/`, so an NSID that is also a group holds types and `pub mod` lines.
//! - A record or another main definition is a type called like the last segment in camel case; every
//!   other definition is called like itself. What is nested in a definition is called like the
//!   definition and the field together (`PostEmbed`), an element of a list definition `…Item`.
//! - A method is a marker type with `Params`, `Input`, `Output`, `Error` beside it, a subscription
//!   one with `Params`, `Message`, `Error`.
//! - A definition that is neither object, union nor listed string is a type alias; what refers to it
//!   has its constraints.
//! - An optional field is an `Option`, a nullable one a `Nullable`, and one that is both
//!   `Option<Nullable<…>>`. Constraints are checked by `Validate`.
//! - The root file has the modules, `routes!`, and in `catalog` the documents themselves.
//!
//! # Names
//! - A name is split into words at everything that is no ASCII letter or digit, and at humps
//!   (`backgroundRGB` is background, RGB). Types join the words in camel case, fields and modules in
//!   snake case, tokens in upper case.
//! - A keyword becomes a raw identifier (`r#type`); `self`, `super` and `crate`, which cannot, get a
//!   trailing `_`. So does a module called `syntax` or `xrpc`, and a field `extra` becomes `extra_2`,
//!   since generated code has one of its own.
//! - A field or module that begins with a digit gets a leading `_`, a type or variant a leading `N`.
//! - A name that is taken is numbered from 2, in the order in which the document is written: main
//!   first, then definitions, then what is nested. Taken from the start are the prelude's types that
//!   generated code uses, and beside a method `Params`, `Input`, `Output`, `Error` and `Message`.
//! - A union's variant is called like the definition, with the last segment of a foreign NSID before
//!   it unless that is `defs` (`ImagesView`); where that is not enough, with more segments.
//! - A listed value without any letter or digit is called `Value` and its place in the list, an empty
//!   one `Empty`, a reference to a token like the token.
//!
//! # What is not an error
//! Unknown types, unresolved references and other odd things become raw data or are left out, with a
//! [`Diagnostic`]. A lexicon of a stranger never keeps the rest from being generated.

mod config;
mod lower;
mod model;
mod names;
mod plan;
mod print;
mod tree;

use std::fmt;

use loggia_lexicon::catalog::Catalog;

pub use config::Config;
pub use plan::Plan;
pub use tree::{Outcome, Tree, TreeError};

/// Something in a document that could not be generated as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as it was named to the catalog.
    pub file: String,
    /// Where in it, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What, and what was made of it.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.pointer, self.message)
    }
}

/// Generates everything for a catalog.
///
/// # Panics
/// If [`Config::runtime`] or [`Config::mount`] is no path of a module, as [`Config::is_module`] tells.
pub fn generate(catalog: &Catalog, config: &Config) -> Tree {
    Plan::new(catalog, config.clone()).into_tree()
}
