//! The named filters that programs may use.

use jaq_core::load::parse::Def;
use jaq_core::native::{Filter, Fun, bome, run, unary, v};
use jaq_core::{DataT, Error, Exn, Lut, RunPtr, data};
use jaq_json::{Num, Val, read};

use crate::budget::{charge, charge_bytes, charge_reading, step};
use crate::value::{Result1, Value, charge_text};

/// Programs over [`Value`]s, with a budget.
pub(crate) struct Counted;

/// Leads from a term to what it is, which whoever evaluates one has to ask: so this is where steps
/// are counted.
#[derive(Clone, Copy)]
pub(crate) struct Counter<'a>(pub(crate) &'a Lut<Counted>);

impl DataT for Counted {
    type V<'a> = Value;
    type Data<'a> = Counter<'a>;
}

impl<'a> data::HasLut<'a, Counted> for Counter<'a> {
    fn lut(&self) -> &'a Lut<Counted> {
        step();
        self.0
    }
}

/// Definitions of the standard library that need what programs do not get: the clock, the
/// environment, logs, the end of the process, regular expressions and the mathematics of floats.
const LEFT_OUT: &[&str] = &[
    "stderr",
    "debug",
    "halt",
    "halt_error",
    "logb",
    "significand",
    "pow10",
    "drem",
    "nexttoward",
    "scalb",
    "gamma",
    "capture_of_match",
    "test",
    "scan_",
    "match",
    "capture",
    "splits",
    "sub",
    "gsub",
    "scan",
    "todate",
    "fromdate",
    "@html",
    "@htmld",
    "@uri",
    "@urid",
    "@base64",
    "@base64d",
];

/// Filters that are written in jq.
pub(crate) fn definitions() -> impl Iterator<Item = Def<&'static str>> {
    let all = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    all.filter(|def| !LEFT_OUT.contains(&def.name))
        // Splitting by a regular expression, which has a second argument.
        .filter(|def| def.name != "split" || def.args.len() == 1)
}

/// Filters that are written in Rust.
pub(crate) fn functions() -> impl Iterator<Item = Fun<Counted>> {
    let base = jaq_std::base_funs().filter(|(name, ..)| *name != "halt");
    jaq_core::funs().chain(base).chain(of_values())
}

fn of_values<D: for<'a> DataT<V<'a> = Value>>() -> impl Iterator<Item = Fun<D>> {
    own().into_vec().into_iter().map(run)
}

/// What jaq has for its own values only.
fn own<D: for<'a> DataT<V<'a> = Value>>() -> Box<[Filter<RunPtr<D>>]> {
    Box::new([
        ("fromjson", v(0), |cv| {
            charge_bytes(8 * cv.1.weight());
            bome(from_json(&cv.1))
        }),
        ("tojson", v(0), |cv| {
            bome(Ok(Value::built(Val::from(cv.1.0.to_string()))))
        }),
        ("length", v(0), |cv| bome(length(&cv.1))),
        ("contains", v(1), |cv| {
            unary(cv, |whole, part| {
                charge(whole.weight().saturating_mul(part.weight()) / 256);
                Ok(Value::from(contains(&whole.0, &part.0)))
            })
        }),
        ("has", v(1), |cv| {
            unary(cv, |whole, key| {
                charge_text(&key.0);
                Ok(Value::from(has(&whole.0, &key.0)?))
            })
        }),
        ("indices", v(1), |cv| {
            unary(cv, |whole, part| {
                charge(whole.weight().saturating_mul(part.weight()) / 256);
                indices(&whole.0, &part.0)
            })
        }),
        ("bsearch", v(1), |cv| {
            unary(cv, |whole, item| {
                charge_reading(whole.weight());
                match &whole.0 {
                    Val::Arr(items) => Ok(Value::from(match items.binary_search(&item.0) {
                        Ok(at) => at.cast_signed(),
                        Err(at) => -1 - at.cast_signed(),
                    })),
                    _ => Err(Error::typ(whole, "array")),
                }
            })
        }),
    ])
}

