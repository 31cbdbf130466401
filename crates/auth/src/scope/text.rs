//! The text that all families share: `family:value?param=value&param=value`.
//!
//! One parameter of each family may stand after the colon instead of under its name.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::ScopeError;

/// What is escaped after the colon: all but letters, digits and what a URI component may hold, and
/// the five characters that scopes leave readable (`:/+,@`).
const VALUE: &AsciiSet = &PARAM
    .remove(b'!')
    .remove(b'~')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What is escaped in a parameter: the rules of HTML forms keep less.
const PARAM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b':')
    .remove(b'/')
    .remove(b'+')
    .remove(b',')
    .remove(b'@');

/// What stands before the first `:` or `?`.
pub(super) fn family(text: &str) -> &str {
    text.split([':', '?']).next().unwrap_or_default()
}

/// The parameters of one scope, decoded.
pub(super) struct Fields<'a> {
    params: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> Fields<'a> {
    /// Reads a scope of a family with these parameters, of which the first may follow the colon.
    pub(super) fn read(text: &'a str, params: &[&'static str]) -> Result<Self, ScopeError> {
        let (head, query) = text.split_once('?').unwrap_or((text, ""));
        let (_, value) = head.split_once(':').unzip();
        let mut fields = Vec::new();
        if let (Some(value), Some(&param)) = (value, params.first()) {
            fields.push((param, decode(value)?));
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let known = params.iter().find(|&&known| known == name);
            let param = *known.ok_or(ScopeError::Unknown)?;
            if value.is_empty() {
                return Err(ScopeError::Value { param });
            }
            if Some(&param) == params.first() && head.contains(':') {
                return Err(ScopeError::Repeated { param });
            }
            fields.push((param, decode(value)?));
        }
        Ok(Self { params: fields })
    }

    /// All values of a parameter.
    pub(super) fn many(&self, param: &'static str) -> impl Iterator<Item = &str> {
        self.params
            .iter()
            .filter(move |(name, _)| *name == param)
            .map(|(_, value)| &**value)
    }

    /// The only value of a parameter, if it is there.
    pub(super) fn one(&self, param: &'static str) -> Result<Option<&str>, ScopeError> {
        let mut values = self.many(param);
        let first = values.next();
        match values.next() {
            Some(_) => Err(ScopeError::Repeated { param }),
            None => Ok(first),
        }
    }

    /// The only value of a parameter, which must be there.
    pub(super) fn required(&self, param: &'static str) -> Result<&str, ScopeError> {
        self.one(param)?.ok_or(ScopeError::Missing { param })
    }
}

fn decode(text: &str) -> Result<Cow<'_, str>, ScopeError> {
    let mut escapes = text.split('%');
    escapes.next();
    let complete = |escape: &str| {
        let digits = escape.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !escapes.all(complete) {
        return Err(ScopeError::Encoding);
    }
    percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| ScopeError::Encoding)
}

/// Writes a scope, its parameters in the order in which they come.
pub(super) struct Writer<'a, 'f> {
    to: &'a mut fmt::Formatter<'f>,
    queried: bool,
}

impl<'a, 'f> Writer<'a, 'f> {
    pub(super) fn new(to: &'a mut fmt::Formatter<'f>, family: &str) -> Result<Self, fmt::Error> {
        to.write_str(family)?;
        Ok(Self { to, queried: false })
    }

    /// The value after the colon; comes before all parameters.
    pub(super) fn value(&mut self, value: &str) -> fmt::Result {
        write!(self.to, ":{}", utf8_percent_encode(value, VALUE))
    }

    pub(super) fn param(&mut self, name: &str, value: &str) -> fmt::Result {
        let sign = if self.queried { '&' } else { '?' };
        self.queried = true;
        let value = utf8_percent_encode(value, PARAM);
        write!(self.to, "{sign}{name}={value}")
    }

    /// Values that stand after the colon if there is one, and under their name if there are more.
    pub(super) fn values<'v>(
        &mut self,
        name: &str,
        values: impl ExactSizeIterator<Item = &'v str>,
    ) -> fmt::Result {
        let alone = values.len() == 1;
        for value in values {
            if alone {
                self.value(value)?;
            } else {
                self.param(name, value)?;
            }
        }
        Ok(())
    }
}
