//! The values that programs work with: jaq's, each weighed when it is built.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, ValR, ValT, ValX};
use jaq_json::{Num, Val};

use crate::budget::{MOST_VALUE, Spent, charge, charge_bytes, charge_reading, stop};
use crate::update;

/// What one entry weighs beside its text.
const ENTRY: u64 = 16;
/// Values are nested no deeper: dropping and comparing them goes by the stack.
const MOST_NESTED: u32 = 192;
/// Longer integers are refused: what is done with them grows with the square of their length.
const MOST_BITS: u64 = 1024;
/// The same for numbers with a fraction, which are read anew whenever something is done with them.
const MOST_DIGITS: usize = 4096;

/// A value that weighs no more than [`MOST_VALUE`].
#[derive(Clone, Debug)]
pub(crate) struct Value(pub(crate) Val);

/// What values give or the error, which is a value as well.
pub(crate) type Result1 = ValR<Value>;

impl Value {
    /// Weighs what was built. It is stopped here if it is too heavy, so that nothing that works on
    /// values works on more than that.
    pub(crate) fn built(val: Val) -> Self {
        charge_bytes(weigh(&val));
        Self(val)
    }

    /// The same for what may have failed.
    pub(crate) fn of(result: Result<Val, Error<Val>>) -> Result1 {
        match result {
            Ok(val) => Ok(Self::built(val)),
            Err(error) => Err(Error::new(Self::built(error.into_val()))),
        }
    }

    /// The bytes of it.
    pub(crate) fn weight(&self) -> u64 {
        weigh(&self.0)
    }
}

/// The bytes of a value.
fn weigh(val: &Val) -> u64 {
    let mut weight = 0;
    add_weight(val, 0, &mut weight);
    weight
}

fn add_weight(val: &Val, nested: u32, weight: &mut u64) {
    *weight += ENTRY;
    match val {
        Val::Null | Val::Bool(_) => {}
        Val::Num(Num::BigInt(number)) => {
            if number.bits() > MOST_BITS {
                stop(Spent::Value);
            }
            *weight += MOST_BITS / 8;
        }
        Val::Num(Num::Dec(digits)) => {
            if digits.len() > MOST_DIGITS {
                stop(Spent::Value);
            }
            *weight += digits.len() as u64;
        }
        Val::Num(_) => {}
        Val::BStr(bytes) | Val::TStr(bytes) => *weight += bytes.len() as u64,
        Val::Arr(items) => {
            for item in items.iter() {
                add_weight(item, nested + 1, weight);
            }
        }
        Val::Obj(entries) => {
            for (key, value) in entries.iter() {
                add_weight(key, nested + 1, weight);
                add_weight(value, nested + 1, weight);
            }
        }
    }
    if *weight > MOST_VALUE || nested > MOST_NESTED {
        stop(Spent::Value);
    }
}

/// A list of so many items, before it is made.
pub(crate) fn charge_length(items: usize) {
    if (items as u64).saturating_mul(ENTRY) > MOST_VALUE {
        stop(Spent::Value);
    }
}

/// What looking through a text takes: nothing for what is none.
pub(crate) fn charge_text(val: &Val) {
    if let Val::TStr(bytes) | Val::BStr(bytes) = val {
        charge_reading(bytes.len() as u64);
    }
}

/// What comparing takes: nothing for what has no parts. Weighing looks through both.
fn charge_comparing(one: &Val, other: &Val) {
    match (one, other) {
        (Val::TStr(one) | Val::BStr(one), Val::TStr(other) | Val::BStr(other)) => {
            charge_reading(one.len().min(other.len()) as u64);
        }
        (Val::Arr(_) | Val::Obj(_), Val::Arr(_) | Val::Obj(_)) => {
            let (one, other) = (weigh(one), weigh(other));
            charge_reading(one + other);
            charge_bytes(one.min(other));
        }
        _ => {}
    }
}

impl ValT for Value {
    fn from_num(number: &str) -> Result1 {
        Self::of(Val::from_num(number))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> Result1 {
        let mut built = Weighing::default();
        let entries = entries.into_iter().map(|(key, value)| {
            built.add(&key.0);
            built.add(&value.0);
            (key.0, value.0)
        });
        Ok(Self(Val::obj(entries.collect())))
    }

    fn key_values(self) -> Box<dyn Iterator<Item = ValR<(Self, Self), Self>>> {
        charge_bytes(self.weight());
        Box::new(self.0.key_values().map(|entry| match entry {
            Ok((key, value)) => Ok((Self(key), Self(value))),
            Err(error) => Err(Error::new(Self(error.into_val()))),
        }))
    }

    fn values(self) -> Box<dyn Iterator<Item = Result1>> {
        charge_bytes(self.weight());
        Box::new(self.0.values().map(|value| match value {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Error::new(Self(error.into_val()))),
        }))
    }

