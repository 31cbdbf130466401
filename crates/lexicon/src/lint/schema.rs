//! The rules for schemas, walked to the bottom. Recursion follows the document's own nesting, which
//! the reader limits; references are looked at and never entered.

use indexmap::IndexMap;
use loggia_syntax::Format;

use super::definition::is_media_range;
use super::{Linter, Rule};
use crate::document::{
    ArraySchema, BlobSchema, BytesSchema, Def, IntegerSchema, ObjectSchema, Schema, StringSchema,
    UnionSchema, Unsupported,
};
use crate::library::below;

/// Above this many bytes a blob is the better place (indigo's number).
const LARGE: u64 = 20 * 1024;

/// Every type of the language.
const TYPES: [&str; 21] = [
    "array",
    "blob",
    "boolean",
    "bytes",
    "cid-link",
    "integer",
    "null",
    "object",
    "params",
    "permission",
    "permission-set",
    "procedure",
    "query",
    "record",
    "ref",
    "space",
    "string",
    "subscription",
    "token",
    "union",
    "unknown",
];

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Right under a definition's name.
    Definition,
    /// The object of a record, or anything in it.
    Record,
    /// The schema of a body or of messages.
    Body,
    /// Anywhere else.
    Data,
}

impl Place {
    /// The place of a field or element of this one.
    fn inside(self) -> Self {
        if self == Self::Record {
            self
        } else {
            Self::Data
        }
    }
}

