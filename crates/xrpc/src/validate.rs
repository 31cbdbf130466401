//! Checking what types cannot hold.

use loggia_syntax::check::{self, At, Report, Violation};
use loggia_syntax::data::Data;

use crate::{Extra, UnknownVariant};

/// A value with constraints beyond its types. Generated for every type; recursive.
pub trait Validate {
    /// Reports every violation in this value, which stands at `at`.
    fn check(&self, at: &At<'_>, report: &mut Report);

    /// Every violation in this value, or `Ok`.
    fn validate(&self) -> Result<(), Vec<Violation>> {
        let mut report = Report::new();
        self.check(&At::ROOT, &mut report);
        report.finish()
    }
}

impl<T: Validate> Validate for Box<T> {
    fn check(&self, at: &At<'_>, report: &mut Report) {
        T::check(self, at, report);
    }
}

impl Validate for Data {
    fn check(&self, at: &At<'_>, report: &mut Report) {
        self.check(at, report);
    }
}

impl Validate for UnknownVariant {
    /// The lexicon says nothing about it, but it must be in the data model.
    fn check(&self, at: &At<'_>, report: &mut Report) {
        if !report.enter(at) {
            return;
        }
        check::unlisted(&self.type_name, &self.fields, at, report);
    }
}

impl UnknownVariant {
    /// Reports that no variant is right, for a closed union that lists none.
    pub fn refuse(&self, at: &At<'_>, report: &mut Report) {
        if self.type_name.is_empty() {
            return check::type_field("an empty one", at, report);
        }
        check::closed_union::<&str>(&self.type_name, &[], at, report);
    }
}

/// Reports what is wrong with the fields that a lexicon does not name.
#[inline]
pub fn check_extra(extra: &Extra, at: &At<'_>, report: &mut Report) {
    if !extra.is_empty() {
        check_some(extra, at, report);
    }
}

fn check_some(extra: &Extra, at: &At<'_>, report: &mut Report) {
    for (name, value) in extra {
        match (name.as_str(), value) {
            ("$type", Data::String(name)) if name.is_empty() => {
                check::type_field("an empty one", at, report);
            }
            ("$type", Data::String(_)) => {}
            ("$type", other) => check::type_field(other.type_name(), at, report),
            (name, value) => value.check(&at.field(name), report),
        }
    }
}
