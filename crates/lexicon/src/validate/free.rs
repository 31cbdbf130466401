//! What the data model itself does not allow, whatever the schema.
//!
//! The same rules as [`loggia_syntax::data::Data::check`], over any view of the data.

use loggia_syntax::check::{self, At};
use loggia_syntax::data::Bytes;

use super::view::{DataView, ObjectView, Shape};
use super::walk::Walk;

impl Walk<'_> {
    /// Data without a schema.
    pub(super) fn free<'v, V: DataView<'v>>(&mut self, value: V, at: &At<'_>) {
        if self.report.enter(at) {
            self.free_shape::<V>(value.shape(), at);
        }
    }

    /// As [`free`](Self::free), for a value that was counted already.
    pub(super) fn free_shape<'v, V: DataView<'v>>(&mut self, shape: Shape<'v, V>, at: &At<'_>) {
        match shape {
            Shape::Null | Shape::Boolean(_) | Shape::Text(_) | Shape::Bytes(_) | Shape::Link => {}
            Shape::Integer(integer) => check::safe_integer(integer, at, &mut self.report),
            Shape::Number(number) => check::float(number, at, &mut self.report),
            Shape::Array(elements, _) => {
                for (index, element) in elements.enumerate() {
                    self.free(element, &at.index(index));
                }
            }
            Shape::Object(object) => self.free_object::<V>(object, at),
        }
    }

    /// An object without a schema: a link, bytes and a blob must be well-formed, and `$type` a
    /// name.
    pub(super) fn free_object<'v, V: DataView<'v>>(&mut self, object: V::Object, at: &At<'_>) {
        if object.get("$bytes").is_some() {
            if V::SPELLED {
                return self.free_bytes::<V>(object, at);
            }
            check::reserved_key("$bytes", at, &mut self.report);
        }
        if object.get("$link").is_some() {
            if V::SPELLED {
                return self.spelled_link::<V>(object, at);
            }
            check::reserved_key("$link", at, &mut self.report);
        }
        if let Some(field) = object.get("$type") {
            match field.shape() {
                Shape::Text("blob") => self.well_formed_blob::<V>(object, at),
                _ => self.type_field(field, at),
            }
        }
        for (name, field) in object.fields() {
            self.free(field, &at.field(name));
        }
    }

    fn free_bytes<'v, V: DataView<'v>>(&mut self, object: V::Object, at: &At<'_>) {
        match super::walk::spelled::<V>(object, "$bytes").map(Bytes::checked_length) {
            Ok(Ok(_)) => {}
            Ok(Err(why)) => check::broken_bytes(why, at, &mut self.report),
            Err(why) => check::broken_bytes(why, at, &mut self.report),
        }
    }

    /// Where the schema says `unknown`: an object that stands for nothing else.
    pub(super) fn unknown<'v, V: DataView<'v>>(&mut self, object: V::Object, at: &At<'_>) {
        let stands_for = if object.get("$bytes").is_some() {
            "bytes"
        } else if object.get("$link").is_some() {
            "cid-link"
        } else if matches!(object.get("$type").map(V::shape), Some(Shape::Text("blob"))) {
            "blob"
        } else {
            return self.free_object::<V>(object, at);
        };
        check::not_unknown(stands_for, at, &mut self.report);
    }
}
