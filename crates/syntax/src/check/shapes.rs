//! What a value is at all. These only report: whether something is wrong is told by the caller,
//! who knows the value.

use std::fmt;

use super::values::Listed;
use super::{At, Code, Report};
use crate::Excerpt;

/// The value is of another type than the schema's (types by their names in the lexicon language).
pub fn wrong_type(expected: &str, found: &str, at: &At<'_>, report: &mut Report) {
    report.push(
        at,
        Code::InvalidType,
        format_args!("expected {expected}, got {found}"),
    );
}

/// The object at `at` lacks a required field.
pub fn missing(field: &str, at: &At<'_>, report: &mut Report) {
    report.push(
        at,
        Code::RequiredKey,
        format_args!("required field `{field}` is missing"),
    );
}

/// The value is a number that is not whole, which the data model does not have.
pub fn float(value: f64, at: &At<'_>, report: &mut Report) {
    let message = format_args!("{value} is not an integer; the data model has no other numbers");
    report.push(at, Code::InvalidType, message);
}

/// The object at `at` has to carry `$type`, as a member of a union or as a record, and does not.
pub fn no_type(at: &At<'_>, report: &mut Report) {
    missing("$type", at, report);
}

/// The `$type` of the object at `at` is there, but is not a string or is empty.
pub fn type_field(found: &str, at: &At<'_>, report: &mut Report) {
    let message = format_args!("`$type` is a string that is not empty, got {found}");
    report.push(&at.field("$type"), Code::InvalidType, message);
}

/// The `$type` of the object at `at` names another definition than the schema.
pub fn expected_type(expected: &str, found: &str, at: &At<'_>, report: &mut Report) {
    let (expected, found) = (Excerpt(expected), Excerpt(found));
    let message = format_args!("expected `$type` {expected}, got {found}");
    report.push(&at.field("$type"), Code::InvalidValue, message);
}

/// The `$type` of the object at `at` is none of a closed union.
pub fn closed_union<S: AsRef<str>>(found: &str, allowed: &[S], at: &At<'_>, report: &mut Report) {
    let found = Excerpt(found);
    let allowed = Listed(allowed.iter().map(|allowed| Excerpt(allowed.as_ref())));
    let message = format_args!("the union is closed: expected `$type` {allowed}, got {found}");
    report.push(&at.field("$type"), Code::InvalidValue, message);
}

/// The schema says `unknown`, which is an object of any fields, and the value is something else.
pub fn not_unknown(found: &str, at: &At<'_>, report: &mut Report) {
    wrong_type("an object of any fields", found, at, report);
}

/// The object at `at` has a field that is reserved for bytes and links in JSON.
pub fn reserved_key(key: &str, at: &At<'_>, report: &mut Report) {
    let message =
        format_args!("the field `{key}` is reserved for the JSON form of bytes and links");
    report.push(at, Code::InvalidType, message);
}

/// The object at `at` has `$bytes` and is not `{"$bytes": base64}`.
pub fn broken_bytes(why: impl fmt::Display, at: &At<'_>, report: &mut Report) {
    report.push(at, Code::InvalidType, format_args!("expected bytes: {why}"));
}

/// The object at `at` has `$link` and is not `{"$link": CID}`.
pub fn broken_link(why: impl fmt::Display, at: &At<'_>, report: &mut Report) {
    report.push(
        at,
        Code::InvalidType,
        format_args!("expected a link: {why}"),
    );
}

/// The object at `at` should be a blob and is not.
pub fn broken_blob(why: impl fmt::Display, at: &At<'_>, report: &mut Report) {
    report.push(
        at,
        Code::InvalidType,
        format_args!("expected a blob: {why}"),
    );
}

/// The schema for the value at `at` cannot be used, so that the value cannot be judged.
pub fn unusable_schema(why: impl fmt::Display, at: &At<'_>, report: &mut Report) {
    report.push(at, Code::UnusableSchema, why);
}
