//! Values that may be `*`, and words out of a fixed list.

use std::collections::BTreeSet;

use super::ScopeError;

/// One value, or any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice<T> {
    /// `*`.
    Any,
    /// Only this one.
    One(T),
}

/// Some values, or any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choices<T> {
    /// `*`, perhaps beside others that it makes superfluous.
    Any,
    /// Only these; none of them allows nothing.
    Of(BTreeSet<T>),
}

impl<T: AsRef<str>> Choice<T> {
    /// Whether it takes this value. Where no value is given, it must take every one.
    pub(super) fn takes(&self, value: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => value == Some(one.as_ref()),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::One(one) => one.as_ref(),
        }
    }
}

impl<T: Ord + AsRef<str> + std::borrow::Borrow<str>> Choices<T> {
    /// Whether the value is among them.
    pub(super) fn take(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(these) => these.contains(value),
        }
    }

    pub(super) fn as_strs(&self) -> Vec<&str> {
        match self {
            Self::Any => vec!["*"],
            Self::Of(these) => these.iter().map(AsRef::as_ref).collect(),
        }
    }
}

/// Reads `*` or a value.
pub(super) fn choice<'a, T: TryFrom<&'a str>>(
    text: &'a str,
    param: &'static str,
) -> Result<Choice<T>, ScopeError> {
    match text {
        "*" => Ok(Choice::Any),
        text => T::try_from(text)
            .map(Choice::One)
            .map_err(|_| ScopeError::Value { param }),
    }
}

/// Reads values of which some may be `*`.
pub(super) fn choices<'a, T: TryFrom<&'a str> + Ord>(
    texts: impl Iterator<Item = &'a str>,
    param: &'static str,
) -> Result<Choices<T>, ScopeError> {
    let mut these = BTreeSet::new();
    let mut any = false;
    for text in texts {
        match choice(text, param)? {
            Choice::Any => any = true,
            Choice::One(one) => {
                these.insert(one);
            }
        }
    }
    Ok(if any {
        Choices::Any
    } else {
        Choices::Of(these)
    })
}

/// A word of a fixed list; the order of the list is the canonical one.
pub(super) trait Word: Copy + Ord + 'static {
    const ALL: &'static [Self];

    fn word(self) -> &'static str;

    fn read(text: &str, param: &'static str) -> Result<Self, ScopeError> {
        let mut all = Self::ALL.iter().copied();
        all.find(|known| known.word() == text)
            .ok_or(ScopeError::Value { param })
    }

    fn read_all<'a>(
        texts: impl Iterator<Item = &'a str>,
        param: &'static str,
    ) -> Result<BTreeSet<Self>, ScopeError> {
        texts.map(|text| Self::read(text, param)).collect()
    }
}
