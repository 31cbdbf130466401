//! `Validate` impls: the calls that check what types cannot hold.

use super::Printer;
use super::text::Text;
use crate::model::{Field, Integer, Limits, Object, Type};

/// A value as an expression: by reference, and by copy where it is a plain one.
pub(crate) struct Place {
    by_ref: String,
    plain: String,
}

impl Place {
    /// A field of `self`.
    pub(crate) fn of_self(name: &str) -> Self {
        Self {
            by_ref: format!("&self.{name}"),
            plain: format!("self.{name}"),
        }
    }

    /// A variable that holds a reference.
    pub(crate) fn variable(name: &str) -> Self {
        Self {
            by_ref: name.to_owned(),
            plain: name.to_owned(),
        }
    }

    /// The value itself, of a type that can be copied.
    fn copied(&self) -> String {
        if self.by_ref == self.plain {
            format!("*{}", self.plain)
        } else {
            self.plain.clone()
        }
    }
}

/// One call of a check: its name, and its arguments before the place and the report.
struct Call {
    name: String,
    arguments: Vec<String>,
}

impl Call {
    fn new(name: &str, arguments: impl IntoIterator<Item = String>) -> Self {
        Self {
            name: name.to_owned(),
            arguments: arguments.into_iter().collect(),
        }
    }

    fn check(name: &str, arguments: impl IntoIterator<Item = String>) -> Self {
        Self::new(&format!("xrpc::check::{name}"), arguments)
    }
}

impl Printer<'_> {
    pub(crate) fn validate_object(&self, object: &Object, to: &mut Text) {
        to.open(&format!("impl xrpc::Validate for {} {{", object.name));
        to.open("fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {");
        to.open("if !report.enter(at) {");
        to.line("return;");
        to.close("}");
        for field in &object.fields {
            field_checks(field, to);
        }
        to.line("xrpc::check_extra(&self.extra, at, report);");
        to.close("}");
        to.close("}");
    }
}

fn field_checks(field: &Field, to: &mut Text) {
    if !needs_check(&field.ty) {
        return;
    }
    let at = format!("at.field({:?})", field.wire);
    let name = &field.rust;
    let pattern = match (field.required, field.nullable) {
        (true, false) => return checks(&field.ty, &Place::of_self(name), &at, to),
        (true, true) => "xrpc::Nullable::Value(value)",
        (false, false) => "Some(value)",
        (false, true) => "Some(xrpc::Nullable::Value(value))",
    };
    to.open(&format!("if let {pattern} = &self.{name} {{"));
    checks(&field.ty, &Place::variable("value"), &at, to);
    to.close("}");
}

/// Whether values of this type can be wrong at all.
pub(crate) fn needs_check(ty: &Type) -> bool {
    match ty {
        Type::Boolean { constant } => constant.is_some(),
        Type::Integer(_) | Type::Blob { .. } | Type::Unknown | Type::Data | Type::Named(_) => true,
        Type::Text(limits) | Type::Format(_, limits) | Type::Strings(_, limits) => {
            *limits != Limits::default()
        }
        Type::Bytes { min, max } => min.is_some() || max.is_some(),
        Type::Link | Type::Null => false,
        Type::List { items, min, max } => min.is_some() || max.is_some() || needs_check(items),
    }
}

/// Prints the checks of one value; `at` is an expression for where it stands.
pub(crate) fn checks(ty: &Type, value: &Place, at: &str, to: &mut Text) {
    let calls = calls(ty, value, to);
    let items = match ty {
        Type::List { items, .. } if needs_check(items) => Some(items),
        _ => None,
    };
    let here = if calls.len() + usize::from(items.is_some()) > 1 {
        to.line(&format!("let here = {at};"));
        "here".to_owned()
    } else {
        at.to_owned()
    };
    for call in calls {
        // What is behind a reference already needs no other one.
        let place = here
            .strip_prefix('*')
            .map_or_else(|| format!("&{here}"), str::to_owned);
        let mut arguments: Vec<&str> = call.arguments.iter().map(String::as_str).collect();
        arguments.extend([place.as_str(), "report"]);
        to.call(&call.name, &arguments, ";");
    }
    if let Some(items) = items {
        to.open(&format!(
            "for (index, item) in {}.iter().enumerate() {{",
            value.plain
        ));
        let at = if here == "here" {
            "here.index(index)".to_owned()
        } else {
            to.line(&format!("let here = {here};"));
            "here.index(index)".to_owned()
        };
        checks(items, &Place::variable("item"), &at, to);
        to.close("}");
    }
}

