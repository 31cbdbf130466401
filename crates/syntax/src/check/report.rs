//! What was found wrong.

use std::fmt;

use super::At;

/// What kind of rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The value is of another type.
    InvalidType,
    /// The text is not of the format.
    InvalidFormat,
    /// The value is not one of those allowed (`const`, `enum`, closed unions, `accept`).
    InvalidValue,
    /// A required field is absent.
    RequiredKey,
    /// Over a maximum.
    TooBig,
    /// Under a minimum.
    TooSmall,
    /// The schema refers to something that the catalog does not have, or cannot be used.
    UnusableSchema,
    /// The value is nested deeper or is larger than the validator goes.
    TooComplex,
}

impl Code {
    /// The name on the wire: `invalid_type` and so on.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidType => "invalid_type",
            Self::InvalidFormat => "invalid_format",
            Self::InvalidValue => "invalid_value",
            Self::RequiredKey => "required_key",
            Self::TooBig => "too_big",
            Self::TooSmall => "too_small",
            Self::UnusableSchema => "unusable_schema",
            Self::TooComplex => "too_complex",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a JSONPath.
    pub path: String,
    /// Which kind of rule.
    pub code: Code,
    /// What was expected and what was found, for people.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Characters of a message: a hostile value must not come back a hundredfold.
const LONGEST_MESSAGE: usize = 1000;

/// What a check found so far, and how far it may still go.
#[derive(Debug)]
pub struct Report {
    violations: Vec<Violation>,
    /// How many are left, and one more for saying that there are none.
    steps: u32,
    strict_blobs: bool,
}

impl Report {
    /// At most this many violations are kept, enough to mend a record, too few to fill memory; and one
    /// that says so, if there are more.
    pub const MOST: usize = 100;

    /// How many values a check visits before it gives up: more than any body of 1 MiB can hold.
    pub const STEPS: u32 = 1 << 20;

    /// How deep a check goes: as deep as serde_json reads, so that both validators stop alike.
    pub const DEPTH: u32 = 128;

    /// Comparisons that count as one step: more than any sensible `enum` has values, so that only a
    /// schema made to be slow is charged for.
    pub const PER_STEP: usize = 64;

    /// Nothing found yet; blobs are checked as strictly as for a write.
    pub fn new() -> Self {
        Self {
            violations: Vec::new(),
            steps: Self::STEPS,
            strict_blobs: true,
        }
    }

    /// Gives up after visiting this many values.
    #[must_use]
    pub fn with_steps(mut self, steps: u32) -> Self {
        self.steps = steps.saturating_add(1);
        self
    }

    /// Checks of blobs only that they are blobs: for reading what others wrote.
    ///
    /// Without this, the older form and what `accept` and `maxSize` do not allow are violations.
    #[must_use]
    pub fn with_lenient_blobs(mut self) -> Self {
        self.strict_blobs = false;
        self
    }

    /// Whether `accept`, `maxSize` and the form of blobs are checked.
    pub fn strict_blobs(&self) -> bool {
        self.strict_blobs
    }

    /// To be called on every value before looking into it; `false` means that the check must not
    /// go into this value, because it is too deep or there were too many. Notes the violation.
    #[inline]
    pub fn enter(&mut self, at: &At<'_>) -> bool {
        if at.depth() <= Self::DEPTH && self.steps > 1 {
            self.steps -= 1;
            return true;
        }
        self.refuse(at);
        false
    }

    /// Notes why a value must not be entered; that there were too many, once.
    #[cold]
    fn refuse(&mut self, at: &At<'_>) {
        if at.depth() > Self::DEPTH {
            let most = Self::DEPTH;
            let message = format_args!("nested deeper than {most} levels");
            self.push(at, Code::TooComplex, message);
        } else if self.steps == 1 {
            self.steps = 0;
            self.push(at, Code::TooComplex, "too many values; the check ends here");
        }
    }

    /// Counts work on the value last entered that its schema multiplies, such as a long `enum`: so
    /// many times [`Report::PER_STEP`] comparisons are one step.
    pub fn spend(&mut self, comparisons: usize) {
        let steps = u32::try_from(comparisons / Self::PER_STEP).unwrap_or(u32::MAX);
        // The last step is the one at which `enter` says that the check ends.
        self.steps = self.steps.saturating_sub(steps).max(self.steps.min(1));
    }

