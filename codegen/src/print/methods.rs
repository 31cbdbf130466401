//! Methods: a marker type, and what goes with it.

use super::Printer;
use super::docs;
use super::text::Text;
use crate::model::{DeclaredError, Method, MethodKind, Module, Subscription};

impl Printer<'_> {
    pub(crate) fn method(&self, module: &Module, method: &Method, to: &mut Text) {
        marker(&method.name, &method.docs, to);
        to.open(&format!("impl xrpc::Method for {} {{", method.name));
        to.fitting(
            "const NSID: &'static str = ",
            &format!("{:?}", module.nsid),
            ";",
        );
        let kind = match method.kind {
            MethodKind::Query => "Query",
            MethodKind::Procedure => "Procedure",
        };
        to.line(&format!("const KIND: xrpc::Kind = xrpc::Kind::{kind};"));
        let or = |there: bool, name: &'static str, none: &'static str| {
            if there { name } else { none }
        };
        to.line(&format!(
            "type Params = {};",
            or(method.params.is_some(), "Params", "()")
        ));
        to.line(&format!(
            "type Input = {};",
            or(method.input, "Input", "xrpc::NoBody")
        ));
        to.line(&format!(
            "type Output = {};",
            or(method.output, "Output", "xrpc::NoBody")
        ));
        to.line(&format!("type Error = {};", error_type(&method.errors)));
        let shape = match (method.params.is_some(), method.input) {
            (false, false) => "Nothing",
            (true, false) => "ParamsOnly",
            (false, true) => "InputOnly",
            (true, true) => "ParamsAndInput",
        };
        to.line(&format!("type Shape = xrpc::shape::{shape};"));
        to.close("}");
        if let Some(params) = &method.params {
            to.blank();
            self.params(module, params, to);
        }
        errors(&method.name, &method.errors, to);
    }

    pub(crate) fn subscription(&self, module: &Module, stream: &Subscription, to: &mut Text) {
        marker(&stream.name, &stream.docs, to);
        to.open(&format!("impl xrpc::Subscription for {} {{", stream.name));
        to.fitting(
            "const NSID: &'static str = ",
            &format!("{:?}", module.nsid),
            ";",
        );
        let params = stream.params.is_some();
        to.line(&format!(
            "type Params = {};",
            if params { "Params" } else { "()" }
        ));
        to.line("type Message = Message;");
        to.line(&format!("type Error = {};", error_type(&stream.errors)));
        let shape = if params { "ParamsOnly" } else { "Nothing" };
        to.line(&format!("type Shape = xrpc::shape::{shape};"));
        to.close("}");
        if let Some(params) = &stream.params {
            to.blank();
            self.params(module, params, to);
        }
        to.blank();
        self.messages(module, stream, to);
        errors(&stream.name, &stream.errors, to);
    }

    fn messages(&self, module: &Module, stream: &Subscription, to: &mut Text) {
        docs::item(to, &stream.message_docs);
        to.line("#[derive(Clone, Debug, PartialEq)]");
        if stream.messages.is_empty() {
            to.line("pub enum Message {}");
        } else {
            to.open("pub enum Message {");
            for message in &stream.messages {
                docs::variant(to, None, &message.type_name);
                to.variant(&message.rust, &self.path(module, &message.target));
            }
            to.close("}");
        }
        message_impls(stream, to);
    }
}

/// What an event stream and a validator ask of the messages.
fn message_impls(stream: &Subscription, to: &mut Text) {
    let matched = if stream.messages.is_empty() {
        "*self"
    } else {
        "self"
    };
    let unused = if stream.messages.is_empty() { "_" } else { "" };
    let arms = |to: &mut Text, pattern: &str, body: &dyn Fn(&str) -> String| {
        if stream.messages.is_empty() {
            to.line(&format!("match {matched} {{}}"));
            return;
        }
        to.open(&format!("match {matched} {{"));
        for message in &stream.messages {
            let head = format!("Self::{}({pattern})", message.rust);
            to.arm(&head, &body(&message.type_name));
        }
        to.close("}");
    };
    to.blank();
    to.open("impl xrpc::Message for Message {");
    to.open("fn frame_type(&self) -> &str {");
    arms(to, "_", &|name| format!("{name:?}"));
    to.close("}");
    to.close("}");
    to.blank();
    to.open("impl xrpc::Serialize for Message {");
    let unused_to = if unused.is_empty() { "to" } else { "_" };
    let head = "fn serialize<S: xrpc::Serializer>";
    to.open(&format!(
        "{head}(&self, {unused_to}: S) -> Result<S::Ok, S::Error> {{"
    ));
    arms(to, "object", &|_| {
        "xrpc::write_payload(object, to)".to_owned()
    });
    to.close("}");
    to.close("}");
    to.blank();
    to.open("impl xrpc::Validate for Message {");
    if stream.messages.is_empty() {
        to.open("fn check(&self, _: &xrpc::At<'_>, _: &mut xrpc::Report) {");
    } else {
        to.open("fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {");
    }
    arms(to, "object", &|_| {
        "xrpc::Validate::check(object, at, report)".to_owned()
    });
    to.close("}");
    to.close("}");
}

fn marker(name: &str, text: &crate::model::Docs, to: &mut Text) {
    docs::item(to, text);
    to.line("#[derive(Debug)]");
    to.line(&format!("pub enum {name} {{}}"));
    to.blank();
}

fn error_type(errors: &[DeclaredError]) -> &'static str {
    if errors.is_empty() {
        "xrpc::NoError"
    } else {
        "Error"
    }
}

fn errors(method: &str, errors: &[DeclaredError], to: &mut Text) {
    if errors.is_empty() {
        return;
    }
    to.blank();
    to.line(&format!("/// The errors that [`{method}`] declares."));
    to.line("#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]");
    to.open("pub enum Error {");
    for error in errors {
        docs::variant(to, error.docs.as_deref(), &error.wire);
        to.line(&format!("{},", error.rust));
    }
    to.close("}");
    to.blank();
    to.open("impl xrpc::DeclaredError for Error {");
    to.open("fn name(&self) -> &'static str {");
    to.open("match self {");
    for error in errors {
        to.arm(
            &format!("Self::{}", error.rust),
            &format!("{:?}", error.wire),
        );
    }
    to.close("}");
    to.close("}");
    to.blank();
    to.open("fn description(&self) -> Option<&'static str> {");
    describe(errors, to);
    to.close("}");
    to.close("}");
}

fn describe(errors: &[DeclaredError], to: &mut Text) {
    if errors.iter().all(|error| error.docs.is_none()) {
        to.line("None");
        return;
    }
    to.open("Some(match self {");
    for error in errors.iter().filter(|error| error.docs.is_some()) {
        let text = format!("{:?}", error.docs.as_deref().unwrap_or_default());
        to.arm(&format!("Self::{}", error.rust), &text);
    }
    if errors.iter().any(|error| error.docs.is_none()) {
        to.line("_ => return None,");
    }
    to.close("})");
}
