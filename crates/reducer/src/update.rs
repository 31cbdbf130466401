//! Changing parts of a value: `.a |= f`, `.[] |= f`, `.[1:2] |= f`.

use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, Exn, ValT as _, ValX};
use jaq_json::{Num, Rc, Val};

use crate::value::{Value, charge_length};

/// Changes every child.
pub(crate) fn values<'a, I: Iterator<Item = ValX<'a, Value>>>(
    value: Value,
    opt: Opt,
    f: impl Fn(Value) -> I,
) -> ValX<'a, Value> {
    match value.0 {
        Val::Arr(items) => {
            let items = items.iter().cloned().map(Value);
            items.flat_map(f).collect()
        }
        Val::Obj(entries) => {
            let mut changed = Vec::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                if let Some(value) = f(Value(value.clone())).next() {
                    changed.push((Value(key.clone()), value?));
                }
            }
            Ok(Value::from_map(changed)?)
        }
        other => opt.fail(Value(other), |value| cannot(value, "an array or object")),
    }
}

/// Changes the child at an index.
pub(crate) fn index<'a, I: Iterator<Item = ValX<'a, Value>>>(
    value: Value,
    index: &Value,
    opt: Opt,
    f: impl Fn(Value) -> I,
) -> ValX<'a, Value> {
    match (value.0, &index.0) {
        (Val::Null, Val::TStr(_)) => {
            let empty = Value::from_map([])?;
            self::index(empty, index, opt, f)
        }
        (Val::Null, Val::Num(Num::Int(at))) => item(Rc::default(), *at, opt, f),
        (Val::Obj(mut entries), key) => {
            let map = Rc::make_mut(&mut entries);
            let old = map.get(key).cloned().unwrap_or(Val::Null);
            match f(Value(old)).next().transpose()? {
                Some(new) => {
                    map.insert(key.clone(), new.0);
                }
                None => {
                    map.shift_remove(key);
                }
            }
            Ok(Value::built(Val::Obj(entries)))
        }
        (Val::Arr(items), Val::Num(Num::Int(at))) => item(items, *at, opt, f),
        (whole, Val::Obj(bounds)) => {
            let bound = |name: &str| bounds.get(&Val::from(name.to_owned())).cloned().map(Value);
            let (start, end) = (bound("start"), bound("end"));
            range(Value(whole), start.as_ref()..end.as_ref(), opt, f)
        }
        (other, _) => opt.fail(Value(other), |value| cannot(value, "an array or object")),
    }
}

/// Changes the item at an index. One beyond the end is null before, and so are those in between
/// afterwards.
fn item<'a, I: Iterator<Item = ValX<'a, Value>>>(
    mut items: Rc<Vec<Val>>,
    index: isize,
    opt: Opt,
    f: impl Fn(Value) -> I,
) -> ValX<'a, Value> {
    let Some(at) = place(index, items.len()) else {
        let whole = Value(Val::Arr(items));
        return opt.fail(whole, |_| {
            Exn::from(Error::str(format_args!("index {index} is out of bounds")))
        });
    };
    let old = items.get(at).cloned().unwrap_or_default();
    let new = f(Value(old)).next().transpose()?;
    let list = Rc::make_mut(&mut items);
    match new {
        Some(new) => {
            if at >= list.len() {
                charge_length(at);
                list.resize(at + 1, Val::Null);
            }
            list[at] = new.0;
        }
        None if at < list.len() => {
            list.remove(at);
        }
        None => {}
    }
    Ok(Value::built(Val::Arr(items)))
}

/// Changes a slice of an array. Slices of texts are not changed in place: they can be cut and joined.
pub(crate) fn range<'a, I: Iterator<Item = ValX<'a, Value>>>(
    value: Value,
    range: Range<&Value>,
    opt: Opt,
    f: impl Fn(Value) -> I,
) -> ValX<'a, Value> {
    let Val::Arr(mut items) = value.0 else {
        return opt.fail(value, |value| cannot(value, "an array"));
    };
    let length = items.len();
    let start = bound(range.start, length, 0);
    let end = bound(range.end, length, length);
    let (Some(start), Some(end)) = (start, end) else {
        let whole = Value(Val::Arr(items));
        return opt.fail(whole, |_| {
            Exn::from(Error::str("a slice goes from one integer to another"))
        });
    };
    let end = end.max(start);
    let slice: Value = items[start..end].iter().cloned().map(Value).collect();
    let new = match f(slice).next().transpose()? {
        None => Vec::new(),
        Some(Value(Val::Arr(new))) => new.to_vec(),
        Some(other) => return Err(cannot(other, "an array")),
    };
    Rc::make_mut(&mut items).splice(start..end, new);
    Ok(Value::built(Val::Arr(items)))
}

/// The place that an index names; from the end if it is negative.
fn place(index: isize, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(at) => Some(at),
        Err(_) => length.checked_sub(index.unsigned_abs()),
    }
}

/// The bound of a slice, within the array; none if it is no integer.
fn bound(given: Option<&Value>, length: usize, absent: usize) -> Option<usize> {
    match given.map(|value| &value.0) {
        None | Some(Val::Null) => Some(absent),
        Some(Val::Num(Num::Int(at))) => Some(match usize::try_from(*at) {
            Ok(at) => at.min(length),
            Err(_) => length.saturating_sub(at.unsigned_abs()),
        }),
        Some(_) => None,
    }
}

fn cannot<'a>(value: Value, what: &'static str) -> Exn<'a, Value> {
    Exn::from(Error::typ(value, what))
}
