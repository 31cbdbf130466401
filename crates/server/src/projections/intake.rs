//! The way into histories for what owners append.

use std::fmt;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use loggia_storage::{Appended, EventId, NewEvent, Storage, StorageError, Write};
use loggia_syntax::Did;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::chance;

/// Bytes of the data of one event.
pub const MOST_DATA: usize = 256 * 1024;

/// Bytes of what else is to be kept of one event.
pub const MOST_METADATA: usize = 64 * 1024;

/// An event as somebody gives it, not looked at yet.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// What it happened to.
    pub aggregate: String,
    /// What kind of thing that is.
    pub aggregate_type: Option<String>,
    /// What happened.
    pub kind: String,
    /// The rest of what happened.
    pub data: &'a str,
    /// The version that its aggregate must have before.
    pub expected: Option<i64>,
    /// What it belongs to.
    pub correlation: Option<String>,
    /// What caused it.
    pub causation: Option<String>,
    /// What else is to be kept.
    pub metadata: Option<&'a str>,
}

impl Given<'_> {
    /// An event that can be appended.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self, now: Timestamp) -> Result<NewEvent, String> {
        let kind_of = |aggregate: &str| {
            let end = aggregate.find(['_', '-']).filter(|end| *end > 0);
            aggregate[..end.unwrap_or(aggregate.len())].to_owned()
        };
        let aggregate_type = self.aggregate_type;
        let aggregate_type = aggregate_type.unwrap_or_else(|| kind_of(&self.aggregate));
        short("aggregateId", 1..=512, &self.aggregate)?;
        short("aggregateType", 1..=512, &aggregate_type)?;
        short("eventType", 1..=256, &self.kind)?;
        short(
            "correlationId",
            0..=512,
            self.correlation.as_deref().unwrap_or_default(),
        )?;
        short(
            "causationId",
            0..=512,
            self.causation.as_deref().unwrap_or_default(),
        )?;
        if matches!(self.expected, Some(..0)) {
            return Err("`expectedVersion` is at least 0".to_owned());
        }
        Ok(NewEvent {
            id: EventId::new(now, chance::bytes()),
            data: json("data", self.data, MOST_DATA)?,
            metadata: self
                .metadata
                .map(|metadata| json("metadata", metadata, MOST_METADATA))
                .transpose()?,
            aggregate: self.aggregate,
            aggregate_type,
            kind: self.kind,
            correlation: self.correlation,
            causation: self.causation,
            source: None,
            origin: None,
            expected: self.expected,
        })
    }
}

fn short(name: &str, bytes: RangeInclusive<usize>, text: &str) -> Result<(), String> {
    if bytes.contains(&text.len()) && !text.contains('\0') {
        return Ok(());
    }
    let (least, most) = (bytes.start(), bytes.end());
    Err(format!("`{name}` has {least} to {most} bytes without NUL"))
}

/// JSON as it was written, within limits.
fn json(name: &str, text: &str, most: usize) -> Result<String, String> {
    if text.len() > most {
        return Err(format!("`{name}` has more than {most} bytes"));
    }
    let checked = check_json(text);
    checked.map_err(|error| format!("`{name}` is not JSON: {error}"))?;
    Ok(text.to_owned())
}

/// Whether a text is JSON that programs can read: not too deep, and with numbers that a double has.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_json(text: &str) -> serde_json::Result<()> {
    serde_json::from_str::<Readable>(text).map(|Readable| ())
}

/// Any JSON, looked at and not kept. What is merely skipped may hold numbers that nothing can hold.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while let Some(Self) = items.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while let Some((Self, Self)) = fields.next_entry()? {}
        Ok(self)
    }
}

/// Appends what an owner says: all or none of it.
///
/// # Errors
/// The store failed.
pub async fn append(
    storage: &Storage,
    tx: &mut Write,
    owner: &Did,
    events: Vec<NewEvent>,
    now: Timestamp,
) -> Result<Appended, StorageError> {
    storage.events().append(tx, owner, events, now).await
}
