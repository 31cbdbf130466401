//! What a subscription sends.

use proc_macro2::TokenStream;
use quote::quote;

use super::Printer;
use super::docs;
use super::source::ident;
use crate::model::{Module, Subscription};

impl Printer<'_> {
    pub(crate) fn messages(&self, module: &Module, stream: &Subscription) -> TokenStream {
        let docs = docs::item(&stream.message_docs);
        let messages = stream.messages.iter().map(|message| {
            let docs = docs::variant(None, &message.type_name);
            let (name, target) = (ident(&message.rust), self.path(module, &message.target));
            quote!(#docs #name(#target),)
        });
        quote! {
            #docs
            #[derive(Clone, Debug, PartialEq)]
            pub enum Message {
                #(#messages)*
            }
        }
    }
}

/// What an event stream and a validator ask of the messages.
pub(crate) fn impls(stream: &Subscription) -> TokenStream {
    if stream.messages.is_empty() {
        return impls_of_nothing();
    }
    let names: Vec<_> = stream.messages.iter().map(|it| ident(&it.rust)).collect();
    let types: Vec<_> = stream.messages.iter().map(|it| &it.type_name).collect();
    quote! {
        impl xrpc::Message for Message {
            fn frame_type(&self) -> &str {
                match self {
                    #(Self::#names(_) => #types,)*
                }
            }
        }
        impl xrpc::ReadMessage for Message {
            fn read<'de, D: xrpc::Deserializer<'de>>(
                frame_type: &str,
                payload: D,
            ) -> Result<Option<Self>, D::Error> {
                Ok(Some(match frame_type {
                    #(#types => Self::#names(xrpc::Read::read(payload)?),)*
                    _ => return Ok(None),
                }))
            }
        }
        impl xrpc::Serialize for Message {
            fn serialize<S: xrpc::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    #(Self::#names(object) => xrpc::write_payload(object, to),)*
                }
            }
        }
        impl xrpc::Validate for Message {
            fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {
                match self {
                    #(Self::#names(object) => xrpc::Validate::check(object, at, report),)*
                }
            }
        }
    }
}

/// For a stream that carries nothing: there is no message, so there is nothing to match.
fn impls_of_nothing() -> TokenStream {
    quote! {
        impl xrpc::Message for Message {
            fn frame_type(&self) -> &str {
                match *self {}
            }
        }
        impl xrpc::ReadMessage for Message {
            fn read<'de, D: xrpc::Deserializer<'de>>(
                _: &str,
                _: D,
            ) -> Result<Option<Self>, D::Error> {
                Ok(None)
            }
        }
        impl xrpc::Serialize for Message {
            fn serialize<S: xrpc::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                match *self {}
            }
        }
        impl xrpc::Validate for Message {
            fn check(&self, _: &xrpc::At<'_>, _: &mut xrpc::Report) {
                match *self {}
            }
        }
    }
}
