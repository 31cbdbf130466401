//! Unions.

use super::Printer;
use super::docs;
use super::text::Text;
use crate::model::{Module, Union};

impl Printer<'_> {
    pub(crate) fn union(&self, module: &Module, union: &Union, to: &mut Text) {
        let name = &union.name;
        docs::item(to, &union.docs);
        to.line("#[derive(Clone, Debug, PartialEq)]");
        to.open(&format!("pub enum {name} {{"));
        for variant in &union.variants {
            docs::variant(to, None, &variant.type_name);
            let target = self.path(module, &variant.target);
            to.variant(&variant.rust, &target);
        }
        if union.holds_unknown() {
            to.line("/// A variant that the lexicon does not list, as it came.");
            to.line("Unknown(xrpc::UnknownVariant),");
        }
        to.close("}");
        to.blank();
        read(union, to);
        to.blank();
        write(union, to);
        to.blank();
        to.line(&format!("xrpc::union_type!({name});"));
        to.blank();
        validate(union, to);
    }
}

fn read(union: &Union, to: &mut Text) {
    to.open(&format!("impl xrpc::UnionType for {} {{", union.name));
    to.open("fn read_variant<'de, A: xrpc::MapAccess<'de>>(");
    to.line("type_name: &str,");
    to.line("from: &mut xrpc::Fields<'de, A>,");
    to.reopen(") -> Result<Self, A::Error> {");
    if !union.holds_unknown() {
        let listed: Vec<String> = union.variants.iter().map(|v| v.type_name.clone()).collect();
        to.list("const LISTED: &[&str] = &[", &listed, "];");
    }
    if union.variants.is_empty() {
        to.line("from.unknown(type_name).map(Self::Unknown)");
    } else {
        to.open("Ok(match type_name {");
        for variant in &union.variants {
            let body = format!("Self::{}(from.variant()?)", variant.rust);
            to.arm(&format!("{:?}", variant.type_name), &body);
        }
        if !union.holds_unknown() {
            to.line("_ => return from.unlisted(type_name, LISTED),");
        } else {
            to.line("_ => Self::Unknown(from.unknown(type_name)?),");
        }
        to.close("})");
    }
    to.close("}");
    to.close("}");
}

fn write(union: &Union, to: &mut Text) {
    to.open(&format!("impl xrpc::Serialize for {} {{", union.name));
    to.open("fn serialize<S: xrpc::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {");
    to.open("match self {");
    for variant in &union.variants {
        let pattern = format!("Self::{}(object)", variant.rust);
        to.arm(&pattern, "xrpc::write_variant(object, to)");
    }
    if union.holds_unknown() {
        to.line("Self::Unknown(object) => xrpc::Serialize::serialize(object, to),");
    }
    to.close("}");
    to.close("}");
    to.close("}");
}

fn validate(union: &Union, to: &mut Text) {
    to.open(&format!("impl xrpc::Validate for {} {{", union.name));
    to.open("fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {");
    to.open("match self {");
    for variant in &union.variants {
        let pattern = format!("Self::{}(object)", variant.rust);
        to.arm(&pattern, "xrpc::Validate::check(object, at, report)");
    }
    if !union.closed {
        to.line("Self::Unknown(object) => xrpc::Validate::check(object, at, report),");
    } else if union.holds_unknown() {
        to.line("Self::Unknown(object) => object.refuse(at, report),");
    }
    to.close("}");
    to.close("}");
    to.close("}");
}
