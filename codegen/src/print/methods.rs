//! Methods: a marker type, and what goes with it.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs;
use super::source::ident;
use super::{Printer, streams};
use crate::model::{DeclaredError, Docs, Method, MethodKind, Module, Subscription};

impl Printer<'_> {
    pub(crate) fn method(&self, module: &Module, method: &Method) -> TokenStream {
        let (name, nsid) = (ident(&method.name), &module.nsid);
        let marker = marker(&method.name, &method.docs);
        let kind = ident(match method.kind {
            MethodKind::Query => "Query",
            MethodKind::Procedure => "Procedure",
        });
        let shape = ident(match (method.params.is_some(), method.input) {
            (false, false) => "Nothing",
            (true, false) => "ParamsOnly",
            (false, true) => "InputOnly",
            (true, true) => "ParamsAndInput",
        });
        let params_type = params_type(method.params.is_some());
        let input = body_type(method.input, "Input");
        let output = body_type(method.output, "Output");
        let error = error_type(&method.errors);
        let params = method.params.as_ref().map(|it| self.params(module, it));
        let errors = errors(&method.name, &method.errors);
        quote! {
            #marker
            impl xrpc::Method for #name {
                const NSID: &'static str = #nsid;
                const KIND: xrpc::Kind = xrpc::Kind::#kind;
                type Params = #params_type;
                type Input = #input;
                type Output = #output;
                type Error = #error;
                type Shape = xrpc::shape::#shape;
            }
            #params
            #errors
        }
    }

    pub(crate) fn subscription(&self, module: &Module, stream: &Subscription) -> TokenStream {
        let (name, nsid) = (ident(&stream.name), &module.nsid);
        let marker = marker(&stream.name, &stream.docs);
        let shape = ident(match stream.params {
            Some(_) => "ParamsOnly",
            None => "Nothing",
        });
        let params_type = params_type(stream.params.is_some());
        let error = error_type(&stream.errors);
        let params = stream.params.as_ref().map(|it| self.params(module, it));
        let messages = self.messages(module, stream);
        let impls = streams::impls(stream);
        let errors = errors(&stream.name, &stream.errors);
        quote! {
            #marker
            impl xrpc::Subscription for #name {
                const NSID: &'static str = #nsid;
                type Params = #params_type;
                type Message = Message;
                type Error = #error;
                type Shape = xrpc::shape::#shape;
            }
            #params
            #messages
            #impls
            #errors
        }
    }
}

fn marker(name: &str, text: &Docs) -> TokenStream {
    let (docs, name) = (docs::item(text), ident(name));
    quote! {
        #docs
        #[derive(Debug)]
        pub enum #name {}
    }
}

fn params_type(there: bool) -> TokenStream {
    if there { quote!(Params) } else { quote!(()) }
}

fn body_type(there: bool, name: &str) -> TokenStream {
    let name = ident(name);
    if there {
        quote!(#name)
    } else {
        quote!(xrpc::NoBody)
    }
}

fn error_type(errors: &[DeclaredError]) -> TokenStream {
    if errors.is_empty() {
        quote!(xrpc::NoError)
    } else {
        quote!(Error)
    }
}

fn errors(method: &str, errors: &[DeclaredError]) -> Option<TokenStream> {
    if errors.is_empty() {
        return None;
    }
    let docs = docs::line(&format!("The errors that [`{method}`] declares."));
    let variants = errors.iter().map(|error| {
        let docs = docs::variant(error.docs.as_deref(), &error.wire);
        let name = ident(&error.rust);
        quote!(#docs #name,)
    });
    let names = errors.iter().map(|error| ident(&error.rust));
    let wires = errors.iter().map(|error| &error.wire);
    let description = description(errors);
    Some(quote! {
        #docs
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Error {
            #(#variants)*
        }
        impl xrpc::DeclaredError for Error {
            fn name(&self) -> &'static str {
                match self {
                    #(Self::#names => #wires,)*
                }
            }
            fn description(&self) -> Option<&'static str> {
                #description
            }
        }
    })
}

fn description(errors: &[DeclaredError]) -> TokenStream {
    if errors.iter().all(|error| error.docs.is_none()) {
        return quote!(None);
    }
    let arms = errors.iter().filter_map(|error| {
        let (name, text) = (ident(&error.rust), error.docs.as_deref()?);
        Some(quote!(Self::#name => #text,))
    });
    let none = errors
        .iter()
        .any(|error| error.docs.is_none())
        .then(|| quote!(_ => return None,));
    quote! {
        Some(match self {
            #(#arms)*
            #none
        })
    }
}
