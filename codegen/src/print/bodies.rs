//! Bodies that are not an object or a union of their own.

use proc_macro2::TokenStream;
use quote::quote;

use super::Printer;
use super::checks::{checks, needs_check};
use super::docs;
use super::places::{At, Place};
use super::source::ident;
use crate::model::{Body, BodyShape, Module, Type};

impl Printer<'_> {
    pub(crate) fn body(&self, module: &Module, body: &Body) -> TokenStream {
        let docs = docs::item(&body.docs);
        let name = ident(body.name);
        let items = match &body.shape {
            BodyShape::Named(id) => {
                let target = self.path(module, id);
                quote!(pub type #name = #target;)
            }
            BodyShape::Data => quote!(pub type #name = syntax::data::Data;),
            BodyShape::Binary(encoding) => quote! {
                #[derive(Debug)]
                pub struct #name(pub xrpc::Binary);
                xrpc::binary_body!(#name, #encoding);
            },
            BodyShape::Value(ty) => {
                let (inner, check) = (self.type_name(module, ty), check(ty));
                quote! {
                    #[derive(Clone, Debug, PartialEq)]
                    pub struct #name(pub #inner);
                    xrpc::value_body!(#name);
                    impl xrpc::Validate for #name {
                        #check
                    }
                }
            }
        };
        quote!(#docs #items)
    }
}

fn check(ty: &Type) -> TokenStream {
    if !needs_check(ty) {
        return quote! {
            fn check(&self, _: &xrpc::At<'_>, _: &mut xrpc::Report) {}
        };
    }
    let checks = checks(ty, &Place::of_self(quote!(0)), &At::Argument);
    quote! {
        fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {
            #checks
        }
    }
}
