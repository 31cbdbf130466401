//! Blobs.

use std::fmt;

use loggia_syntax::Excerpt;
use loggia_syntax::check::{self, At};

use super::link;
use super::program::PLAIN;
use super::view::{DataView, ObjectView, Shape};
use super::walk::Walk;

/// What a blob says about itself; without a size it is of the older form.
struct Facts<'v> {
    mime_type: &'v str,
    size: Option<u64>,
}

impl Walk<'_> {
    /// A blob where the schema wants one.
    pub(super) fn blob<'v, V: DataView<'v>>(&mut self, rule: u32, object: V::Object, at: &At<'_>) {
        let facts = match facts::<V>(object) {
            Ok(facts) => facts,
            Err(why) => return check::broken_blob(why, at, &mut self.report),
        };
        let rule = (rule != PLAIN).then(|| &self.program.blobs[rule as usize]);
        let accept = rule.and_then(|rule| rule.accept.as_deref());
        let max_size = rule.and_then(|rule| rule.max_size);
        let report = &mut self.report;
        check::blob_facts(facts.mime_type, facts.size, accept, max_size, at, report);
    }

    /// Something that says it is a blob, where the schema says nothing.
    pub(super) fn well_formed_blob<'v, V: DataView<'v>>(&mut self, object: V::Object, at: &At<'_>) {
        if let Err(why) = facts::<V>(object) {
            check::broken_blob(why, at, &mut self.report);
        }
    }
}

/// Why an object is no blob.
enum Broken<'v> {
    Missing(&'static str),
    Wrong {
        field: &'static str,
        wanted: &'static str,
        found: &'static str,
    },
    Unexpected(&'v str),
    Type(&'v str),
    Size(i64),
    Link(String),
}

impl fmt::Display for Broken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "`{field}` is missing"),
            Self::Wrong {
                field,
                wanted,
                found,
            } => {
                write!(f, "`{field}` is of type {wanted}, got {found}")
            }
            Self::Unexpected(field) => write!(f, "a blob has no field {}", Excerpt(field)),
            Self::Type(found) => {
                write!(
                    f,
                    "the `$type` of a blob is \"blob\", got {}",
                    Excerpt(found)
                )
            }
            Self::Size(size) => write!(f, "the blob size {size} is negative"),
            Self::Link(why) => f.write_str(why),
        }
    }
}

fn facts<'v, V: DataView<'v>>(object: V::Object) -> Result<Facts<'v>, Broken<'v>> {
    match object.get("$type").map(V::shape) {
        Some(Shape::Text("blob")) => {}
        Some(Shape::Text(other)) => return Err(Broken::Type(other)),
        Some(other) => return Err(wrong::<V>("$type", "string", &other)),
        None => return older::<V>(object),
    }
    let facts = Facts {
        mime_type: text::<V>(object, "mimeType")?,
        size: Some(size::<V>(object)?),
    };
    match object.get("ref").map(V::shape) {
        Some(Shape::Link) => {}
        Some(Shape::Object(link)) if V::SPELLED => {
            let text = super::walk::spelled::<V>(link, "$link").map_err(Broken::Link)?;
            link::check(text).map_err(|error| Broken::Link(error.to_string()))?;
        }
        Some(other) => return Err(wrong::<V>("ref", "cid-link", &other)),
        None => return Err(Broken::Missing("ref")),
    }
    only::<V>(object, &["$type", "mimeType", "ref", "size"])?;
    Ok(facts)
}

/// The form that was written before blobs had a `$type`: `{"cid", "mimeType"}`.
fn older<'v, V: DataView<'v>>(object: V::Object) -> Result<Facts<'v>, Broken<'v>> {
    if object.get("cid").is_none() || object.get("ref").is_some() {
        return Err(Broken::Missing("$type"));
    }
    let facts = Facts {
        mime_type: text::<V>(object, "mimeType")?,
        size: None,
    };
    link::check(text::<V>(object, "cid")?).map_err(|error| Broken::Link(error.to_string()))?;
    only::<V>(object, &["cid", "mimeType"])?;
    Ok(facts)
}

fn text<'v, V: DataView<'v>>(
    object: V::Object,
    field: &'static str,
) -> Result<&'v str, Broken<'v>> {
    match object.get(field).map(V::shape) {
        Some(Shape::Text(text)) => Ok(text),
        Some(other) => Err(wrong::<V>(field, "string", &other)),
        None => Err(Broken::Missing(field)),
    }
}

fn size<'v, V: DataView<'v>>(object: V::Object) -> Result<u64, Broken<'v>> {
    match object.get("size").map(V::shape) {
        Some(Shape::Integer(size)) => u64::try_from(size).map_err(|_| Broken::Size(size)),
        Some(other) => Err(wrong::<V>("size", "integer", &other)),
        None => Err(Broken::Missing("size")),
    }
}

fn wrong<'v, V: DataView<'v>>(
    field: &'static str,
    wanted: &'static str,
    found: &Shape<'v, V>,
) -> Broken<'v> {
    Broken::Wrong {
        field,
        wanted,
        found: found.type_name(),
    }
}

fn only<'v, V: DataView<'v>>(object: V::Object, fields: &[&str]) -> Result<(), Broken<'v>> {
    if object.len() == fields.len() {
        return Ok(());
    }
    match object.fields().find(|(name, _)| !fields.contains(name)) {
        Some((name, _)) => Err(Broken::Unexpected(name)),
        None => Ok(()),
    }
}