    /// Notes a violation.
    #[cold]
    pub fn push(&mut self, at: &At<'_>, code: Code, message: impl fmt::Display) {
        if self.violations.len() < Self::MOST {
            self.keep(at, code, message);
        } else if !self.is_full() {
            let most = Self::MOST;
            let message = format_args!("more is wrong from here on: the first {most} are told");
            self.keep(at, Code::TooComplex, message);
        }
    }

    fn keep(&mut self, at: &At<'_>, code: Code, message: impl fmt::Display) {
        let mut message = message.to_string();
        if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        self.violations.push(Violation {
            path: at.to_string(),
            code,
            message,
        });
    }

    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Whether nothing more would be kept, so that a check may stop early.
    pub fn is_full(&self) -> bool {
        self.violations.len() > Self::MOST
    }

    /// What was found so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Everything that was found, or `Ok`.
    pub fn finish(self) -> Result<(), Vec<Violation>> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(self.violations)
        }
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{enum_integer, enum_string};
    use super::{At, Code, Report};

    #[test]
    fn gives_up_once() {
        let mut report = Report::new().with_steps(3);
        let entered = (0..10).filter(|_| report.enter(&At::ROOT)).count();
        assert_eq!(entered, 3);
        let codes: Vec<_> = report
            .violations()
            .iter()
            .map(|violation| violation.code)
            .collect();
        assert_eq!(codes, [Code::TooComplex]);
    }

    #[test]
    fn long_comparisons_cost_steps() {
        let entered = |comparisons: usize| {
            let mut report = Report::new().with_steps(10);
            let mut entered = 0;
            for _ in 0..20 {
                entered += u32::from(report.enter(&At::ROOT));
                report.spend(comparisons);
            }
            let said = report.finish().map_err(|violations| violations.len());
            assert_eq!(said, Err(1), "once, whatever was spent");
            entered
        };
        assert_eq!(entered(Report::PER_STEP - 1), 10);
        assert_eq!(entered(Report::PER_STEP), 5);
        assert_eq!(entered(3 * Report::PER_STEP), 3);
        assert_eq!(entered(usize::MAX), 1);
    }

    #[test]
    fn spending_never_brings_steps_back() {
        let mut report = Report::new().with_steps(1);
        assert!(report.enter(&At::ROOT));
        assert!(!report.enter(&At::ROOT));
        report.spend(usize::MAX);
        assert!(!report.enter(&At::ROOT));
        assert_eq!(report.violations().len(), 1);
    }

    #[test]
    fn long_enums_are_charged_for() {
        let allowed: Vec<i64> = (0..10 * Report::PER_STEP as i64).collect();
        let names: Vec<String> = allowed.iter().map(i64::to_string).collect();
        let mut report = Report::new().with_steps(21);
        assert!(report.enter(&At::ROOT));
        enum_integer(0, &allowed, &At::ROOT, &mut report);
        enum_string("0", &names, &At::ROOT, &mut report);
        assert!(report.is_clean());
        assert!(!report.enter(&At::ROOT));
    }

    #[test]
    fn as_many_as_are_kept_are_all() {
        let mut report = Report::new();
        for _ in 0..Report::MOST {
            report.push(&At::ROOT, Code::TooBig, "large");
        }
        let all = report.finish().expect_err("a lot is wrong");
        assert_eq!(all.len(), Report::MOST);
        assert!(all.iter().all(|violation| violation.code == Code::TooBig));
    }

    #[test]
    fn is_bounded() {
        let mut report = Report::new();
        for _ in 0..1000 {
            report.push(
                &At::ROOT.field(&"é".repeat(5000)),
                Code::TooBig,
                "é".repeat(5000),
            );
        }
        let first = &report.violations()[0];
        assert_eq!(first.message.chars().count(), 1001);
        assert_eq!(first.path, format!("$['{}…']", "é".repeat(128)));
        let all = report.finish().expect_err("a lot is wrong");
        assert_eq!(all.len(), Report::MOST + 1);
        assert_eq!(all[Report::MOST].code, Code::TooComplex);
        assert!(all[Report::MOST].message.starts_with("more is wrong"));
    }

    #[test]
    fn does_not_go_too_deep() {
        fn down(at: &At<'_>, report: &mut Report) -> u32 {
            if report.enter(at) {
                down(&at.index(0), report)
            } else {
                at.depth()
            }
        }
        assert_eq!(down(&At::ROOT, &mut Report::new()), Report::DEPTH + 1);
    }
}