    fn index(self, index: &Self) -> Result1 {
        if let (Val::Arr(all), Val::Arr(part)) = (&self.0, &index.0) {
            // Every place of the one is compared with the whole of the other.
            charge((all.len() as u64).saturating_mul(1 + part.len() as u64));
        }
        charge(1);
        charge_text(&index.0);
        match self.0.index(&index.0) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Error::new(Self::built(error.into_val()))),
        }
    }

    fn range(self, range: Range<&Self>) -> Result1 {
        charge_text(&self.0);
        let range = range.start.map(|at| &at.0)..range.end.map(|at| &at.0);
        Self::of(self.0.range(range))
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        update::values(self, opt, f)
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        update::index(self, index, opt, f)
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        update::range(self, range, opt, f)
    }

    fn as_bool(&self) -> bool {
        self.0.as_bool()
    }

    fn into_string(self) -> Self {
        Self::built(self.0.into_string())
    }
}

impl jaq_std::ValT for Value {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match self.0 {
            Val::Arr(items) => {
                charge(1 + items.len() as u64);
                Ok(items.iter().cloned().map(Self).collect())
            }
            other => Err(Self(other)),
        }
    }

    fn is_int(&self) -> bool {
        jaq_std::ValT::is_int(&self.0)
    }

    fn as_isize(&self) -> Option<isize> {
        jaq_std::ValT::as_isize(&self.0)
    }

    fn as_f64(&self) -> Option<f64> {
        jaq_std::ValT::as_f64(&self.0)
    }

    fn is_utf8_str(&self) -> bool {
        jaq_std::ValT::is_utf8_str(&self.0)
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        charge_text(&self.0);
        jaq_std::ValT::as_bytes(&self.0)
    }

    fn as_sub_str(&self, sub: &[u8]) -> Self {
        Self(jaq_std::ValT::as_sub_str(&self.0, sub))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::built(<Val as jaq_std::ValT>::from_utf8_bytes(bytes))
    }
}

/// Weighs a list while it is collected, so that an endless one is stopped in time.
#[derive(Default)]
struct Weighing(u64);

impl Weighing {
    fn add(&mut self, val: &Val) {
        let before = self.0;
        add_weight(val, 1, &mut self.0);
        charge_bytes(self.0 - before);
    }
}

impl FromIterator<Self> for Value {
    fn from_iter<T: IntoIterator<Item = Self>>(items: T) -> Self {
        let mut built = Weighing::default();
        let items = items.into_iter().map(|item| {
            built.add(&item.0);
            item.0
        });
        Self(items.collect())
    }
}

/// Operators that work on both sides as a whole.
macro_rules! operators {
    ($($operator:ident, $method:ident, $charge:expr;)*) => { $(
        impl $operator for Value {
            type Output = Result1;

            fn $method(self, other: Self) -> Result1 {
                let charging: fn(&Val, &Val) = $charge;
                charging(&self.0, &other.0);
                Self::of($operator::$method(self.0, other.0))
            }
        }
    )* };
}

operators! {
    Add, add, |_, _| {};
    Sub, sub, |one, other| charge_bytes(8 * (weigh(one) + weigh(other)));
    Mul, mul, charge_repeating;
    Div, div, |_, _| {};
    Rem, rem, |_, _| {};
}

/// A text times a number is the text so many times: weighed before it is written.
fn charge_repeating(one: &Val, other: &Val) {
    let (text, times) = match (one, other) {
        (Val::TStr(text) | Val::BStr(text), times) | (times, Val::TStr(text) | Val::BStr(text)) => {
            (text, times)
        }
        _ => return,
    };
    let times = match times {
        Val::Num(Num::Int(times)) => u64::try_from(*times).unwrap_or(0),
        Val::Num(_) => u64::MAX,
        _ => return,
    };
    if times.saturating_mul(text.len() as u64) > MOST_VALUE {
        stop(Spent::Value);
    }
}

impl Neg for Value {
    type Output = Result1;

    fn neg(self) -> Result1 {
        Self::of(-self.0)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        charge_comparing(&self.0, &other.0);
        self.0 == other.0
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        charge_comparing(&self.0, &other.0);
        self.0.cmp(&other.0)
    }
}

/// What has a fixed size, or was weighed as what it is made of.
macro_rules! from {
    ($($type:ty),*) => { $(
        impl From<$type> for Value {
            fn from(from: $type) -> Self {
                Self::built(Val::from(from))
            }
        }
    )* };
}

from!(bool, isize, usize, f64, String);

impl From<Range<Self>> for Value {
    fn from(range: Range<Self>) -> Self {
        Self::built(Val::from(
            range.start.map(|at| at.0)..range.end.map(|at| at.0),
        ))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
