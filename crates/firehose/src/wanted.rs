//! Of which collections changes are wanted.

use std::collections::HashSet;

/// The collections whose changes are wanted; of others nothing is made. Accounts' own events are
/// always wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// As they were given, in order.
    patterns: Vec<String>,
    exact: HashSet<String>,
    /// What stands before the `*`, with its dot.
    prefixes: Vec<String>,
}

impl Wanted {
    /// All collections.
    pub fn all() -> Self {
        Self::default()
    }

    /// These: NSIDs, and `app.example.*` for all that begin so. None means all.
    ///
    /// A pattern with a `*` elsewhere is widened to what stands before it: `app.*.post` to `app.*`, and
    /// `*.post` to everything.
    pub fn of<I: IntoIterator<Item: Into<String>>>(patterns: I) -> Self {
        let widened = patterns.into_iter().map(|pattern| widened(pattern.into()));
        let mut patterns: Vec<String> = widened.collect();
        patterns.sort_unstable();
        patterns.dedup();
        if patterns.iter().any(|pattern| pattern == "*") {
            return Self::all();
        }
        let (mut exact, mut prefixes) = (HashSet::new(), Vec::new());
        for pattern in &patterns {
            match pattern.strip_suffix('*') {
                Some(prefix) => prefixes.push(prefix.to_owned()),
                None => {
                    exact.insert(pattern.clone());
                }
            }
        }
        Self {
            patterns,
            exact,
            prefixes,
        }
    }

    /// Whether changes of this collection are.
    pub fn has(&self, collection: &str) -> bool {
        self.patterns.is_empty()
            || self.exact.contains(collection)
            || self
                .prefixes
                .iter()
                .any(|prefix| collection.starts_with(prefix.as_str()))
    }

    /// What a source can be asked for; none if it is to send everything. Sources take no prefix of a
    /// single segment, so that with one everything is to be sent, and is sifted here.
    pub fn patterns(&self) -> &[String] {
        let is_too_wide = |prefix: &String| prefix.matches('.').count() < 2;
        match self.prefixes.iter().any(is_too_wide) {
            true => &[],
            false => &self.patterns,
        }
    }
}

/// A pattern that has at most one `*`, after the last dot.
fn widened(pattern: String) -> String {
    match pattern.split_once('*') {
        None => pattern,
        Some((before, _)) => {
            let end = before.rfind('.').map_or(0, |dot| dot + 1);
            format!("{}*", &before[..end])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn patterns_are_never_narrowed() {
        for (pattern, asked) in [
            ("app.bsky.feed.post", &["app.bsky.feed.post"][..]),
            ("app.bsky.*", &["app.bsky.*"]),
            ("app.bsky.fe*.post", &["app.bsky.*"]),
            ("app.*.post", &[]),
            ("*.post", &[]),
            ("*", &[]),
        ] {
            let wanted = Wanted::of([pattern]);
            assert!(wanted.has("app.bsky.feed.post"), "{pattern}");
            assert_eq!(wanted.patterns(), asked, "{pattern}");
        }
        assert!(!Wanted::of(["app.*.post"]).has("com.example.post"));
    }
}
