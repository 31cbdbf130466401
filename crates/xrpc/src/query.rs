//! Query strings taken apart and put together (`application/x-www-form-urlencoded`).

use std::fmt;
use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use crate::{ParamError, ParamValue};

/// Everything but the unreserved characters of RFC 3986 is escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A query string taken apart: names and values in order, percent-decoded.
///
/// Everything lies in one text, so that reading a query costs two allocations. As large as the URL,
/// which a server limits.
#[derive(Clone, Default)]
pub struct Query {
    text: String,
    pairs: Vec<(Range<usize>, Range<usize>)>,
}

impl Query {
    /// No parameters yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a query string apart; it stands after the `?` and without it.
    pub fn parse(raw: &str) -> Result<Self, ParamError> {
        let mut query = Self {
            text: String::with_capacity(raw.len()),
            pairs: Vec::new(),
        };
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = query.decode(name).ok_or_else(|| not_utf8(name))?;
            let value = query
                .decode(value)
                .ok_or_else(|| not_utf8(&query.text[name.clone()]))?;
            query.pairs.push((name, value));
        }
        Ok(query)
    }

    fn decode(&mut self, raw: &str) -> Option<Range<usize>> {
        let start = self.text.len();
        if raw.bytes().any(|b| b == b'%' || b == b'+') {
            let spaced = raw.replace('+', " ");
            self.text
                .push_str(&percent_decode(spaced.as_bytes()).decode_utf8().ok()?);
        } else {
            self.text.push_str(raw);
        }
        Some(start..self.text.len())
    }

    /// Names and values in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (&self.text[name.clone()], &self.text[value.clone()]))
    }

    /// Whether there is no parameter at all.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The values of one parameter in order, without the empty ones.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs()
            .filter(move |(found, value)| *found == name && !value.is_empty())
            .map(|(_, value)| value)
    }

    /// A parameter that may be absent.
    pub fn optional<T: ParamValue>(&self, name: &str) -> Result<Option<T>, ParamError> {
        let mut values = self.values(name);
        let Some(text) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(ParamError::new(name, "may be given once only"));
        }
        T::parse(text)
            .map(Some)
            .map_err(|reason| ParamError::new(name, reason))
    }

    /// A parameter that must be there.
    pub fn required<T: ParamValue>(&self, name: &str) -> Result<T, ParamError> {
        self.optional(name)?
            .ok_or_else(|| ParamError::new(name, "is required"))
    }

    /// A parameter that the lexicon has a default for.
    pub fn with_default<T: ParamValue>(&self, name: &str, default: T) -> Result<T, ParamError> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// A list that may be absent, which is the same as empty.
    pub fn list<T: ParamValue>(&self, name: &str) -> Result<Vec<T>, ParamError> {
        self.values(name)
            .map(|text| T::parse(text).map_err(|reason| ParamError::new(name, reason)))
            .collect()
    }

    /// A list that must have at least one value.
    pub fn required_list<T: ParamValue>(&self, name: &str) -> Result<Vec<T>, ParamError> {
        let list = self.list(name)?;
        if list.is_empty() {
            return Err(ParamError::new(name, "is required"));
        }
        Ok(list)
    }

    /// Adds a parameter. An empty text is left out, since it would read as absent.
    pub fn push<T: ParamValue>(&mut self, name: &str, value: &T) {
        let value = value.text();
        if value.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(name);
        let middle = self.text.len();
        self.text.push_str(&value);
        self.pairs.push((start..middle, middle..self.text.len()));
    }

    /// Adds a parameter that may be absent.
    pub fn push_optional<T: ParamValue>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    /// Adds a list.
    pub fn push_list<T: ParamValue>(&mut self, name: &str, values: &[T]) {
        for value in values {
            self.push(name, value);
        }
    }
}

fn not_utf8(name: &str) -> ParamError {
    ParamError::new(name, "is not UTF-8 when percent-decoded")
}

impl fmt::Display for Query {
    /// The query string, encoded, without the `?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.pairs().enumerate() {
            let separator = if index == 0 { "" } else { "&" };
            let name = utf8_percent_encode(name, ESCAPED);
            write!(
                f,
                "{separator}{name}={}",
                utf8_percent_encode(value, ESCAPED)
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.pairs()).finish()
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.pairs().eq(other.pairs())
    }
}

impl Eq for Query {}

#[cfg(test)]
mod tests {
    use loggia_syntax::Did;

    use super::Query;
    use crate::ParamError;

    fn parse(raw: &str) -> Query {
        Query::parse(raw).expect("UTF-8")
    }

    #[test]
    fn the_rules_of_reading() {
        let query = parse("a=1&b=&c=x&c=y&flag=true&d=%C3%A9+%2B&e");
        assert_eq!(query.optional::<i64>("a"), Ok(Some(1)));
        assert_eq!(query.optional::<String>("b"), Ok(None));
        assert_eq!(query.optional::<String>("e"), Ok(None));
        assert_eq!(query.optional::<String>("unheard-of"), Ok(None));
        assert_eq!(query.list::<String>("c"), Ok(vec!["x".into(), "y".into()]));
        assert_eq!(query.required::<bool>("flag"), Ok(true));
        assert_eq!(query.with_default("absent", 50), Ok(50));
        assert_eq!(query.required::<String>("d").as_deref(), Ok("é +"));
    }

    fn says<T>(result: Result<T, ParamError>) -> String {
        result
            .map(drop)
            .expect_err("this must not be accepted")
            .to_string()
    }

    #[test]
    fn what_is_wrong_names_the_parameter() {
        let query = parse("c=x&c=y&i=1.0&b=yes&big=9223372036854775808&did=nobody&plus=%2B1");
        assert_eq!(
            says(query.optional::<String>("c")),
            "parameter `c` may be given once only"
        );
        assert_eq!(
            says(query.required::<String>("x")),
            "parameter `x` is required"
        );
        assert_eq!(
            says(query.required_list::<String>("x")),
            "parameter `x` is required"
        );
        assert_eq!(
            says(query.optional::<i64>("i")),
            "parameter `i` must be an integer, not \"1.0\""
        );
        assert!(says(query.optional::<i64>("big")).contains("at most 64 bits"));
        assert!(says(query.optional::<i64>("plus")).contains("must be an integer"));
        assert_eq!(
            says(query.optional::<bool>("b")),
            "parameter `b` must be true or false, not \"yes\""
        );
        assert!(says(query.required::<Did>("did")).starts_with("parameter `did` is not right"));
        assert_eq!(
            says(Query::parse("a=%FF")),
            "parameter `a` is not UTF-8 when percent-decoded"
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut query = Query::new();
        query.push("uri", &"at://a/b c&d=é".to_owned());
        query.push("limit", &50_i64);
        query.push("empty", &String::new());
        query.push_optional::<bool>("none", &None);
        query.push_list("tag", &["x".to_owned(), "+".to_owned()]);
        let text = "uri=at%3A%2F%2Fa%2Fb%20c%26d%3D%C3%A9&limit=50&tag=x&tag=%2B";
        assert_eq!(query.to_string(), text);
        assert_eq!(parse(text), query);
    }
}
