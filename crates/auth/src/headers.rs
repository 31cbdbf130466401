//! Header fields as lists of their values, so that a second one cannot go unseen.

/// Why a field has no value to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldFault {
    /// There is no such field.
    Absent,
    /// There are several.
    Repeated,
}

/// The value of a field that may stand there once, without the whitespace around it.
pub fn single<'a>(values: &[&'a str]) -> Result<&'a str, FieldFault> {
    match values {
        [] => Err(FieldFault::Absent),
        [one] => Ok(one.trim_matches([' ', '\t'])),
        _ => Err(FieldFault::Repeated),
    }
}

/// An `Authorization` header taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// The scheme, as written.
    pub scheme: &'a str,
    /// What follows it; empty if nothing does.
    pub token: &'a str,
}

impl<'a> Authorization<'a> {
    /// Takes one header apart.
    pub fn parse(values: &[&'a str]) -> Result<Self, FieldFault> {
        let value = single(values)?;
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        Ok(Self {
            scheme,
            token: token.trim(),
        })
    }

    /// Whether it is of this scheme, whose case does not matter (RFC 9110 §11.1).
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }
}
