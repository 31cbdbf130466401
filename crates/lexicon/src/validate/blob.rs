//! Blobs.

use loggia_syntax::check::{self, At};
use loggia_syntax::data::{BlobError, BlobFacts, BlobField, CidLink};

use super::program::PLAIN;
use super::view::{DataView, ObjectView, Shape};
use super::walk::{Walk, spelled};

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

fn facts<'v, V: DataView<'v>>(object: V::Object) -> Result<BlobFacts<'v>, BlobError> {
    BlobFacts::read(object.fields().map(|(name, value)| (name, field(value))))
}

fn field<'v, V: DataView<'v>>(value: V) -> BlobField<'v> {
    match value.shape() {
        Shape::Text(text) => BlobField::Text(text),
        Shape::Integer(integer) => BlobField::Integer(integer),
        Shape::Link => BlobField::Link,
        Shape::Object(object) if V::SPELLED && object.get("$link").is_some() => {
            match spelled::<V>(object, "$link").map(CidLink::check) {
                Ok(Ok(())) => BlobField::Link,
                Ok(Err(why)) => BlobField::BrokenLink(why.to_string()),
                Err(why) => BlobField::BrokenLink(why),
            }
        }
        other => BlobField::Other(other.type_name()),
    }
}
