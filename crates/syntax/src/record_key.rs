//! Record key.

use crate::newtype::identifier;
use crate::scan::{Class, Scanned, flaw, is, skip_many};

identifier! {
    /// The name of a record in its collection, or of a space among those of its type.
    ///
    /// 1 to 512 of letters, digits and `_~.:-`, but neither `.` nor `..` (record key
    /// specification).
    RecordKey, RecordKey, scan
}

/// Longest record key (specification).
const LONGEST: usize = 512;

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if from == to {
        return flaw(from, "the record key is empty");
    }
    if to - from > LONGEST {
        return flaw(from + LONGEST, "a record key has at most 512 characters");
    }
    let at = skip_many(text, from, to, Class::RECORD_KEY);
    if at < to {
        return flaw(at, "a record key is made of letters, digits and `_~.:-`");
    }
    if is(text, from, to, b".") || is(text, from, to, b"..") {
        return flaw(from, "a record key is neither `.` nor `..`");
    }
    Ok(())
}
