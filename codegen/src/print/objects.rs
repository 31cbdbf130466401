//! Objects and records.

use super::Printer;
use super::docs;
use super::text::Text;
use crate::model::{Field, Module, Object};

impl Printer<'_> {
    pub(crate) fn object(&self, module: &Module, object: &Object, to: &mut Text) {
        let name = &object.name;
        docs::item(to, &object.docs);
        if object.fields.iter().any(|field| field.required) {
            to.line("#[derive(Clone, Debug, PartialEq)]");
        } else {
            to.line("#[derive(Clone, Debug, Default, PartialEq)]");
        }
        to.open(&format!("pub struct {name} {{"));
        for field in &object.fields {
            docs::field(to, &field.docs);
            to.declaration(
                &format!("pub {}: ", field.rust),
                &self.field_type(module, field),
            );
        }
        to.line("/// Fields that the lexicon does not name.");
        to.line("pub extra: xrpc::Extra,");
        to.close("}");
        to.blank();
        self.object_type(object, to);
        to.blank();
        to.line(&format!("xrpc::object!({name});"));
        if let Some(key) = &object.record {
            to.blank();
            to.open(&format!("impl xrpc::Record for {name} {{"));
            to.fitting(
                "const NSID: &'static str = ",
                &format!("{:?}", object.type_name),
                ";",
            );
            to.fitting("const KEY: &'static str = ", &format!("{key:?}"), ";");
            to.close("}");
        }
        to.blank();
        self.validate_object(object, to);
    }

    fn object_type(&self, object: &Object, to: &mut Text) {
        to.open(&format!("impl xrpc::ObjectType for {} {{", object.name));
        to.fitting(
            "const TYPE: &'static str = ",
            &format!("{:?}", object.type_name),
            ";",
        );
        to.line(&format!(
            "const RECORD: bool = {};",
            object.record.is_some()
        ));
        to.blank();
        read(object, to);
        to.blank();
        write(object, to);
        to.close("}");
    }
}

fn read(object: &Object, to: &mut Text) {
    to.open("fn read_fields<'de, A: xrpc::MapAccess<'de>>(");
    to.line("from: &mut xrpc::Fields<'de, A>,");
    to.reopen(") -> Result<Self, A::Error> {");
    for field in &object.fields {
        to.line(&format!("let mut {} = None;", local(field)));
    }
    to.open("while let Some(key) = from.next_key()? {");
    if object.fields.is_empty() {
        to.line("from.keep(key)?;");
    } else {
        to.open("match &*key {");
        for field in &object.fields {
            let body = format!("{} = Some(from.value()?)", local(field));
            to.arm(&format!("{:?}", field.wire), &body);
        }
        to.line("_ => from.keep(key)?,");
        to.close("}");
    }
    to.close("}");
    to.open("Ok(Self {");
    for field in &object.fields {
        let (name, local) = (&field.rust, local(field));
        if field.required {
            let wire = format!("{:?}", field.wire);
            to.method_call(&format!("{name}: from"), "required", &[&local, &wire], "?,");
        } else if local == *name {
            to.line(&format!("{name},"));
        } else {
            to.line(&format!("{name}: {local},"));
        }
    }
    to.line("extra: from.extra(),");
    to.close("})");
    to.close("}");
}

/// The variable that a field is read into; `from` and `key` are taken.
fn local(field: &Field) -> String {
    match field.rust.as_str() {
        name @ ("from" | "key") => format!("{name}_value"),
        name => name.to_owned(),
    }
}

fn write(object: &Object, to: &mut Text) {
    to.open("fn write_fields<M: xrpc::SerializeMap>(");
    to.line("&self,");
    to.line("to: &mut xrpc::ObjectWriter<M>,");
    to.reopen(") -> Result<(), M::Error> {");
    for field in &object.fields {
        let how = if field.required {
            "to.field"
        } else {
            "to.optional"
        };
        let value = format!("&self.{}", field.rust);
        to.call(how, &[&format!("{:?}", field.wire), &value], "?;");
    }
    to.line("to.extra(&self.extra)");
    to.close("}");
}
