//! What the generator would write, shorter.

use loggia_xrpc::{self as xrpc, Nullable};

/// A record.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub text: String,
    pub extra: xrpc::Extra,
}

impl xrpc::ObjectType for Note {
    const TYPE: &'static str = "com.example.note";
    const RECORD: bool = true;

    fn read_fields<'de, A: xrpc::MapAccess<'de>>(
        from: &mut xrpc::Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        let mut text = None;
        while let Some(key) = from.next_key()? {
            match &*key {
                "text" => text = Some(from.value()?),
                _ => from.keep(key)?,
            }
        }
        Ok(Self {
            text: from.required(text, "text")?,
            extra: from.extra(),
        })
    }

    fn write_fields<M: xrpc::SerializeMap>(
        &self,
        to: &mut xrpc::ObjectWriter<M>,
    ) -> Result<(), M::Error> {
        to.field("text", &self.text)?;
        to.extra(&self.extra)
    }
}

xrpc::object!(Note);

impl xrpc::Validate for Note {
    fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {
        xrpc::check_extra(&self.extra, at, report);
    }
}

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    pub count: i64,
    pub since: Option<Nullable<String>>,
    pub extra: xrpc::Extra,
}

impl xrpc::ObjectType for Thing {
    const TYPE: &'static str = "com.example.thing";
    const RECORD: bool = false;

    fn read_fields<'de, A: xrpc::MapAccess<'de>>(
        from: &mut xrpc::Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        let (mut count, mut since) = (None, None);
        while let Some(key) = from.next_key()? {
            match &*key {
                "count" => count = Some(from.value()?),
                "since" => since = Some(from.value()?),
                _ => from.keep(key)?,
            }
        }
        Ok(Self {
            count: from.required(count, "count")?,
            since,
            extra: from.extra(),
        })
    }

    fn write_fields<M: xrpc::SerializeMap>(
        &self,
        to: &mut xrpc::ObjectWriter<M>,
    ) -> Result<(), M::Error> {
        to.field("count", &self.count)?;
        to.optional("since", &self.since)?;
        to.extra(&self.extra)
    }
}

xrpc::object!(Thing);

impl xrpc::Validate for Thing {
    fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {
        xrpc::check::maximum(self.count, 100, &at.field("count"), report);
        xrpc::check_extra(&self.extra, at, report);
    }
}

/// An open union.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    Note(Note),
    Thing(Thing),
    Unknown(xrpc::UnknownVariant),
}

impl xrpc::UnionType for Choice {
    fn read_variant<'de, A: xrpc::MapAccess<'de>>(
        type_name: &str,
        from: &mut xrpc::Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        Ok(match type_name {
            "com.example.note" => Self::Note(from.variant()?),
            "com.example.thing" => Self::Thing(from.variant()?),
            _ => Self::Unknown(from.unknown(type_name)?),
        })
    }
}

impl xrpc::Serialize for Choice {
    fn serialize<S: xrpc::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Note(object) => xrpc::write_variant(object, to),
            Self::Thing(object) => xrpc::write_variant(object, to),
            Self::Unknown(object) => object.serialize(to),
        }
    }
}

impl xrpc::Validate for Choice {
    fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {
        match self {
            Self::Note(object) => xrpc::Validate::check(object, at, report),
            Self::Thing(object) => xrpc::Validate::check(object, at, report),
            Self::Unknown(object) => xrpc::Validate::check(object, at, report),
        }
    }
}

xrpc::union_type!(Choice);

/// A closed union.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Note(Note),
}

impl xrpc::UnionType for Kind {
    fn read_variant<'de, A: xrpc::MapAccess<'de>>(
        type_name: &str,
        from: &mut xrpc::Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        const LISTED: &[&str] = &["com.example.note"];
        Ok(match type_name {
            "com.example.note" => Self::Note(from.variant()?),
            _ => return from.unlisted(type_name, LISTED),
        })
    }
}

impl xrpc::Serialize for Kind {
    fn serialize<S: xrpc::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Note(object) => xrpc::write_variant(object, to),
        }
    }
}

impl xrpc::Validate for Kind {
    fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {
        match self {
            Self::Note(object) => xrpc::Validate::check(object, at, report),
        }
    }
}

xrpc::union_type!(Kind);

/// A string with known values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    Happy,
    Other(String),
}

xrpc::known_strings! {
    Mood {
        Happy = "happy",
    }
}
