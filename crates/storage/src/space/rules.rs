//! The rules of a space, and the texts that they are stored as.

use std::fmt;
use std::str::FromStr;

/// Whom a space lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpacePolicy {
    /// Everybody.
    Public,
    /// Members with the right for it.
    MemberList,
    /// Whomever this app lets in: a DID, or a DID and the entry of its document to call.
    ManagingApp(String),
}

/// Which apps a space lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppAccess {
    /// Every app.
    Open,
    /// Apps that prove one of these client ids.
    AllowList(Vec<String>),
}

/// A text that is no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a rule of a space")]
pub struct UnknownRule;

impl FromStr for SpacePolicy {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        match text {
            "public" => Ok(Self::Public),
            "members" => Ok(Self::MemberList),
            _ => match text.strip_prefix("app ") {
                Some(app) => Ok(Self::ManagingApp(app.to_owned())),
                None => Err(UnknownRule),
            },
        }
    }
}

impl fmt::Display for SpacePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::MemberList => f.write_str("members"),
            Self::ManagingApp(app) => write!(f, "app {app}"),
        }
    }
}

impl FromStr for AppAccess {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        if text == "open" {
            return Ok(Self::Open);
        }
        let allowed = serde_json::from_str(text).map_err(|_| UnknownRule)?;
        Ok(Self::AllowList(allowed))
    }
}

impl fmt::Display for AppAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::AllowList(allowed) => write!(f, "{}", serde_json::json!(allowed)),
        }
    }
}
