//! Taking settings one by one: each is read as what it should be, and is no unknown one any more.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::SignedDuration;
use loggia_storage::Location;

use super::Given;
use crate::config::SETTINGS;
use crate::daily::Kept;

impl Given {
    /// What is wrong with it is said without it: it may hold a password.
    pub(super) fn take_database(&mut self) -> Option<Location> {
        let (text, source) = self.values.remove("database_url")?;
        if text.is_empty() {
            return None;
        }
        let parsed = text.parse::<Location>();
        parsed
            .map_err(|error| self.mistake("database_url", &source, error.to_string()))
            .ok()
    }

    /// What is written one after another, with commas.
    pub(super) fn take_list<T: FromStr<Err: Display>>(&mut self, name: &str) -> Vec<T> {
        let Some((text, source)) = self.values.remove(name) else {
            return Vec::new();
        };
        let mut list = Vec::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match part.parse() {
                Ok(one) => list.push(one),
                Err(error) => self.mistake(name, &source, format!("`{part}`: {error}")),
            }
        }
        list
    }

    pub(super) fn take_count(&mut self, name: &'static str) -> u32 {
        self.take(name).unwrap_or_default()
    }

    pub(super) fn take_kept(&mut self) -> Kept {
        Kept {
            delivered: self.take_days("keep_delivered_days"),
            dead_letters: self.take_days("keep_dead_letters_days"),
            source_events: self.take_days("keep_source_events_days"),
            space_log: self.take_days("keep_space_log_days"),
        }
    }

    pub(super) fn take_days(&mut self, name: &str) -> SignedDuration {
        SignedDuration::from_hours(24 * self.take_within::<i64>(name, 1..=3650))
    }

    /// A number of a range; its start where something else was given.
    pub(super) fn take_within<T>(&mut self, name: &str, range: RangeInclusive<T>) -> T
    where
        T: FromStr<Err: Display> + PartialOrd + Display + Copy,
    {
        let (least, most) = (*range.start(), *range.end());
        let source = self.values.get(name).map(|(_, source)| source.clone());
        let number = self.take(name).unwrap_or(least);
        if range.contains(&number) {
            return number;
        }
        let message = format!("{number} is not within {least} to {most}");
        self.mistake(name, source.as_deref().unwrap_or("as set"), message);
        least
    }

    /// A number of a range, if one was given.
    pub(super) fn take_optional_within<T>(
        &mut self,
        name: &str,
        range: RangeInclusive<T>,
    ) -> Option<T>
    where
        T: FromStr<Err: Display> + PartialOrd + Display + Copy,
    {
        let given = self.values.get(name);
        if given.is_none_or(|(text, _)| text.is_empty()) {
            // An empty one is none, and no unknown setting either.
            self.values.remove(name);
            return None;
        }
        Some(self.take_within(name, range))
    }

    pub(super) fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let default = SETTINGS
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, default, _)| *default);
        let default = (default.unwrap_or_default().to_owned(), "default".to_owned());
        let (text, source) = self.values.remove(name).unwrap_or(default);
        self.parse(name, &text, &source)
    }

    pub(super) fn take_optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let (text, source) = self.values.remove(name)?;
        if text.is_empty() {
            None
        } else {
            self.parse(name, &text, &source)
        }
    }

    pub(super) fn parse<T: FromStr<Err: Display>>(
        &mut self,
        name: &str,
        text: &str,
        source: &str,
    ) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.mistake(name, source, format!("`{text}`: {error}"));
                None
            }
        }
    }
}
