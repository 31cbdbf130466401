//! Unions.

use proc_macro2::TokenStream;
use quote::quote;

use super::Printer;
use super::docs;
use super::source::ident;
use crate::model::{Module, Union};

impl Printer<'_> {
    pub(crate) fn union(&self, module: &Module, union: &Union) -> TokenStream {
        let name = ident(&union.name);
        let docs = docs::item(&union.docs);
        let variants = union.variants.iter().map(|variant| {
            let docs = docs::variant(None, &variant.type_name);
            let (name, target) = (ident(&variant.rust), self.path(module, &variant.target));
            quote!(#docs #name(#target),)
        });
        let unknown = union.holds_unknown().then(|| {
            quote! {
                /// A variant that the lexicon does not list, as it came.
                Unknown(xrpc::UnknownVariant),
            }
        });
        let (read, write, validate) = (read(union), write(union), validate(union));
        quote! {
            #docs
            #[derive(Clone, Debug, PartialEq)]
            pub enum #name {
                #(#variants)*
                #unknown
            }
            #read
            #write
            xrpc::union_type!(#name);
            #validate
        }
    }
}

fn read(union: &Union) -> TokenStream {
    let name = ident(&union.name);
    let listed: Vec<&str> = union
        .variants
        .iter()
        .map(|v| v.type_name.as_str())
        .collect();
    let variants = union.variants.iter().map(|variant| ident(&variant.rust));
    let (list, other) = if union.holds_unknown() {
        (None, quote!(Self::Unknown(from.unknown(type_name)?)))
    } else {
        (
            Some(quote!(const LISTED: &[&str] = &[#(#listed),*];)),
            quote!(return from.unlisted(type_name, LISTED)),
        )
    };
    let body = if union.variants.is_empty() {
        quote!(from.unknown(type_name).map(Self::Unknown))
    } else {
        quote! {
            Ok(match type_name {
                #(#listed => Self::#variants(from.variant()?),)*
                _ => #other,
            })
        }
    };
    quote! {
        impl xrpc::UnionType for #name {
            fn read_variant<'de, A: xrpc::MapAccess<'de>>(
                type_name: &str,
                from: &mut xrpc::Fields<'de, A>,
            ) -> Result<Self, A::Error> {
                #list
                #body
            }
        }
    }
}

fn write(union: &Union) -> TokenStream {
    let name = ident(&union.name);
    let variants = union.variants.iter().map(|variant| ident(&variant.rust));
    let unknown = union
        .holds_unknown()
        .then(|| quote!(Self::Unknown(object) => xrpc::Serialize::serialize(object, to),));
    quote! {
        impl xrpc::Serialize for #name {
            fn serialize<S: xrpc::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    #(Self::#variants(object) => xrpc::write_variant(object, to),)*
                    #unknown
                }
            }
        }
    }
}

fn validate(union: &Union) -> TokenStream {
    let name = ident(&union.name);
    let variants = union.variants.iter().map(|variant| ident(&variant.rust));
    let unknown = if !union.closed {
        Some(quote!(Self::Unknown(object) => xrpc::Validate::check(object, at, report),))
    } else if union.holds_unknown() {
        Some(quote!(Self::Unknown(object) => object.refuse(at, report),))
    } else {
        None
    };
    quote! {
        impl xrpc::Validate for #name {
            fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {
                match self {
                    #(Self::#variants(object) => xrpc::Validate::check(object, at, report),)*
                    #unknown
                }
            }
        }
    }
}
