//! URL parameters.

use proc_macro2::TokenStream;
use quote::quote;

use super::Printer;
use super::checks::{checks, needs_check};
use super::docs;
use super::places::{At, Place};
use super::source::ident;
use crate::model::{Module, Param, Params, Type};

impl Printer<'_> {
    pub(crate) fn params(&self, module: &Module, params: &Params) -> TokenStream {
        let docs = docs::item(&params.docs);
        let optional = params.fields.iter().all(|param| !must_be_given(param));
        let defaults = params.fields.iter().any(|param| param.default.is_some());
        let derived = (optional && !defaults).then(|| quote!(Default,));
        let fields = params.fields.iter().map(|param| {
            let (docs, name) = (docs::field(&param.docs), ident(&param.rust));
            let ty = self.type_name(module, &param.ty);
            if is_optional(param) {
                quote!(#docs pub #name: Option<#ty>,)
            } else {
                quote!(#docs pub #name: #ty,)
            }
        });
        let by_hand = (optional && defaults).then(|| default(params));
        let (read, write, check) = (read(params), write(params), check(params));
        quote! {
            #docs
            #[derive(Clone, Debug, #derived PartialEq)]
            pub struct Params {
                #(#fields)*
            }
            #by_hand
            impl xrpc::Params for Params {
                #read
                #write
                #check
            }
        }
    }
}

fn is_list(param: &Param) -> bool {
    matches!(param.ty, Type::List { .. })
}

/// Whether the field is an `Option`. An absent list is an empty one.
fn is_optional(param: &Param) -> bool {
    !param.required && param.default.is_none() && !is_list(param)
}

/// A default makes a required parameter optional for the caller.
fn must_be_given(param: &Param) -> bool {
    param.required && param.default.is_none()
}

/// The default as it was lowered.
fn expression(param: &Param) -> Option<syn::Expr> {
    param
        .default
        .as_deref()
        .map(|text| syn::parse_str(text).expect("a default is lowered to an expression"))
}

fn default(params: &Params) -> TokenStream {
    let fields = params.fields.iter().map(|param| {
        let name = ident(&param.rust);
        match expression(param) {
            Some(default) => quote!(#name: #default),
            None if is_list(param) => quote!(#name: Vec::new()),
            None => quote!(#name: None),
        }
    });
    quote! {
        impl Default for Params {
            fn default() -> Self {
                Self { #(#fields),* }
            }
        }
    }
}

fn read(params: &Params) -> TokenStream {
    let fields = params.fields.iter().map(|param| {
        let (name, wire) = (ident(&param.rust), &param.wire);
        if let Some(default) = expression(param) {
            return quote!(#name: query.with_default(#wire, #default)?);
        }
        let how = ident(match (is_list(param), param.required) {
            (true, true) => "required_list",
            (true, false) => "list",
            (false, true) => "required",
            (false, false) => "optional",
        });
        quote!(#name: query.#how(#wire)?)
    });
    quote! {
        fn read(query: &xrpc::Query) -> Result<Self, xrpc::ParamError> {
            Ok(Self { #(#fields),* })
        }
    }
}

fn write(params: &Params) -> TokenStream {
    let fields = params.fields.iter().map(|param| {
        let (name, wire) = (ident(&param.rust), &param.wire);
        let how = ident(match (is_list(param), is_optional(param)) {
            (true, _) => "push_list",
            (false, true) => "push_optional",
            (false, false) => "push",
        });
        quote!(query.#how(#wire, &self.#name);)
    });
    quote! {
        fn write(&self, query: &mut xrpc::Query) {
            #(#fields)*
        }
    }
}

fn check(params: &Params) -> TokenStream {
    let checked: Vec<TokenStream> = params
        .fields
        .iter()
        .filter(|param| needs_check(&param.ty))
        .map(check_one)
        .collect();
    if checked.is_empty() {
        return quote! {
            fn check(&self, _: &mut xrpc::Report) {}
        };
    }
    quote! {
        fn check(&self, report: &mut xrpc::Report) {
            let at = xrpc::At::ROOT;
            #(#checked)*
        }
    }
}

fn check_one(param: &Param) -> TokenStream {
    let name = ident(&param.rust);
    let at = At::field(&param.wire);
    if is_optional(param) {
        let checks = checks(&param.ty, &Place::variable(quote!(value)), &at);
        return quote!(if let Some(value) = &self.#name { #checks });
    }
    let checks = checks(&param.ty, &Place::of_self(quote!(#name)), &at);
    if is_list(param) && !param.required {
        // An absent list is empty, and absence breaks no limit.
        quote!(if !self.#name.is_empty() { #checks })
    } else {
        checks
    }
}
