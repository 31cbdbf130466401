//! How types are spelled.

use loggia_syntax::Format;

use super::Printer;
use crate::model::{Field, Module, Type, TypeId};

/// The type of a string format.
pub(crate) fn format_type(format: Format) -> &'static str {
    match format {
        Format::AtIdentifier => "syntax::AtIdentifier",
        Format::AtUri => "syntax::AtUri",
        Format::Cid => "syntax::Cid",
        Format::Datetime => "syntax::Datetime",
        Format::Did => "syntax::Did",
        Format::Handle => "syntax::Handle",
        Format::Language => "syntax::Language",
        Format::Nsid => "syntax::Nsid",
        Format::RecordKey => "syntax::RecordKey",
        Format::SpaceRef => "syntax::SpaceRef",
        Format::Tid => "syntax::Tid",
        Format::Uri => "syntax::Uri",
    }
}

impl Printer<'_> {
    /// A type as seen from a module.
    pub(crate) fn type_name(&self, module: &Module, ty: &Type) -> String {
        match ty {
            Type::Boolean { .. } => "bool".into(),
            Type::Integer(_) => "i64".into(),
            Type::Text(_) => "String".into(),
            Type::Format(format, _) => format_type(*format).into(),
            Type::Bytes { .. } => "syntax::data::Bytes".into(),
            Type::Link => "syntax::data::CidLink".into(),
            Type::Blob { .. } => "syntax::data::Blob".into(),
            Type::Null => "()".into(),
            Type::Unknown => "syntax::data::Object".into(),
            Type::Data => "syntax::data::Data".into(),
            Type::List { items, .. } => format!("Vec<{}>", self.type_name(module, items)),
            Type::Strings(id, _) | Type::Named(id) => self.path(module, id),
        }
    }

    /// A generated type as seen from a module.
    pub(crate) fn path(&self, module: &Module, id: &TypeId) -> String {
        let target = &self.model.modules[id.module];
        if target.nsid == module.nsid {
            return id.name.clone();
        }
        format!(
            "{}::{}::{}",
            self.config.mount,
            target.path.join("::"),
            id.name
        )
    }

    /// The type of a field, with what may be absent or `null` around it.
    pub(crate) fn field_type(&self, module: &Module, field: &Field) -> String {
        let mut name = self.type_name(module, &field.ty);
        if field.boxed {
            name = format!("Box<{name}>");
        }
        if field.nullable {
            name = format!("xrpc::Nullable<{name}>");
        }
        if !field.required {
            name = format!("Option<{name}>");
        }
        name
    }
}
