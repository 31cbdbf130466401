//! The two versions of Wisp's service.

use std::fmt;
use std::str::FromStr;

use loggia_delivery::{Profile, UnknownName};

/// Which of the two versions of Wisp's service is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// What its documentation shows: three attempts, members in the order of the page.
    #[default]
    First,
    /// The newer service: twelve attempts, names by hash, canonical JSON.
    Second,
}

impl Version {
    /// The wire profile of its deliveries.
    pub const fn profile(self) -> Profile {
        match self {
            Self::First => Profile::Wisp,
            Self::Second => Profile::Wisp2,
        }
    }
}

impl fmt::Display for Version {
    /// As in settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "1",
            Self::Second => "2",
        })
    }
}

impl FromStr for Version {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "1" => Ok(Self::First),
            "2" => Ok(Self::Second),
            _ => Err(UnknownName(name.to_owned())),
        }
    }
}
