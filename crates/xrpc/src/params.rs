//! URL parameters: what a method takes, and how single values are read and written.
//!
//! Rulings: unknown parameters are ignored; an empty value counts as absent; integers are
//! `-?[0-9]+` within 64 bits; booleans are `true` and `false` only; a parameter that is not a list
//! may come once; a list comes by repetition; defaults of the lexicon fill in what is absent, and
//! are sent by a client.

use std::borrow::Cow;

use loggia_syntax::check::Report;
use loggia_syntax::{
    AtIdentifier, AtUri, Cid, Datetime, Did, Handle, Language, Nsid, RecordKey, SpaceRef, Tid, Uri,
};

use crate::Query;

/// The URL parameters of a method. Generated; `()` for a method without any.
pub trait Params: Sized + Send + 'static {
    /// Reads the parameters; defaults of the lexicon fill in what is absent.
    fn read(query: &Query) -> Result<Self, ParamError>;
    /// Writes the parameters in the lexicon's order.
    fn write(&self, query: &mut Query);
    /// Checks what types cannot hold.
    fn check(&self, report: &mut Report);
}

impl Params for () {
    fn read(_: &Query) -> Result<Self, ParamError> {
        Ok(())
    }
    fn write(&self, _: &mut Query) {}
    fn check(&self, _: &mut Report) {}
}

/// A parameter that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{name}` {reason}")]
pub struct ParamError {
    /// The parameter's name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ParamError {
    pub(crate) fn new(name: &str, reason: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            reason: reason.into(),
        }
    }
}

/// One value of a parameter.
pub trait ParamValue: Sized {
    /// Makes the value out of the decoded text, or says what is wrong, after "must be" or alike.
    fn parse(text: &str) -> Result<Self, String>;
    /// The text of the value, not yet encoded.
    fn text(&self) -> Cow<'_, str>;
}

impl ParamValue for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl ParamValue for bool {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("must be true or false, not {text:?}")),
        }
    }

    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(if *self { "true" } else { "false" })
    }
}

impl ParamValue for i64 {
    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("must be an integer, not {text:?}"));
        }
        text.parse()
            .map_err(|_| format!("must be an integer of at most 64 bits, not {text}"))
    }

    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

macro_rules! formats {
    ($($name:ident),*) => {$(
        impl ParamValue for $name {
            fn parse(text: &str) -> Result<Self, String> {
                $name::new(text).map_err(|error| format!("is not right: {error}"))
            }

            fn text(&self) -> Cow<'_, str> {
                Cow::Borrowed(self.as_str())
            }
        }
    )*};
}

formats!(
    AtIdentifier,
    AtUri,
    Cid,
    Datetime,
    Did,
    Handle,
    Language,
    Nsid,
    RecordKey,
    SpaceRef,
    Tid,
    Uri
);
