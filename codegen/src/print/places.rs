//! Expressions for values and for where they stand.

use proc_macro2::TokenStream;
use quote::quote;

/// A value as an expression: by reference, and by copy where it is a plain one.
pub(crate) struct Place {
    pub(crate) by_ref: TokenStream,
    pub(crate) plain: TokenStream,
    /// The value itself, of a type that can be copied.
    pub(crate) copied: TokenStream,
}

impl Place {
    /// A field of `self`.
    pub(crate) fn of_self(name: TokenStream) -> Self {
        Self {
            by_ref: quote!(&self.#name),
            plain: quote!(self.#name),
            copied: quote!(self.#name),
        }
    }

    /// A variable that holds a reference.
    pub(crate) fn variable(name: TokenStream) -> Self {
        Self {
            by_ref: name.clone(),
            plain: name.clone(),
            copied: quote!(*#name),
        }
    }
}

/// Where a value stands, as an expression.
pub(crate) enum At {
    /// The function's own argument, which is a reference.
    Argument,
    /// Made from another place.
    Made(TokenStream),
    /// Made from a list's place and the index of a loop.
    Element(TokenStream),
}

impl At {
    /// A field of `at`.
    pub(crate) fn field(wire: &str) -> Self {
        Self::Made(quote!(at.field(#wire)))
    }

    pub(crate) fn by_value(&self) -> TokenStream {
        match self {
            Self::Argument => quote!(*at),
            Self::Made(made) | Self::Element(made) => made.clone(),
        }
    }

    pub(crate) fn by_ref(&self) -> TokenStream {
        match self {
            Self::Argument => quote!(at),
            Self::Made(made) | Self::Element(made) => quote!(&#made),
        }
    }
}