fn calls(ty: &Type, value: &Place, to: &mut Text) -> Vec<Call> {
    match ty {
        Type::Boolean { constant } => constant
            .map(|constant| Call::check("const_boolean", [value.copied(), constant.to_string()]))
            .into_iter()
            .collect(),
        Type::Integer(integer) => integer_calls(integer, value, to),
        Type::Text(limits) => limit_calls(limits, &value.by_ref),
        Type::Format(_, limits) | Type::Strings(_, limits) => {
            limit_calls(limits, &format!("{}.as_str()", value.plain))
        }
        Type::Bytes { min, max } => {
            let length = format!("{}.len()", value.plain);
            counts([("min_bytes", min), ("max_bytes", max)], &length)
        }
        Type::List { min, max, .. } => {
            let length = format!("{}.len()", value.plain);
            counts([("min_items", min), ("max_items", max)], &length)
        }
        Type::Link | Type::Null => Vec::new(),
        Type::Blob { accept, max_size } => {
            let accept = match accept {
                Some(accept) => {
                    to.list("let accept = [", accept, "];");
                    "Some(&accept[..])".to_owned()
                }
                None => "xrpc::check::ANY_TYPE".to_owned(),
            };
            let max_size = max_size.map_or("None".to_owned(), |size| format!("Some({size})"));
            vec![Call::check(
                "blob",
                [value.by_ref.clone(), accept, max_size],
            )]
        }
        Type::Unknown => vec![Call::check("unknown", [value.by_ref.clone()])],
        Type::Data | Type::Named(_) => {
            vec![Call::new("xrpc::Validate::check", [value.by_ref.clone()])]
        }
    }
}

fn integer_calls(integer: &Integer, value: &Place, to: &mut Text) -> Vec<Call> {
    let mut calls = vec![Call::check("safe_integer", [value.copied()])];
    for (name, limit) in [("minimum", integer.min), ("maximum", integer.max)] {
        if let Some(limit) = limit {
            calls.push(Call::check(name, [value.copied(), limit.to_string()]));
        }
    }
    match integer.one_of.as_deref() {
        None => {}
        Some([]) => calls.push(Call::check(
            "enum_integer",
            [value.copied(), "&[]".to_owned()],
        )),
        Some([only]) => {
            calls.push(Call::check(
                "const_integer",
                [value.copied(), only.to_string()],
            ));
        }
        Some(values) => {
            to.numbers("let allowed = [", values, "];");
            calls.push(Call::check(
                "enum_integer",
                [value.copied(), "&allowed".to_owned()],
            ));
        }
    }
    calls
}

fn limit_calls(limits: &Limits, text: &str) -> Vec<Call> {
    let sizes = [
        ("min_length", &limits.min_length),
        ("max_length", &limits.max_length),
        ("min_graphemes", &limits.min_graphemes),
        ("max_graphemes", &limits.max_graphemes),
    ];
    let mut calls = counts(sizes, text);
    if limits.nothing {
        calls.push(Call::check(
            "enum_string::<&str>",
            [text.to_owned(), "&[]".to_owned()],
        ));
    }
    calls
}

fn counts<const N: usize>(limits: [(&str, &Option<u64>); N], counted: &str) -> Vec<Call> {
    limits
        .into_iter()
        .filter_map(|(name, limit)| {
            limit.map(|limit| Call::check(name, [counted.to_owned(), limit.to_string()]))
        })
        .collect()
}
