//! What the data model itself does not allow, whatever the schema.

use super::{At, Report, broken_blob, float, not_unknown, reserved_key, safe_integer, type_field};
use crate::data::{BlobFacts, Data, Object};

impl Data {
    /// Reports everything in this value that is not in the data model: floats, integers that not
    /// every peer can read, a `$type` that names nothing, objects that look like bytes, links or
    /// blobs and are not.
    pub fn check(&self, at: &At<'_>, report: &mut Report) {
        if !report.enter(at) {
            return;
        }
        match self {
            Self::Null | Self::Bool(_) | Self::String(_) | Self::Bytes(_) | Self::Link(_) => {}
            Self::Integer(value) => safe_integer(*value, at, report),
            Self::Float(value) => float(*value, at, report),
            Self::Array(elements) => {
                for (i, element) in elements.iter().enumerate() {
                    element.check(&at.index(i), report);
                }
            }
            Self::Object(fields) => check_object(fields, at, report),
        }
    }
}

/// Reports what is wrong with a value whose schema says `unknown`: an object of any fields that
/// does not stand for bytes, a link or a blob, and is in the data model throughout.
pub fn unknown(fields: &Object, at: &At<'_>, report: &mut Report) {
    if !report.enter(at) {
        return;
    }
    let stands_for = if fields.contains_key("$bytes") {
        "bytes"
    } else if fields.contains_key("$link") {
        "cid-link"
    } else if matches!(fields.get("$type"), Some(Data::String(name)) if name == "blob") {
        "blob"
    } else {
        return check_object(fields, at, report);
    };
    not_unknown(stands_for, at, report);
}

/// Reports what is wrong with the fields that a schema does not mention: they may be anything in
/// the data model. `at` is the object that they are fields of.
pub fn extra(fields: &Object, at: &At<'_>, report: &mut Report) {
    for (name, value) in fields {
        value.check(&at.field(name), report);
    }
}

/// Reports what is wrong with an object of a `$type` that a schema allows and does not know.
/// `fields` are all others.
pub fn unlisted(type_name: &str, fields: &Object, at: &At<'_>, report: &mut Report) {
    if type_name.is_empty() {
        return type_field("an empty one", at, report);
    }
    reserved_keys(fields, at, report);
    if type_name == "blob"
        && let Err(why) = BlobFacts::of_rest(fields)
    {
        broken_blob(why, at, report);
    }
    extra(fields, at, report);
}

fn reserved_keys(fields: &Object, at: &At<'_>, report: &mut Report) {
    for key in ["$bytes", "$link"] {
        if fields.contains_key(key) {
            reserved_key(key, at, report);
        }
    }
}

fn check_object(fields: &Object, at: &At<'_>, report: &mut Report) {
    reserved_keys(fields, at, report);
    match fields.get("$type") {
        None => {}
        Some(Data::String(name)) if name == "blob" => {
            if let Err(why) = BlobFacts::of(fields) {
                broken_blob(why, at, report);
            }
        }
        Some(Data::String(name)) if !name.is_empty() => {}
        Some(Data::String(_)) => type_field("an empty one", at, report),
        Some(other) => type_field(other.type_name(), at, report),
    }
    extra(fields, at, report);
}
