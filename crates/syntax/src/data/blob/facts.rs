//! The one reading of blobs: which fields there are, what they hold, and what is said if they do
//! not fit. Reading into a [`Blob`](super::Blob), checking data without a schema and the dynamic
//! validator all come here, so that they cannot differ.

use crate::Excerpt;
use crate::data::{CidLink, Data, Object};

/// What a field of an object that may be a blob holds.
#[derive(Clone, Debug)]
pub enum BlobField<'a> {
    /// A text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// A link.
    Link,
    /// An object spelled like a link that is none, and why.
    BrokenLink(String),
    /// Anything else: its type in the words of the lexicon language.
    Other(&'static str),
}

/// What a blob says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobFacts<'a> {
    /// What the uploader said the bytes are.
    pub mime_type: &'a str,
    /// Size in bytes; `None` makes it the older form, which has none.
    pub size: Option<u64>,
}

/// Why an object is not a blob: the first reason, in the order `$type`, `mimeType`, `size`, the
/// link, other fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// A field is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field is of another type.
    #[error("`{field}` is of type {wanted}, got {found}")]
    Type {
        /// Which field.
        field: &'static str,
        /// What it should be, in the words of the lexicon language.
        wanted: &'static str,
        /// What it is, in the same words.
        found: &'static str,
    },
    /// `$type` says something else; the start of what it says.
    #[error("the `$type` of a blob is \"blob\", got {}", Excerpt(.0))]
    Name(String),
    /// The size is below zero.
    #[error("the blob size {0} is negative")]
    Size(i64),
    /// The link does not lead anywhere.
    #[error("{0}")]
    Link(String),
    /// There is a field that blobs do not have; the start of its name.
    #[error("a blob has no field {}", Excerpt(.0))]
    Unexpected(String),
}

/// What was found under each name.
#[derive(Default)]
struct Found<'a> {
    type_name: Option<BlobField<'a>>,
    mime_type: Option<BlobField<'a>>,
    size: Option<BlobField<'a>>,
    reference: Option<BlobField<'a>>,
    cid: Option<BlobField<'a>>,
    /// The first in the order of names, so that the order of fields does not matter.
    unexpected: Option<&'a str>,
}

fn field<'a>((name, value): (&'a String, &'a Data)) -> (&'a str, BlobField<'a>) {
    let field = match value {
        Data::String(text) => BlobField::Text(text),
        Data::Integer(integer) => BlobField::Integer(*integer),
        Data::Link(_) => BlobField::Link,
        other => BlobField::Other(other.type_name()),
    };
    (name, field)
}

impl<'a> BlobFacts<'a> {
    /// Reads the fields of an object, in any order, as a blob of either form:
    /// `{"$type": "blob", "ref", "mimeType", "size"}` or `{"cid", "mimeType"}`.
    ///
    /// # Errors
    /// The first reason why it is none.
    pub fn read(
        fields: impl IntoIterator<Item = (&'a str, BlobField<'a>)>,
    ) -> Result<Self, BlobError> {
        let mut found = Found::default();
        for (name, field) in fields {
            match name {
                "$type" => found.type_name = Some(field),
                "mimeType" => found.mime_type = Some(field),
                "size" => found.size = Some(field),
                "ref" => found.reference = Some(field),
                "cid" => found.cid = Some(field),
                other => found.note_unexpected(other),
            }
        }
        match &found.type_name {
            None => found.older(),
            Some(BlobField::Text("blob")) => found.current(),
            Some(BlobField::Text(other)) => Err(BlobError::Name(start(other))),
            Some(other) => Err(wrong("$type", "string", other)),
        }
    }

    /// Reads an object of the data model.
    ///
    /// # Errors
    /// The first reason why it is no blob.
    pub fn of(object: &'a Object) -> Result<Self, BlobError> {
        Self::read(object.iter().map(field))
    }

    /// The facts of an object whose `$type`, which is `blob`, was taken out of it.
    ///
    /// # Errors
    /// The first reason why it is no blob.
    pub fn of_rest(object: &'a Object) -> Result<Self, BlobError> {
        let type_name = ("$type", BlobField::Text("blob"));
        Self::read(std::iter::once(type_name).chain(object.iter().map(field)))
    }
}

impl<'a> Found<'a> {
    fn note_unexpected(&mut self, name: &'a str) {
        if self.unexpected.is_none_or(|first| name < first) {
            self.unexpected = Some(name);
        }
    }

    /// Today's form.
    fn current(mut self) -> Result<BlobFacts<'a>, BlobError> {
        let mime_type = text("mimeType", self.mime_type.as_ref())?;
        let size = match &self.size {
            Some(BlobField::Integer(size)) => {
                u64::try_from(*size).map_err(|_| BlobError::Size(*size))?
            }
            other => return Err(unfit("size", "integer", other.as_ref())),
        };
        match self.reference.take() {
            Some(BlobField::Link) => {}
            Some(BlobField::BrokenLink(why)) => return Err(BlobError::Link(why)),
            other => return Err(unfit("ref", "cid-link", other.as_ref())),
        }
        if self.cid.is_some() {
            self.note_unexpected("cid");
        }
        self.nothing_else()?;
        Ok(BlobFacts {
            mime_type,
            size: Some(size),
        })
    }

    /// The form from before blobs had a `$type`.
    fn older(mut self) -> Result<BlobFacts<'a>, BlobError> {
        if self.cid.is_none() || self.reference.is_some() {
            return Err(BlobError::Missing("$type"));
        }
        let mime_type = text("mimeType", self.mime_type.as_ref())?;
        CidLink::check(text("cid", self.cid.as_ref())?)
            .map_err(|error| BlobError::Link(error.to_string()))?;
        if self.size.is_some() {
            self.note_unexpected("size");
        }
        self.nothing_else()?;
        Ok(BlobFacts {
            mime_type,
            size: None,
        })
    }

    fn nothing_else(&self) -> Result<(), BlobError> {
        match self.unexpected {
            None => Ok(()),
            Some(name) => Err(BlobError::Unexpected(start(name))),
        }
    }
}

fn text<'a>(name: &'static str, field: Option<&BlobField<'a>>) -> Result<&'a str, BlobError> {
    match field {
        Some(BlobField::Text(text)) => Ok(text),
        other => Err(unfit(name, "string", other)),
    }
}

/// A field that is missing or of another type than wanted.
fn unfit(field: &'static str, wanted: &'static str, found: Option<&BlobField<'_>>) -> BlobError {
    match found {
        None => BlobError::Missing(field),
        Some(found) => wrong(field, wanted, found),
    }
}

fn wrong(field: &'static str, wanted: &'static str, found: &BlobField<'_>) -> BlobError {
    let found = match found {
        BlobField::Text(_) => "string",
        BlobField::Integer(_) => "integer",
        BlobField::Link | BlobField::BrokenLink(_) => "cid-link",
        BlobField::Other(name) => name,
    };
    BlobError::Type {
        field,
        wanted,
        found,
    }
}

/// As much of other people's text as a message shows, and a character that tells that it goes on.
fn start(text: &str) -> String {
    text.chars().take(Excerpt::MOST + 1).collect()
}
