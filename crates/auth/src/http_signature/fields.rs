//! Structured fields (RFC 8941): dictionaries, as far as `Signature-Input` and `Signature` need them,
//! read whole so that what follows an unknown label is found, and written back in canonical form.

mod write;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

pub(super) use write::write_list;

/// The longest field that is read, all its lines together. A real one has 150 bytes.
const LONGEST: usize = 4 * 1024;

/// The most members of a dictionary, items of a list and parameters of either.
const MOST: usize = 32;

/// Base64 as RFC 8941 §4.2.7 has it: padding may be missing. Bits behind the last byte must be zero,
/// so that one signature has one text.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A bare item (RFC 8941 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bare {
    /// An integer or decimal in canonical form.
    Number(String),
    String(String),
    Token(String),
    Bytes(Vec<u8>),
    Boolean(bool),
}

/// Parameters in order; a later one of the same name has replaced the earlier.
pub(super) type Parameters = Vec<(String, Bare)>;

/// What a member of a dictionary is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Item(Bare, Parameters),
    List(Vec<(Bare, Parameters)>, Parameters),
}

/// Reads a dictionary; `None` if the text is none.
pub(super) fn dictionary(text: &str) -> Option<Vec<(String, Member)>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut reader = Reader(text.trim_matches(' '));
    let mut members = Vec::new();
    while !reader.0.is_empty() {
        let name = reader.key()?;
        let member = if reader.take('=') {
            reader.member()?
        } else {
            Member::Item(Bare::Boolean(true), reader.parameters()?)
        };
        put(&mut members, name, member)?;
        reader.skip(&[' ', '\t']);
        if reader.0.is_empty() {
            break;
        }
        if !reader.take(',') {
            return None;
        }
        reader.skip(&[' ', '\t']);
        // A comma promises another member.
        if reader.0.is_empty() {
            return None;
        }
    }
    Some(members)
}

/// The last of several members of one name counts (RFC 8941 §4.2.2), at the place of the first.
fn put<V>(list: &mut Vec<(String, V)>, name: String, value: V) -> Option<()> {
    if let Some(old) = list.iter_mut().find(|(known, _)| *known == name) {
        old.1 = value;
    } else if list.len() < MOST {
        list.push((name, value));
    } else {
        return None;
    }
    Some(())
}

/// What is left to read.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn take(&mut self, wanted: char) -> bool {
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn skip(&mut self, which: &[char]) {
        self.0 = self.0.trim_start_matches(which);
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.0.chars();
        let next = chars.next()?;
        self.0 = chars.as_str();
        Some(next)
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !keep(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn key(&mut self) -> Option<String> {
        if !self
            .0
            .starts_with(|c: char| c.is_ascii_lowercase() || c == '*')
        {
            return None;
        }
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c);
        Some(self.take_while(is_part).to_owned())
    }

    fn member(&mut self) -> Option<Member> {
        if !self.take('(') {
            return Some(Member::Item(self.bare()?, self.parameters()?));
        }
        let mut items = Vec::new();
        loop {
            self.skip(&[' ']);
            if self.take(')') {
                return Some(Member::List(items, self.parameters()?));
            }
            if items.len() == MOST {
                return None;
            }
            items.push((self.bare()?, self.parameters()?));
            if !self.0.starts_with([' ', ')']) {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<Parameters> {
        let mut parameters = Vec::new();
        while self.take(';') {
            self.skip(&[' ']);
            let name = self.key()?;
            let value = if self.take('=') {
                self.bare()?
            } else {
                Bare::Boolean(true)
            };
            put(&mut parameters, name, value)?;
        }
        Some(parameters)
    }

    fn bare(&mut self) -> Option<Bare> {
        match self.0.chars().next()? {
            '"' => self.string(),
            ':' => self.bytes(),
            '?' => self.boolean(),
            '-' | '0'..='9' => self.number(),
            'A'..='Z' | 'a'..='z' | '*' => {
                let is_part =
                    |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c);
                Some(Bare::Token(self.take_while(is_part).to_owned()))
            }
            _ => None,
        }
    }

    fn string(&mut self) -> Option<Bare> {
        self.next()?;
        let mut text = String::new();
        loop {
            match self.next()? {
                '"' => return Some(Bare::String(text)),
                '\\' => text.push(self.next().filter(|c| matches!(c, '"' | '\\'))?),
                c @ ' '..='~' => text.push(c),
                _ => return None,
            }
        }
    }

    fn bytes(&mut self) -> Option<Bare> {
        self.next()?;
        let text = self.take_while(|c| c != ':');
        self.take(':')
            .then(|| BASE64.decode(text).ok())
            .flatten()
            .map(Bare::Bytes)
    }

    fn boolean(&mut self) -> Option<Bare> {
        self.next()?;
        match self.next()? {
            '0' => Some(Bare::Boolean(false)),
            '1' => Some(Bare::Boolean(true)),
            _ => None,
        }
    }

    /// Fifteen digits, or twelve and three after the point (RFC 8941 §4.2.4).
    fn number(&mut self) -> Option<Bare> {
        let sign = if self.take('-') { "-" } else { "" };
        let whole = self.take_while(|c| c.is_ascii_digit());
        let is_decimal = self.take('.');
        if whole.is_empty() || whole.len() > if is_decimal { 12 } else { 15 } {
            return None;
        }
        let trimmed = whole.trim_start_matches('0');
        let whole = if trimmed.is_empty() { "0" } else { trimmed };
        if !is_decimal {
            let sign = if whole == "0" { "" } else { sign };
            return Some(Bare::Number(format!("{sign}{whole}")));
        }
        let fraction = self.take_while(|c| c.is_ascii_digit());
        if !(1..=3).contains(&fraction.len()) {
            return None;
        }
        let trimmed = fraction.trim_end_matches('0');
        let fraction = if trimmed.is_empty() { "0" } else { trimmed };
        Some(Bare::Number(format!("{sign}{whole}.{fraction}")))
    }
}