/// Strict JSON, one value.
fn from_json(text: &Value) -> Result1 {
    let Val::TStr(bytes) = &text.0 else {
        return Err(Error::typ(text.clone(), "string"));
    };
    // Which also limits how deep it is nested, before jaq's reader goes that deep.
    let checked = serde_json::from_slice::<serde::de::IgnoredAny>(bytes);
    let failed = |error: &dyn std::fmt::Display| Error::str(format_args!("not JSON: {error}"));
    checked.map_err(|error| failed(&error))?;
    let value = read::parse_single(bytes).map_err(|error| failed(&error))?;
    Ok(Value::built(value))
}

fn length(value: &Value) -> Result1 {
    Ok(Value::built(match &value.0 {
        Val::Null => Val::from(0_usize),
        Val::Num(_) if value.0 < Val::from(0_usize) => return -value.clone(),
        Val::Num(_) => return Ok(value.clone()),
        Val::TStr(text) => {
            charge_reading(text.len() as u64);
            Val::from(String::from_utf8_lossy(text).chars().count())
        }
        Val::BStr(bytes) => Val::from(bytes.len()),
        Val::Arr(items) => Val::from(items.len()),
        Val::Obj(entries) => Val::from(entries.len()),
        Val::Bool(_) => return Err(Error::str(format_args!("{value} has no length"))),
    }))
}

fn contains(whole: &Val, part: &Val) -> bool {
    match (whole, part) {
        (Val::TStr(whole) | Val::BStr(whole), Val::TStr(part) | Val::BStr(part)) => {
            part.is_empty() || whole.windows(part.len()).any(|window| window == &part[..])
        }
        (Val::Arr(whole), Val::Arr(part)) => part
            .iter()
            .all(|part| whole.iter().any(|item| contains(item, part))),
        (Val::Obj(whole), Val::Obj(part)) => part
            .iter()
            .all(|(key, part)| whole.get(key).is_some_and(|item| contains(item, part))),
        _ => whole == part,
    }
}

fn has(whole: &Val, key: &Val) -> Result<bool, Error<Value>> {
    match (whole, key) {
        (Val::Obj(entries), key) => Ok(entries.contains_key(key)),
        (Val::Arr(items), Val::Num(Num::Int(at))) => {
            Ok(usize::try_from(*at).is_ok_and(|at| at < items.len()))
        }
        _ => Err(Error::index(Value(whole.clone()), Value(key.clone()))),
    }
}

fn indices(whole: &Val, part: &Val) -> Result1 {
    let found: Vec<usize> = match (whole, part) {
        (Val::TStr(_) | Val::Arr(_), Val::TStr(empty)) if empty.is_empty() => Vec::new(),
        (Val::Arr(_), Val::Arr(empty)) if empty.is_empty() => Vec::new(),
        (Val::TStr(whole), Val::TStr(part)) => {
            let text = String::from_utf8_lossy(whole);
            let part = String::from_utf8_lossy(part);
            let starts = text.char_indices().enumerate();
            let here = |(number, (at, _)): (usize, (usize, char))| {
                text[at..].starts_with(&*part).then_some(number)
            };
            starts.filter_map(here).collect()
        }
        (Val::Arr(whole), Val::Arr(part)) => {
            let windows = whole.windows(part.len()).enumerate();
            let here = |(at, window): (usize, &[Val])| (window == &part[..]).then_some(at);
            windows.filter_map(here).collect()
        }
        (Val::Arr(whole), part) => {
            let here = |(at, item): (usize, &Val)| (item == part).then_some(at);
            whole.iter().enumerate().filter_map(here).collect()
        }
        _ => return Err(Error::index(Value(whole.clone()), Value(part.clone()))),
    };
    Ok(found.into_iter().map(Value::from).collect())
}

/// What a program that did not succeed says.
pub(crate) fn said(exception: Exn<'_, Value>) -> String {
    match exception.get_err() {
        Ok(error) => match error.into_val().0 {
            Val::TStr(text) => String::from_utf8_lossy(&text).into_owned(),
            other => other.to_string(),
        },
        Err(_) => "it breaks out of what it is not in".to_owned(),
    }
}
