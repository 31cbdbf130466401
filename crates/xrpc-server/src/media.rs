//! Media types: does a `Content-Type` fit a lexicon's encoding, does an `Accept` take what is made.

/// The media type without its parameters.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether a `Content-Type` names no other charset than UTF-8, the only one that JSON has.
pub(crate) fn is_utf8(content_type: &str) -> bool {
    let charsets = content_type
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.trim().split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"'));
    // The second is no registered name but often sent.
    let is_utf8 = |name: &str| {
        ["utf-8", "utf8"]
            .iter()
            .any(|it| name.eq_ignore_ascii_case(it))
    };
    charsets.into_iter().all(is_utf8)
}

/// Whether a `Content-Type` fits a lexicon's `encoding`: a media type or a pattern such as `image/*`.
pub(crate) fn fits(content_type: &str, encoding: &str) -> bool {
    (content_type == encoding && !encoding.contains('*'))
        || {
            let (given, wanted) = (split(essence(content_type)), split(encoding));
            matches!((given, wanted), (Some(given), Some(wanted))
            if given.0 != "*" && given.1 != "*" && half(given.0, wanted.0) && half(given.1, wanted.1))
        }
}

/// Whether an `Accept` header takes something of this encoding, itself possibly a pattern.
///
/// The most exact range decides, as in RFC 9110, 12.5.1; one that is no range takes nothing.
pub(crate) fn accepts(accept: &str, encoding: &str) -> bool {
    if accept == "*/*" || accept == encoding {
        return true;
    }
    let Some(made) = split(essence(encoding)) else {
        return true;
    };
    let mut best: Option<(u8, bool)> = None;
    for range in accept.split(',') {
        let Some(wanted) = split(essence(range)) else {
            continue;
        };
        let overlaps = overlap(made.0, wanted.0) && overlap(made.1, wanted.1);
        if !overlaps {
            continue;
        }
        let exact = u8::from(wanted.0 != "*") + u8::from(wanted.1 != "*");
        let taken = quality(range) > 0.0;
        if best.is_none_or(|(most, was)| exact > most || (exact == most && taken && !was)) {
            best = Some((exact, taken));
        }
    }
    best.is_some_and(|(_, taken)| taken)
}

/// The weight of one element of an `Accept…` header; 1 where it says none, 0 where it is nonsense.
pub(crate) fn quality(element: &str) -> f32 {
    element
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(1.0, |(_, value)| value.trim().parse().unwrap_or(0.0))
}

fn split(media_type: &str) -> Option<(&str, &str)> {
    media_type
        .split_once('/')
        .filter(|(a, b)| !a.is_empty() && !b.is_empty())
}

fn half(given: &str, wanted: &str) -> bool {
    wanted == "*" || given.eq_ignore_ascii_case(wanted)
}

fn overlap(one: &str, other: &str) -> bool {
    one == "*" || other == "*" || one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_fit_encodings() {
        assert!(fits("application/json", "application/json"));
        assert!(fits("Application/JSON; charset=utf-8", "application/json"));
        assert!(fits("image/png", "image/*"));
        assert!(fits("image/png", "*/*"));
        assert!(!fits("video/mp4", "image/*"));
        assert!(!fits("text/plain", "application/json"));
        assert!(!fits("json", "application/json"));
        assert!(!fits("image/*", "image/*"), "a range is no content type");
        assert!(!fits("", "*/*"));
    }

    #[test]
    fn json_is_utf8() {
        for (content_type, taken) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("application/json;CharSet=\"UTF-8\"", true),
            ("application/json; charset=utf8; x=y", true),
            ("application/json; charset=", false),
            ("application/json; charset=iso-8859-1", false),
            ("application/json; charset=utf-8; charset=utf-16", false),
        ] {
            assert_eq!(is_utf8(content_type), taken, "{content_type}");
        }
    }

    #[test]
    fn accept_takes_what_it_says() {
        for (accept, taken) in [
            ("*/*", true),
            ("application/json", true),
            ("application/*;q=0.1", true),
            ("text/html, */*;q=0.5", true),
            ("text/html", false),
            ("", false),
            ("application/json;q=0", false),
            ("application/json;q=0, */*", false),
            ("application/*;q=0, application/json", true),
            ("garbage", false),
            (";;;,,,q=", false),
        ] {
            assert_eq!(accepts(accept, "application/json"), taken, "{accept:?}");
        }
        assert!(accepts("image/png", "image/*"));
        assert!(accepts("image/png", "*/*"));
        assert!(!accepts("image/png", "video/*"));
    }
}
