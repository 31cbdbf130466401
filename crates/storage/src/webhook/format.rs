//! The forms that what a webhook is told can have.

use std::str::FromStr;

use loggia_delivery::UnknownName;

/// In which form a webhook is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WebhookFormat {
    /// What Discord reads, and whatever reads the same.
    Discord,
    /// What Slack reads.
    Slack,
    /// The facts as JSON, for programs.
    Json,
}

impl WebhookFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Discord, Self::Slack, Self::Json];

    /// The name in storage and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discord => "discord",
            Self::Slack => "slack",
            Self::Json => "json",
        }
    }
}

impl FromStr for WebhookFormat {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == name);
        found.ok_or_else(|| UnknownName(name.to_owned()))
    }
}
