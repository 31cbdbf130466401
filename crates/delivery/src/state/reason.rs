//! Why a delivery ended without having arrived.

use std::str::FromStr;

use crate::UnknownName;

/// Which rule gave a delivery up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbandonReason {
    /// The last outcome was permanent.
    Permanent,
    /// The schedule has no more attempts.
    AttemptsUsedUp,
    /// What is stored of it cannot be read.
    Unreadable,
}

/// Why a delivery will not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The endpoint answered 410.
    Gone,
    /// The endpoint is disabled.
    Disabled,
    /// A newer delivery of the same topic to the same endpoint took its place.
    Superseded,
    /// Its owner cancelled it.
    Owner,
    /// Its owner muted what it says.
    Muted,
    /// What its owner wants told, or where, changed before it went out.
    Changed,
}

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),* }) => {
        impl $type {
            /// The name in storage.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(UnknownName(name.to_owned())),
                }
            }
        }
    };
}

names!(AbandonReason {
    Permanent = "permanent",
    AttemptsUsedUp = "attempts_used_up",
    Unreadable = "unreadable"
});
names!(CancelReason {
    Gone = "gone",
    Disabled = "disabled",
    Superseded = "superseded",
    Owner = "owner",
    Muted = "muted",
    Changed = "changed"
});
