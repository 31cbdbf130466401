//! What somebody wants to be told of.

use loggia_syntax::{Did, Handle};

use crate::reference::{MAX_LENGTH, SCHEME, is_rkey};
use crate::{Action, Pattern};

/// What somebody wants to be told of: an account, one of its collections, or one record; perhaps what
/// other records refer to it as well.
///
/// One text and where its parts end in it: there may be a million.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    text: Box<str>,
    /// Where the account ends.
    account: u16,
    /// Where the collection ends; where the account does if there is none.
    collection: u16,
    backlinks: bool,
    actions: Actions,
}

/// Some of the three [`Action`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Actions(u8);

/// Why a text is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// Empty or too long.
    #[error("a scope has 1 to 2048 characters")]
    Length,
    /// Something else.
    #[error("a scope starts with `at://`")]
    Scheme,
    /// More than that.
    #[error("a scope is an account, perhaps a collection, perhaps a record key")]
    Segments,
    /// A handle, or a DID that nobody can have.
    #[error("the account of a scope is a `did:plc` of 24 characters or a `did:web` of a host name")]
    Account,
    /// See [`Pattern::new`].
    #[error("the collection of a scope has 1 to 253 letters, digits, `.`, `-` and `*`")]
    Collection,
    /// Longer, or of other characters.
    #[error("the record key of a scope has 1 to 512 letters, digits and `._~:%@+-`")]
    RecordKey,
}

impl Scope {
    /// Reads `at://DID[/COLLECTION[/RKEY]]`; the collection may have `*`s.
    pub fn read(text: &str, backlinks: bool, actions: Actions) -> Result<Self, InvalidScope> {
        if !(1..=MAX_LENGTH).contains(&text.len()) {
            return Err(InvalidScope::Length);
        }
        let path = text.strip_prefix(SCHEME).ok_or(InvalidScope::Scheme)?;
        let mut segments = path.split('/');
        let did = segments.next().unwrap_or_default();
        let collection = segments.next();
        let rkey = segments.next();
        if segments.next().is_some() {
            return Err(InvalidScope::Segments);
        }
        if collection.is_some_and(|text| Pattern::new(text).is_none()) {
            return Err(InvalidScope::Collection);
        }
        if !rkey.is_none_or(is_rkey) {
            return Err(InvalidScope::RecordKey);
        }
        if !is_account(did) {
            return Err(InvalidScope::Account);
        }
        let account = SCHEME.len() + did.len();
        let end = collection.map_or(account, |text| account + "/".len() + text.len());
        let place = |at| u16::try_from(at).map_err(|_| InvalidScope::Length);
        Ok(Self {
            text: text.into(),
            account: place(account)?,
            collection: place(end)?,
            backlinks,
            actions,
        })
    }

    /// The account.
    pub fn did(&self) -> Did {
        Did::new(self.account()).expect("it was one when the scope was read")
    }

    /// The account, as text.
    pub(crate) fn account(&self) -> &str {
        &self.text[SCHEME.len()..self.account.into()]
    }

    /// The collection, if it is not all of them.
    pub fn collection(&self) -> Option<Pattern<'_>> {
        let text = &self.text[self.account.into()..self.collection.into()];
        Pattern::new(text.strip_prefix('/')?)
    }

    /// The record key, if it is not all records. It may be one that no record can have.
    pub fn rkey(&self) -> Option<&str> {
        self.text[self.collection.into()..].strip_prefix('/')
    }

    /// Whether this is in it: an account, one of its collections, or one record, of the scope's account.
    pub(crate) fn covers(&self, collection: Option<&str>, rkey: Option<&str>) -> bool {
        let fits = |pattern: Pattern<'_>| collection.is_some_and(|text| pattern.matches(text));
        self.collection().is_none_or(fits) && self.rkey().is_none_or(|own| rkey == Some(own))
    }

    /// Whether it is about records that refer to it as well.
    pub fn backlinks(&self) -> bool {
        self.backlinks
    }

    /// Which changes it is about.
    pub fn actions(&self) -> Actions {
        self.actions
    }
}

/// Whether this is a DID that somebody can have: of `did:plc`, or of `did:web` with a host's name and
/// nothing else.
fn is_account(text: &str) -> bool {
    let base32 = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
    let good = match (text.strip_prefix("did:plc:"), text.strip_prefix("did:web:")) {
        (Some(id), _) => id.len() == 24 && id.bytes().all(base32),
        (_, Some(host)) => Handle::check(host).is_ok(),
        _ => false,
    };
    good && Did::check(text).is_ok()
}

impl Actions {
    /// All three.
    pub const ALL: Self = Self(0b111);

    /// These; all three if it is none.
    pub fn of(actions: impl IntoIterator<Item = Action>) -> Self {
        let bits = actions
            .into_iter()
            .fold(0, |bits, action| bits | bit(action));
        if bits == 0 { Self::ALL } else { Self(bits) }
    }

    /// Whether this is one of them.
    pub fn contains(self, action: Action) -> bool {
        self.0 & bit(action) != 0
    }
}

fn bit(action: Action) -> u8 {
    match action {
        Action::Create => 1,
        Action::Update => 2,
        Action::Delete => 4,
    }
}