impl Linter<'_> {
    pub(super) fn schema(&mut self, schema: &Schema, place: Place, at: &str) {
        match schema {
            Schema::Boolean(boolean) => {
                self.constant_or_default(boolean.constant.is_some(), boolean.default.is_some(), at);
            }
            Schema::Integer(integer) => self.integer(integer, at),
            Schema::String(string) => self.string(string, place, at),
            Schema::Bytes(bytes) => self.bytes(bytes, at),
            Schema::Blob(blob) => self.blob(blob, at),
            Schema::Array(array) => self.array(array, place, at),
            Schema::Object(object) => {
                if matches!(place, Place::Data | Place::Record) {
                    let message = "an object in place of a ref; some implementations refuse it";
                    self.note(Rule::InlineObject, at, message);
                }
                self.object(object, place, at);
            }
            Schema::Ref(reference) => {
                self.reference(&reference.reference, &below(at, "ref"), false)
            }
            Schema::Union(union) => self.union(union, at),
            Schema::Unsupported(raw) => self.unsupported(raw, at),
            Schema::CidLink(_) | Schema::Unknown(_) | Schema::Null(_) => {}
        }
    }

    /// Something of a type that we do not know, or that the reader had to refuse.
    pub(super) fn unsupported(&mut self, raw: &Unsupported, at: &str) {
        let name = &raw.type_name;
        if TYPES.contains(&name.as_str()) {
            let message = format!("this cannot be used as `{name}` here");
            self.note(Rule::LexiconSchema, at, message);
        } else if name.is_empty() {
            self.note(Rule::LexiconSchema, at, "the type is missing");
        } else {
            self.note(
                Rule::UnknownType,
                at,
                format!("the type `{name}` is not known"),
            );
        }
    }

    fn integer(&mut self, integer: &IntegerSchema, at: &str) {
        self.constant_or_default(integer.constant.is_some(), integer.default.is_some(), at);
        self.bounds("minimum", integer.minimum, "maximum", integer.maximum, at);
        self.enumeration(integer.enumeration.as_deref(), integer.default.as_ref(), at);
        let fits = |value: &i64| {
            integer.minimum.is_none_or(|low| *value >= low)
                && integer.maximum.is_none_or(|high| *value <= high)
        };
        if integer.default.as_ref().is_some_and(|value| !fits(value)) {
            self.note(
                Rule::LexiconSchema,
                &below(at, "default"),
                "the default is out of range",
            );
        }
    }

    fn string(&mut self, string: &StringSchema, place: Place, at: &str) {
        self.constant_or_default(string.constant.is_some(), string.default.is_some(), at);
        self.bounds(
            "minLength",
            string.min_length,
            "maxLength",
            string.max_length,
            at,
        );
        self.bounds(
            "minGraphemes",
            string.min_graphemes,
            "maxGraphemes",
            string.max_graphemes,
            at,
        );
        self.enumeration(string.enumeration.as_deref(), string.default.as_ref(), at);
        self.string_limits(string, at);
        if let Some(format) = &string.format {
            self.format(format, place, &below(at, "format"));
        }
        for (index, value) in string.known_values.iter().enumerate() {
            if value.starts_with('#') {
                let at = &below(&below(at, "knownValues"), &index.to_string());
                let message = format!("`{value}` reads as a local ref; write the whole NSID");
                self.note(Rule::KnownStringLocalRef, at, message);
            }
        }
    }

    fn string_limits(&mut self, string: &StringSchema, at: &str) {
        if string.max_length.is_some_and(|most| most > LARGE) {
            self.note(
                Rule::LargeString,
                at,
                "more than 20 KiB of text belongs into a blob",
            );
        }
        // `const` and `enum` limit a string as well, which indigo's rule does not see.
        let limited = string.format.is_some()
            || string.max_length.is_some()
            || string.max_graphemes.is_some()
            || string.constant.is_some()
            || string.enumeration.is_some();
        if !limited {
            self.note(Rule::UnlimitedString, at, "the string has no limit");
        }
        if let (Some(bytes), Some(graphemes)) = (string.max_length, string.max_graphemes)
            && bytes < graphemes
        {
            let message = format!("{bytes} bytes can never hold {graphemes} graphemes");
            self.note(Rule::GraphemesOverLength, at, message);
        }
    }

    fn format(&mut self, format: &str, place: Place, at: &str) {
        if Format::from_name(format).is_none() {
            self.note(
                Rule::UnknownFormat,
                at,
                format!("the format `{format}` is not known"),
            );
        }
        if format == "handle" && place == Place::Record {
            self.note(
                Rule::HandleInRecord,
                at,
                "a handle changes hands; keep the DID",
            );
        }
    }

    fn bytes(&mut self, bytes: &BytesSchema, at: &str) {
        self.bounds(
            "minLength",
            bytes.min_length,
            "maxLength",
            bytes.max_length,
            at,
        );
        match bytes.max_length {
            None => self.note(Rule::UnlimitedBytes, at, "the bytes have no limit"),
            Some(most) if most > LARGE => {
                self.note(Rule::LargeBytes, at, "more than 20 KiB belongs into a blob");
            }
            Some(_) => {}
        }
    }

    fn blob(&mut self, blob: &BlobSchema, at: &str) {
        let Some(accept) = &blob.accept else { return };
        let at = &below(at, "accept");
        if accept.is_empty() {
            self.note(
                Rule::LexiconSchema,
                at,
                "an empty `accept` takes no blob at all",
            );
        }
        for pattern in accept.iter().filter(|pattern| !is_media_range(pattern)) {
            let message = format!("`{pattern}` is not a media type or pattern");
            self.note(Rule::LexiconSchema, at, message);
        }
    }

    fn array(&mut self, array: &ArraySchema, place: Place, at: &str) {
        self.bounds(
            "minLength",
            array.min_length,
            "maxLength",
            array.max_length,
            at,
        );
        self.schema(&array.items, place.inside(), &below(at, "items"));
    }

    pub(super) fn object(&mut self, object: &ObjectSchema, place: Place, at: &str) {
        for (name, schema) in &object.properties {
            let at = &below(&below(at, "properties"), name);
            self.field_name(name, at);
            self.schema(schema, place.inside(), at);
        }
        self.listed_fields("required", &object.required, &object.properties, at);
        self.listed_fields("nullable", &object.nullable, &object.properties, at);
        for name in object
            .nullable
            .iter()
            .filter(|name| !object.required.contains(name))
        {
            let message = format!("`{name}` may be absent as well as null");
            self.note(Rule::NullableAndOptional, &below(at, "nullable"), message);
        }
    }

    pub(super) fn listed_fields(
        &mut self,
        list: &str,
        names: &[String],
        properties: &IndexMap<String, Schema>,
        at: &str,
    ) {
        for (index, name) in names.iter().enumerate() {
            if !properties.contains_key(name) {
                let at = &below(&below(at, list), &index.to_string());
                let message = format!("`{list}` names `{name}`, which is not a property");
                self.note(Rule::LexiconSchema, at, message);
            }
        }
    }

    fn union(&mut self, union: &UnionSchema, at: &str) {
        if union.closed && union.refs.is_empty() {
            let message = "a closed union without variants takes nothing at all";
            self.note(Rule::LexiconSchema, &below(at, "refs"), message);
        }
        for (index, reference) in union.refs.iter().enumerate() {
            self.reference(
                reference,
                &below(&below(at, "refs"), &index.to_string()),
                true,
            );
        }
    }

    fn reference(&mut self, reference: &str, at: &str, is_variant: bool) {
        if reference.is_empty() || reference.ends_with('#') || reference.matches('#').count() > 1 {
            let message = format!("`{reference}` is not a reference");
            self.note(Rule::LexiconSchema, at, message);
            return;
        }
        let target = self.target(reference);
        if reference.ends_with("#main") && reference != "#main" {
            let message = format!("write `{target}` without `#main`");
            self.note(Rule::RefSpelledMain, at, message);
        }
        match self.library.def(&target) {
            None if self.is_in_scope(&target) => {
                self.note(Rule::UnresolvedRef, at, format!("there is no `{target}`"));
            }
            None => {}
            Some(def) => self.target_type(def, reference, at, is_variant),
        }
    }

    fn target_type(&mut self, def: &Def, reference: &str, at: &str, is_variant: bool) {
        match def {
            Def::Record(_) | Def::Schema(Schema::Object(_)) | Def::Unsupported(_) => {}
            Def::Schema(Schema::Unsupported(_)) => {}
            Def::Schema(_) | Def::Token(_) if is_variant => {
                let message = format!("`{reference}` is neither object nor record");
                self.note(Rule::UnionVariantType, at, message);
            }
            Def::Schema(_) => {}
            Def::Token(_) => {
                let message = format!("`{reference}` is a token, which has no data");
                self.note(Rule::RefToToken, at, message);
            }
            _ => {
                let message = format!("`{reference}` is not a schema for data");
                self.note(Rule::RefToPrimary, at, message);
            }
        }
    }

    fn enumeration<T: PartialEq>(&mut self, values: Option<&[T]>, default: Option<&T>, at: &str) {
        let Some(values) = values else { return };
        if values.is_empty() {
            let message = "an empty `enum` allows no value at all";
            self.note(Rule::LexiconSchema, &below(at, "enum"), message);
        } else if default.is_some_and(|default| !values.contains(default)) {
            let message = "the default is not one of the `enum`";
            self.note(Rule::LexiconSchema, &below(at, "default"), message);
        }
    }

    fn constant_or_default(&mut self, constant: bool, default: bool, at: &str) {
        if constant && default {
            let message = "`const` and `default` exclude each other";
            self.note(Rule::LexiconSchema, at, message);
        }
    }

    fn bounds<T: PartialOrd + std::fmt::Display>(
        &mut self,
        low_name: &str,
        low: Option<T>,
        high_name: &str,
        high: Option<T>,
        at: &str,
    ) {
        if let (Some(low), Some(high)) = (low, high)
            && low > high
        {
            let message = format!("`{low_name}` {low} is over `{high_name}` {high}");
            self.note(Rule::LexiconSchema, at, message);
        }
    }
}
