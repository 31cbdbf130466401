//! Fields that a lexicon does not name.

use std::ops::{Deref, DerefMut};

use loggia_syntax::data::{Data, Object};

/// Fields that the lexicon does not name, kept as they came.
///
/// Reads and changes like the [`Object`] that it holds once there is a field; most objects have
/// none, and then it is one empty pointer.
#[derive(Clone, Debug, Default)]
pub struct Extra(Option<Box<Object>>);

static NONE: Object = Object::new();

impl Extra {
    /// No fields.
    pub const fn new() -> Self {
        Self(None)
    }
}

impl Deref for Extra {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Extra {
    fn deref_mut(&mut self) -> &mut Object {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl From<Object> for Extra {
    fn from(fields: Object) -> Self {
        Self((!fields.is_empty()).then(|| Box::new(fields)))
    }
}

impl From<Extra> for Object {
    fn from(extra: Extra) -> Self {
        extra.0.map(|fields| *fields).unwrap_or_default()
    }
}

impl FromIterator<(String, Data)> for Extra {
    fn from_iter<I: IntoIterator<Item = (String, Data)>>(fields: I) -> Self {
        Object::from_iter(fields).into()
    }
}

impl<'a> IntoIterator for &'a Extra {
    type Item = (&'a String, &'a Data);
    type IntoIter = std::collections::btree_map::Iter<'a, String, Data>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::Extra;
    use loggia_syntax::data::{Data, Object};

    #[test]
    fn none_is_the_same_however_it_was_made() {
        let mut emptied = Extra::new();
        emptied.insert("a".to_owned(), Data::Null);
        assert_eq!((emptied.len(), emptied.get("a")), (1, Some(&Data::Null)));
        emptied.clear();
        assert_eq!(emptied, Extra::default());
        assert_eq!(Extra::from(Object::new()), Extra::new());
        assert_eq!((&Extra::new()).into_iter().count(), 0);
    }

    #[test]
    fn goes_to_an_object_and_back() {
        let fields = Object::from([("b".to_owned(), true.into()), ("a".to_owned(), 1.into())]);
        let extra: Extra = fields.clone().into_iter().collect();
        assert_eq!(extra, Extra::from(fields.clone()));
        assert_eq!(Object::from(extra), fields);
    }
}
