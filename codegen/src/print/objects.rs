//! Objects and records.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::Printer;
use super::docs;
use super::source::ident;
use crate::model::{Field, Module, Object};

impl Printer<'_> {
    pub(crate) fn object(&self, module: &Module, object: &Object) -> TokenStream {
        let name = ident(&object.name);
        let docs = docs::item(&object.docs);
        let default = (!object.fields.iter().any(|field| field.required)).then(|| quote!(Default,));
        let fields = object.fields.iter().map(|field| {
            let (docs, name) = (docs::field(&field.docs), ident(&field.rust));
            let ty = self.field_type(module, field);
            quote!(#docs pub #name: #ty,)
        });
        let object_type = object_type(object);
        let record = object.record.as_ref().map(|key| {
            let nsid = &object.type_name;
            quote! {
                impl xrpc::Record for #name {
                    const NSID: &'static str = #nsid;
                    const KEY: &'static str = #key;
                }
            }
        });
        let new = self.new_of(module, object);
        let validate = super::checks::validate_object(object);
        quote! {
            #docs
            #[derive(Clone, Debug, #default PartialEq)]
            pub struct #name {
                #(#fields)*
                /// Fields that the lexicon does not name.
                pub extra: xrpc::Extra,
            }
            #new
            #object_type
            xrpc::object!(#name);
            #record
            #validate
        }
    }
}

impl Printer<'_> {
    /// A constructor that takes what is required, where there is more than that: so that an optional
    /// field that a lexicon gains breaks nobody, and a required one everybody. What is all required is
    /// written with the names of its fields, and what is all optional has a default.
    ///
    /// There is none where two arguments would have the same type: a lexicon that puts them in another
    /// order, or gives one another name, would change what callers say, and no compiler would tell them.
    fn new_of(&self, module: &Module, object: &Object) -> Option<TokenStream> {
        let required = || object.fields.iter().filter(|field| field.required);
        let types = required().map(|field| self.field_type(module, field).to_string());
        let types: BTreeSet<_> = types.collect();
        let count = required().count();
        if count == 0 || count == object.fields.len() || types.len() < count {
            return None;
        }
        let name = ident(&object.name);
        let arguments = required().map(|field| {
            let (name, ty) = (ident(&field.rust), self.field_type(module, field));
            quote!(#name: #ty)
        });
        let fields = object.fields.iter().map(|field| {
            let name = ident(&field.rust);
            match field.required {
                true => quote!(#name),
                false => quote!(#name: Default::default()),
            }
        });
        Some(quote! {
            impl #name {
                /// With what is required and nothing else.
                pub fn new(#(#arguments),*) -> Self {
                    Self { #(#fields,)* extra: Default::default() }
                }
            }
        })
    }
}

fn object_type(object: &Object) -> TokenStream {
    let (name, type_name) = (ident(&object.name), &object.type_name);
    let record = object.record.is_some();
    let (read, write) = (read(object), write(object));
    quote! {
        impl xrpc::ObjectType for #name {
            const TYPE: &'static str = #type_name;
            const RECORD: bool = #record;
            #read
            #write
        }
    }
}

fn read(object: &Object) -> TokenStream {
    let locals: Vec<Ident> = object.fields.iter().map(local).collect();
    let keep = if object.fields.is_empty() {
        quote!(from.keep(key)?;)
    } else {
        let wires = object.fields.iter().map(|field| &field.wire);
        quote! {
            match &*key {
                #(#wires => #locals = Some(from.value()?),)*
                _ => from.keep(key)?,
            }
        }
    };
    let fields = object.fields.iter().zip(&locals).map(|(field, local)| {
        let (name, wire) = (ident(&field.rust), &field.wire);
        if field.required {
            quote!(#name: from.required(#local, #wire)?)
        } else if *local == name {
            quote!(#name)
        } else {
            quote!(#name: #local)
        }
    });
    quote! {
        fn read_fields<'de, A: xrpc::MapAccess<'de>>(
            from: &mut xrpc::Fields<'de, A>,
        ) -> Result<Self, A::Error> {
            #(let mut #locals = None;)*
            while let Some(key) = from.next_key()? {
                #keep
            }
            Ok(Self { #(#fields,)* extra: from.extra() })
        }
    }
}

/// The variable that a field is read into; `from` and `key` are taken.
fn local(field: &Field) -> Ident {
    match field.rust.as_str() {
        name @ ("from" | "key") => format_ident!("{name}_value"),
        name => ident(name),
    }
}

fn write(object: &Object) -> TokenStream {
    let fields = object.fields.iter().map(|field| {
        let (name, wire) = (ident(&field.rust), &field.wire);
        let how = ident(if field.required { "field" } else { "optional" });
        quote!(to.#how(#wire, &self.#name)?;)
    });
    quote! {
        fn write_fields<M: xrpc::SerializeMap>(
            &self,
            to: &mut xrpc::ObjectWriter<M>,
        ) -> Result<(), M::Error> {
            #(#fields)*
            to.extra(&self.extra)
        }
    }
}
