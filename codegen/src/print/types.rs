//! How types are spelled.

use loggia_syntax::Format;
use proc_macro2::TokenStream;
use quote::quote;

use super::Printer;
use super::source::ident;
use crate::model::{Field, Module, Type, TypeId};

/// The name of the type of a string format, in the runtime's module `syntax`.
pub(crate) fn format_type(format: Format) -> &'static str {
    match format {
        Format::AtIdentifier => "AtIdentifier",
        Format::AtUri => "AtUri",
        Format::Cid => "Cid",
        Format::Datetime => "Datetime",
        Format::Did => "Did",
        Format::Handle => "Handle",
        Format::Language => "Language",
        Format::Nsid => "Nsid",
        Format::RecordKey => "RecordKey",
        Format::SpaceRef => "SpaceRef",
        Format::Tid => "Tid",
        Format::Uri => "Uri",
    }
}

impl Printer<'_> {
    /// A type as seen from a module.
    pub(crate) fn type_name(&self, module: &Module, ty: &Type) -> TokenStream {
        match ty {
            Type::Boolean { .. } => quote!(bool),
            Type::Integer(_) => quote!(i64),
            Type::Text(_) => quote!(String),
            Type::Format(format, _) => {
                let name = ident(format_type(*format));
                quote!(syntax::#name)
            }
            Type::Bytes { .. } => quote!(syntax::data::Bytes),
            Type::Link => quote!(syntax::data::CidLink),
            Type::Blob { .. } => quote!(syntax::data::Blob),
            Type::Null => quote!(()),
            Type::Unknown => quote!(syntax::data::Object),
            Type::Data => quote!(syntax::data::Data),
            Type::List { items, .. } => {
                let items = self.type_name(module, items);
                quote!(Vec<#items>)
            }
            Type::Strings(id, _) | Type::Named(id) => self.path(module, id),
        }
    }

    /// A generated type as seen from a module.
    pub(crate) fn path(&self, module: &Module, id: &TypeId) -> TokenStream {
        let target = &self.model.modules[id.module];
        let name = ident(&id.name);
        if target.nsid == module.nsid {
            return quote!(#name);
        }
        let mount = &self.mount;
        let path = target.path.iter().map(|segment| ident(segment));
        quote!(#mount #(::#path)* ::#name)
    }

    /// The type of a field, with what may be absent or `null` around it.
    pub(crate) fn field_type(&self, module: &Module, field: &Field) -> TokenStream {
        let mut name = self.type_name(module, &field.ty);
        if field.boxed {
            name = quote!(Box<#name>);
        }
        if field.nullable {
            name = quote!(xrpc::Nullable<#name>);
        }
        if !field.required {
            name = quote!(Option<#name>);
        }
        name
    }
}
