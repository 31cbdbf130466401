//! What is known of a request besides its content: method, request id, trace context.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use loggia_xrpc::Kind;

/// The header in which a request id comes and goes.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Which method a request calls. In the request's extensions before any extractor runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    /// The NSID, as in `lxm`.
    pub nsid: &'static str,
    /// Query, procedure or subscription.
    pub kind: Kind,
}

/// The id of a request, the same as in its `x-request-id` response header and in its span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id's text: 1 to 64 letters, digits and `-_.`.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn into_header(self) -> HeaderValue {
        self.0
    }

    fn of(headers: &HeaderMap) -> Self {
        match headers.get(REQUEST_ID) {
            Some(value) if is_sane(value.as_bytes()) => Self(value.clone()),
            Some(_) | None => Self::made(),
        }
    }

    fn made() -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let id = u128::from(unique()) << 64 | u128::from(unique());
        let mut text = [0; 32];
        for (byte, digits) in id.to_be_bytes().iter().zip(text.chunks_exact_mut(2)) {
            digits[0] = DIGITS[usize::from(byte >> 4)];
            digits[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(HeaderValue::from_bytes(&text).expect("hexadecimal digits are header text"))
    }
}

/// A client's id goes into logs and headers: nothing that could forge either.
fn is_sane(id: &[u8]) -> bool {
    (1..=64).contains(&id.len())
        && id
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// The place of a request in a distributed trace (W3C Trace Context, level 1).
///
/// Displays as a `traceparent` header to send along with calls that this request causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace, the caller's own if it sent a valid `traceparent`.
    pub trace_id: u128,
    /// The caller's span, if it sent one.
    pub parent_id: Option<u64>,
    /// Our span in it.
    pub span_id: u64,
    /// Whether the caller records the trace.
    pub sampled: bool,
}

impl TraceContext {
    fn of(headers: &HeaderMap) -> Self {
        let mut all = headers.get_all(TRACEPARENT).iter();
        let parent = match (all.next(), all.next()) {
            (Some(value), None) => parse_traceparent(value.as_bytes()),
            // Two of them contradict each other: the trace starts anew.
            _ => None,
        };
        match parent {
            Some((trace_id, parent_id, sampled)) => Self {
                trace_id,
                parent_id: Some(parent_id),
                span_id: unique(),
                sampled,
            },
            None => Self {
                trace_id: u128::from(unique()) << 64 | u128::from(unique()),
                parent_id: None,
                span_id: unique(),
                sampled: false,
            },
        }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id,
            self.span_id,
            u8::from(self.sampled)
        )
    }
}

/// `version-trace_id-parent_id-flags`; longer only in versions above 00 (section 3.2).
fn parse_traceparent(text: &[u8]) -> Option<(u128, u64, bool)> {
    let version = u8::try_from(hex(text.get(0..2)?)?).ok()?;
    let shape = text.len() == 55 || (version > 0 && text.get(55) == Some(&b'-'));
    let dashes = [2, 35, 52].iter().all(|&at| text.get(at) == Some(&b'-'));
    if version == 0xff || !shape || !dashes {
        return None;
    }
    let trace_id = hex(&text[3..35]).filter(|&id| id != 0)?;
    let parent_id = u64::try_from(hex(&text[36..52])?)
        .ok()
        .filter(|&id| id != 0)?;
    Some((trace_id, parent_id, hex(&text[53..55])? & 1 == 1))
}

/// Lower-case hexadecimal digits, at most 32 of them.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value, digit| match digit {
        b'0'..=b'9' => Some(value << 4 | u128::from(digit - b'0')),
        b'a'..=b'f' => Some(value << 4 | u128::from(digit - b'a' + 10)),
        _ => None,
    })
}

/// Request id and trace context of one request.
pub(crate) struct Passage {
    pub id: RequestId,
    pub trace: TraceContext,
}

impl Passage {
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            id: RequestId::of(headers),
            trace: TraceContext::of(headers),
        }
    }
}

/// A number that is not 0 and that no other request of any process is likely to have.
///
/// A counter from a random start, mixed (SplitMix64's finalizer): ids need to be told apart, not to
/// be secret, and this costs no system call.
fn unique() -> u64 {
    static NEXT: LazyLock<AtomicU64> =
        LazyLock::new(|| AtomicU64::new(RandomState::new().build_hasher().finish()));
    let mut mixed = NEXT.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).max(1)
}

/// Names who calls in the log lines of this call: a DID, say. To be called where the caller is proved.
pub fn log_caller(caller: &str) {
    tracing::Span::current().record("caller", caller);
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_traceparent_is_continued() {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(VALID));
        let trace = TraceContext::of(&headers);
        assert_eq!(trace.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(trace.parent_id, Some(0x00f0_67aa_0ba9_02b7));
        assert!(trace.sampled);
        assert_ne!(trace.span_id, 0x00f0_67aa_0ba9_02b7);
        assert!(
            trace
                .to_string()
                .starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-")
        );

        headers.append(TRACEPARENT, HeaderValue::from_static(VALID));
        assert_eq!(TraceContext::of(&headers).parent_id, None, "two headers");
    }

    #[test]
    fn what_is_not_a_traceparent_starts_a_new_trace() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        ] {
            assert_eq!(parse_traceparent(text.as_bytes()), None, "{text:?}");
        }
        let later = format!("01{}-more", &VALID[2..]);
        assert!(
            parse_traceparent(later.as_bytes()).is_some(),
            "a later version may say more"
        );
    }

    #[test]
    fn a_clients_request_id_is_taken_only_if_sane() {
        let taken = |id: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(
                REQUEST_ID,
                HeaderValue::from_bytes(id).expect("header text"),
            );
            RequestId::of(&headers).as_str().as_bytes() == id
        };
        assert!(taken(b"abc-1_2.3"));
        assert!(!taken(b""));
        assert!(!taken(b"a b"));
        assert!(!taken(b"a\"b"));
        assert!(!taken(b"\xff"));
        assert!(!taken(&[b'a'; 65]));
    }

    #[test]
    fn made_ids_differ() {
        let ids: std::collections::HashSet<_> = (0..10_000).map(|_| unique()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
