//! The rules by name. The names are those of `lexlint` in bluesky-social/indigo where that tool has
//! the rule, so that findings and exceptions carry over; the rest are named in the same manner.

use std::fmt;

use crate::read::Severity;

macro_rules! rules {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal $severity:ident;)+) => {
        /// What a finding is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])+ $variant,)+
        }

        impl Rule {
            /// Every rule, indigo's first.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name for people, settings and reports: `unlimited-string`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// How bad breaking the rule is.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)+
                }
            }
        }
    };
}

rules! {
    /// The document's `id` is not an NSID. Found by the reader.
    InvalidNsid = "invalid-nsid" Error;
    /// The document's `lexicon` is not 1. Found by the reader.
    LexiconVersion = "lexicon-version" Error;
    /// The document breaks a rule of the language that has no rule of its own here.
    LexiconSchema = "lexicon-schema" Error;
    /// A definition's name is not a letter followed by letters and digits, or is a name that readers reserve.
    DefNameSyntax = "def-name-syntax" Warning;
    /// A document called `….defs` has a primary definition.
    DefsMainDefinition = "defs-main-definition" Warning;
    /// A primary type stands under another name than `main`.
    NonMainPrimary = "non-main-primary" Error;
    /// A record, query, procedure, subscription or space does not say what it is.
    MissingPrimaryDescription = "missing-primary-description" Warning;
    /// A method does not say what it answers.
    EndpointOutputUndefined = "endpoint-output-undefined" Warning;
    /// A subscription does not say what it sends.
    SubscriptionNoMessages = "subscription-no-messages" Warning;
    /// A permission set has no title to show to people.
    PermissionsetNoTitle = "permissionset-no-title" Warning;
    /// A permission set allows nothing.
    PermissionsetNoPermissions = "permissionset-no-permissions" Warning;
    /// A string may be longer than 20 KiB.
    LargeString = "large-string" Warning;
    /// A string has neither format, limit, `const` nor `enum`.
    UnlimitedString = "unlimited-string" Warning;
    /// A known value starts with `#`: tokens are written with their NSID there.
    KnownStringLocalRef = "known-string-local-ref" Warning;
    /// Bytes have no limit.
    UnlimitedBytes = "unlimited-bytes" Warning;
    /// Bytes may be longer than 20 KiB.
    LargeBytes = "large-bytes" Warning;
    /// A field's name is not a letter followed by letters and digits, or is a name that readers reserve.
    FieldNameSyntax = "field-name-syntax" Warning;
    /// A field may be absent as well as `null`, which most languages cannot tell apart.
    NullableAndOptional = "nullable-and-optional" Warning;
    /// A token does not say what it means.
    UndescribedToken = "undescribed-token" Warning;
    /// A body does not say its media type.
    UnspecifiedEncoding = "unspecified-encoding" Warning;
    /// A `ref` leads to a token, which is a name and not a schema.
    RefToToken = "ref-to-token" Error;
    /// A reference leads to a definition that is a method, a permission set or a space.
    RefToPrimary = "ref-to-primary" Error;
    /// A union variant is neither object nor record, so its data cannot carry `$type`.
    UnionVariantType = "union-variant-type" Error;
    /// A reference leads nowhere.
    UnresolvedRef = "unresolved-ref" Error;
    /// A reference spells out `#main`, which `$type` never does.
    RefSpelledMain = "ref-spelled-main" Warning;
    /// An object is written in place where a definition and a `ref` are expected; some implementations refuse the document.
    InlineObject = "inline-object" Warning;
    /// A string format that this version does not know: its text is not checked.
    UnknownFormat = "unknown-format" Warning;
    /// A type that this version does not know: its data is not checked.
    UnknownType = "unknown-type" Warning;
    /// A key that the language does not have. Found by the reader.
    UnknownKey = "unknown-key" Warning;
    /// A string's byte limit leaves no room for its grapheme limit.
    GraphemesOverLength = "graphemes-over-length" Warning;
    /// A handle in a record: handles change hands, DIDs stay.
    HandleInRecord = "handle-in-record" Warning;
    /// A declared error's name has white space in it or is empty.
    ErrorNameSyntax = "error-name-syntax" Error;
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
