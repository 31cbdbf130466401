//! URL parameters.

use super::Printer;
use super::checks::{Place, checks, needs_check};
use super::docs;
use super::text::Text;
use crate::model::{Module, Param, Params, Type};

impl Printer<'_> {
    pub(crate) fn params(&self, module: &Module, params: &Params, to: &mut Text) {
        docs::item(to, &params.docs);
        let optional = params.fields.iter().all(|param| !must_be_given(param));
        let defaults = params.fields.iter().any(|param| param.default.is_some());
        if optional && !defaults {
            to.line("#[derive(Clone, Debug, Default, PartialEq)]");
        } else {
            to.line("#[derive(Clone, Debug, PartialEq)]");
        }
        to.open("pub struct Params {");
        for param in &params.fields {
            docs::field(to, &param.docs);
            let ty = self.type_name(module, &param.ty);
            let ty = if is_optional(param) {
                format!("Option<{ty}>")
            } else {
                ty
            };
            to.declaration(&format!("pub {}: ", param.rust), &ty);
        }
        to.close("}");
        if optional && defaults {
            to.blank();
            default(params, to);
        }
        to.blank();
        to.open("impl xrpc::Params for Params {");
        read(params, to);
        to.blank();
        write(params, to);
        to.blank();
        check(params, to);
        to.close("}");
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

fn default(params: &Params, to: &mut Text) {
    to.open("impl Default for Params {");
    to.open("fn default() -> Self {");
    let value = |param: &Param| match &param.default {
        Some(default) => default.clone(),
        None if is_list(param) => "Vec::new()".to_owned(),
        None => "None".to_owned(),
    };
    let fields: Vec<String> = params
        .fields
        .iter()
        .map(|param| format!("{}: {}", param.rust, value(param)))
        .collect();
    to.literal(&fields);
    to.close("}");
    to.close("}");
}

fn read(params: &Params, to: &mut Text) {
    to.open("fn read(query: &xrpc::Query) -> Result<Self, xrpc::ParamError> {");
    to.open("Ok(Self {");
    for param in &params.fields {
        let wire = format!("{:?}", param.wire);
        let mut arguments = vec![wire.as_str()];
        let how = match &param.default {
            Some(default) => {
                arguments.push(default);
                "with_default"
            }
            None => match (is_list(param), param.required) {
                (true, true) => "required_list",
                (true, false) => "list",
                (false, true) => "required",
                (false, false) => "optional",
            },
        };
        to.method_call(&format!("{}: query", param.rust), how, &arguments, "?,");
    }
    to.close("})");
    to.close("}");
}

fn write(params: &Params, to: &mut Text) {
    to.open("fn write(&self, query: &mut xrpc::Query) {");
    for param in &params.fields {
        let how = match (is_list(param), is_optional(param)) {
            (true, _) => "push_list",
            (false, true) => "push_optional",
            (false, false) => "push",
        };
        let value = format!("&self.{}", param.rust);
        to.call(
            &format!("query.{how}"),
            &[&format!("{:?}", param.wire), &value],
            ";",
        );
    }
    to.close("}");
}

fn check(params: &Params, to: &mut Text) {
    let checked: Vec<&Param> = params
        .fields
        .iter()
        .filter(|p| needs_check(&p.ty))
        .collect();
    if checked.is_empty() {
        to.line("fn check(&self, _: &mut xrpc::Report) {}");
        return;
    }
    to.open("fn check(&self, report: &mut xrpc::Report) {");
    to.line("let at = xrpc::At::ROOT;");
    for param in checked {
        let at = format!("at.field({:?})", param.wire);
        let place = Place::of_self(&param.rust);
        if is_optional(param) {
            to.open(&format!("if let Some(value) = &self.{} {{", param.rust));
            checks(&param.ty, &Place::variable("value"), &at, to);
            to.close("}");
        } else if is_list(param) && !param.required {
            // An absent list is empty, and absence breaks no limit.
            to.open(&format!("if !self.{}.is_empty() {{", param.rust));
            checks(&param.ty, &place, &at, to);
            to.close("}");
        } else {
            checks(&param.ty, &place, &at, to);
        }
    }
    to.close("}");
}
