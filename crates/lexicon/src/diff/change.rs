//! What the comparison says: changes, their kinds, and whom they break.

use std::fmt;

use loggia_syntax::Nsid;

/// One difference between two versions of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The document.
    pub nsid: Nsid,
    /// Where in it, as a JSON pointer; in the old version where something was removed.
    pub pointer: String,
    /// What kind of difference.
    pub kind: Kind,
    /// Which way the schema moved.
    pub direction: Direction,
    /// Whether the rules of evolution forbid it.
    pub breaking: bool,
    /// Who meets data that their version of the schema refuses; empty for a compatible change.
    pub breaks: Vec<Party>,
    /// How it breaks them; empty for a compatible change.
    pub harms: Vec<Harm>,
    /// What changed, for people.
    pub message: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = if self.breaking {
            "breaking"
        } else {
            "compatible"
        };
        write!(
            f,
            "{weight} {} {}#{}: {}",
            self.kind, self.nsid, self.pointer, self.message
        )?;
        if !self.breaks.is_empty() {
            let parties: Vec<_> = self.breaks.iter().map(|party| party.as_str()).collect();
            write!(f, " ({}; breaks {})", self.direction, parties.join(", "))?;
        }
        Ok(())
    }
}

/// Which way a schema moved. A schema may move neither way once it is published: what is tightened
/// refuses old data, what is loosened lets in new data that old schemas refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Takes less than before.
    Tightened,
    /// Takes more than before.
    Loosened,
    /// Takes something else.
    Changed,
    /// Takes the same.
    Neutral,
}

impl Direction {
    /// Two movements of one schema, taken together.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Neutral, direction) | (direction, Self::Neutral) => direction,
            (one, other) if one == other => one,
            _ => Self::Changed,
        }
    }

    /// The name for people and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tightened => "tightened",
            Self::Loosened => "loosened",
            Self::Changed => "changed",
            Self::Neutral => "neutral",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// Those who read by the new schema what was written by the old one.
    ReadersOfOldData,
    /// Those who write by the new schema, because readers by the old one refuse it.
    WritersOfNewData,
    /// Those who call by one version a server that runs the other.
    Callers,
    /// Those who serve one version to callers of the other.
    Servers,
}

impl Party {
    /// The name for people and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadersOfOldData => "readers of old data",
            Self::WritersOfNewData => "writers of new data",
            Self::Callers => "callers",
            Self::Servers => "servers",
        }
    }
}

/// Whose data meets a schema that may refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// Records that were written by the old version, and whoever reads them by the new one.
    StoredRecords,
    /// Records that are written by the new version, and whoever reads them by the old one.
    NewRecords,
    /// Callers of the old version, in what they send to servers of the new one.
    CallersSending,
    /// Callers of the old version, in what servers of the new one answer.
    CallersReading,
    /// Servers of the old version, in what callers of the new one send.
    ServersReading,
    /// Servers of the old version, in what they answer to callers of the new one.
    ServersAnswering,
}

impl Harm {
    /// Who breaks by it.
    pub fn party(self) -> Party {
        match self {
            Self::StoredRecords => Party::ReadersOfOldData,
            Self::NewRecords => Party::WritersOfNewData,
            Self::CallersSending | Self::CallersReading => Party::Callers,
            Self::ServersReading | Self::ServersAnswering => Party::Servers,
        }
    }

    /// Whom it breaks and how, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StoredRecords => {
                "stored records: readers by the new version may refuse what was written by the old one"
            }
            Self::NewRecords => {
                "readers of records by the old version: they may refuse what is written by the new one"
            }
            Self::CallersSending => {
                "callers that send by the old version: servers of the new one may refuse it"
            }
            Self::CallersReading => {
                "readers of answers by the old version: they may refuse what servers of the new one answer"
            }
            Self::ServersReading => {
                "servers of the old version: they may refuse what callers of the new one send"
            }
            Self::ServersAnswering => {
                "readers of answers by the new version: they may refuse what servers of the old one answer"
            }
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal;)+) => {
        /// What kind of difference. The names are those of `lexlint` in bluesky-social/indigo where
        /// that tool knows the kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])+ $variant,)+
        }

        impl Kind {
            /// Every kind, indigo's first.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name for people, settings and reports: `type-change`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// Another type of definition or schema.
    TypeChange = "type-change";
    /// Another type of record key, or of space key.
    RecordKeyType = "record-key-type";
    /// Another media type.
    BodyEncoding = "body-encoding";
    /// Another `const`.
    ConstValue = "const-value";
    /// Another `enum`.
    EnumValues = "enum-values";
    /// Another `minimum` or `maximum`.
    IntegerRange = "integer-range";
    /// Another length of a string, in bytes or graphemes.
    StringLength = "string-length";
    /// Another string format.
    StringFormat = "string-format";
    /// Another length of bytes.
    BytesLength = "bytes-length";
    /// Another length of an array.
    ArrayLength = "array-length";
    /// A field became required or optional.
    ObjectRequired = "object-required";
    /// A field may be null now, or no longer.
    ObjectNullable = "object-nullable";
    /// Other media types of a blob.
    BlobAccept = "blob-accept";
    /// Another limit on a blob's size.
    BlobSize = "blob-size";
    /// A parameter became required or optional.
    ParamsRequired = "params-required";
    /// A ref leads elsewhere.
    RefChange = "ref-change";
    /// A union was opened or closed.
    UnionOpenClosed = "union-open-closed";
    /// Other variants of a closed union.
    UnionClosedRefs = "union-closed-refs";
    /// Other variants of an open union.
    UnionOpenRefs = "union-open-refs";
    /// Other messages of a subscription.
    SubscriptionMessages = "subscription-messages";
    /// A new document.
    DocumentAdded = "document-added";
    /// A document is gone.
    DocumentRemoved = "document-removed";
    /// A new definition.
    DefinitionAdded = "definition-added";
    /// A definition is gone.
    DefinitionRemoved = "definition-removed";
    /// A new field or parameter.
    FieldAdded = "field-added";
    /// A field or parameter is gone.
    FieldRemoved = "field-removed";
    /// A method takes or answers a body now.
    BodyAdded = "body-added";
    /// A method takes or answers no body any more.
    BodyRemoved = "body-removed";
    /// A body has a schema now.
    BodySchemaAdded = "body-schema-added";
    /// A body has no schema any more.
    BodySchemaRemoved = "body-schema-removed";
    /// A newly declared error.
    ErrorAdded = "error-added";
    /// An error is no longer declared.
    ErrorRemoved = "error-removed";
    /// A permission set grants something more.
    PermissionAdded = "permission-added";
    /// A permission set no longer grants something.
    PermissionRemoved = "permission-removed";
    /// Other collections of a space.
    SpaceCollections = "space-collections";
    /// Another `default`.
    DefaultValue = "default-value";
    /// Other `knownValues`.
    KnownValues = "known-values";
    /// Other words for people: descriptions, titles, names.
    Description = "description";
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
