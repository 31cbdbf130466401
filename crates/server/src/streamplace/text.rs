//! What an owner's rules make of a text.

use loggia_storage::{RewriteRule, WebhookFields};
use unicode_segmentation::UnicodeSegmentation;

/// Between an `@` and what would notify somebody: shows nothing, and nobody is notified.
const GAP: &str = "\u{200b}";

/// The most that rules make of a text, in bytes: rules that double what they find, one after the
/// other, would soon fill the memory. More than any receiver shows.
const LONGEST: usize = 16 * 1024;

/// Whether the owner has muted a word of the text, in whatever letters. An empty word is none.
pub fn is_muted(text: &str, words: &[String]) -> bool {
    let text = text.to_lowercase();
    let mut words = words.iter().filter(|word| !word.is_empty());
    words.any(|word| text.contains(&word.to_lowercase()))
}

/// The text between the owner's own words.
pub fn framed(text: &str, webhook: &WebhookFields) -> String {
    [&webhook.prefix, text, &webhook.suffix].concat()
}

/// The text without what would notify a whole room, or a person or a role by their number.
pub fn without_pings(text: &str) -> String {
    let text = text.replace("@here", &["@", GAP, "here"].concat());
    let text = text.replace("@everyone", &["@", GAP, "everyone"].concat());
    text.replace("<@", &["<@", GAP].concat())
}

/// The text after the owner's replacements, one after another and wherever they apply.
pub fn rewritten(text: &str, rules: &[RewriteRule]) -> String {
    let mut text = text.to_owned();
    for rule in rules.iter().filter(|rule| !rule.from.is_empty()) {
        if text.contains(&rule.from) {
            text = replaced(&text, rule);
        }
    }
    text
}

/// Goes no further than what is kept.
fn replaced(text: &str, rule: &RewriteRule) -> String {
    let (mut new, mut rest) = (String::with_capacity(text.len()), text);
    while new.len() < LONGEST
        && let Some((before, after)) = rest.split_once(&rule.from)
    {
        new.push_str(before);
        new.push_str(&rule.to);
        rest = after;
    }
    new.push_str(rest);
    new.truncate(new.floor_char_boundary(LONGEST));
    new
}

/// The text, or as much of it as fits with an ellipsis: at most so many UTF-16 units, which is how
/// receivers in JavaScript count, and no less than the characters of the others. No letter is cut in
/// two.
pub fn cut(text: &str, most: usize) -> String {
    if units(text) <= most {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 1);
    for grapheme in text.graphemes(true) {
        used += units(grapheme);
        if used > most {
            break;
        }
        kept.push_str(grapheme);
    }
    kept + "…"
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(from: &str, to: &str) -> RewriteRule {
        RewriteRule {
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    #[test]
    fn muted_words_are_parts_in_any_case_of_letters() {
        let words = |words: &[&str]| -> Vec<String> { words.iter().map(|&w| w.into()).collect() };
        assert!(is_muted("buy spam now", &words(&["SPAM"])));
        assert!(is_muted("BUY SPÄMMY", &words(&["x", "späm"])));
        assert!(!is_muted("buy ham now", &words(&["SPAM", ""])));
        assert!(!is_muted("spam", &[]));
    }

    #[test]
    fn nobody_is_pinged() {
        let text = "hi @everyone and @here and <@1234> and <@&5> and @alice";
        let expected = "hi @\u{200b}everyone and @\u{200b}here and <@\u{200b}1234> and \
                        <@\u{200b}&5> and @alice";
        assert_eq!(without_pings(text), expected);
    }

    #[test]
    fn replacements_apply_one_after_another() {
        let rules = [rule("foo", "bar"), rule("bar", "x"), rule("", "never")];
        assert_eq!(rewritten("foo bar baz", &rules), "x x baz");
        let growing = vec![rule("a", &"a".repeat(100)); 100];
        assert_eq!(rewritten("a", &growing).len(), LONGEST);
    }

    #[test]
    fn what_is_cut_is_cut_between_letters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        let family = "👨‍👩‍👧";
        assert_eq!(units(family), 8);
        assert_eq!(cut(&format!("a{family}b"), 9), "a…");
        assert_eq!(cut(&format!("a{family}bcd"), 11), format!("a{family}b…"));
    }
}
