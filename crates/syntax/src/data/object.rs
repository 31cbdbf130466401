//! Reading the one-key objects that stand for bytes and links in JSON.

use serde::de::{Error, MapAccess};

/// The text of an object that has this key, a string under it, and nothing else.
pub(super) fn only_text<'de, A: MapAccess<'de>>(
    map: &mut A,
    key: &'static str,
) -> Result<String, A::Error> {
    match map.next_key::<String>()? {
        Some(found) if found == key => {}
        Some(found) => {
            let found = crate::Excerpt(&found);
            return Err(A::Error::custom(format_args!(
                "expected the key `{key}` alone, got {found}"
            )));
        }
        None => return Err(A::Error::missing_field(key)),
    }
    let text = map.next_value()?;
    match map.next_key::<String>()? {
        None => Ok(text),
        Some(other) => {
            let other = crate::Excerpt(&other);
            Err(A::Error::custom(format_args!(
                "`{key}` stands alone, but {other} is beside it"
            )))
        }
    }
}
