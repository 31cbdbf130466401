//! Ids as they are written: `proj_` and `evt_` before 32 hexadecimal digits.

use loggia_storage::{ApiClientId, EventId, ProjectionId};
use loggia_syntax::Did;

const PROJECTION: &str = "proj_";
const EVENT: &str = "evt_";

/// A projection's id.
pub fn projection(id: ProjectionId) -> String {
    format!("{PROJECTION}{}", digits(&id.to_string()))
}

/// Reads a projection's id; what is none names nothing.
pub fn read_projection(text: &str) -> Option<ProjectionId> {
    let digits = text.strip_prefix(PROJECTION)?;
    if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    parts.join("-").parse().ok()
}

/// An event's id.
pub fn event(id: EventId) -> String {
    format!("{EVENT}{}", digits(&id.to_string()))
}

/// Whose the events and projections of an API client are. A method of DIDs that nobody resolves: no
/// token can be for it.
pub fn owner_of_client(id: ApiClientId) -> Did {
    Did::new(format!("did:loggia:{id}")).expect("a method and a UUID make a DID")
}

fn digits(uuid: &str) -> String {
    uuid.replace('-', "")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn ids_read_back() {
        let id = ProjectionId::new(Timestamp::constant(1, 0), [7; 10]);
        let text = projection(id);
        assert_eq!(text.len(), 37);
        assert_eq!(read_projection(&text), Some(id));
        for other in [
            "",
            "proj_",
            &text[1..],
            &text[..36],
            &id.to_string(),
            "proj_é",
        ] {
            assert_eq!(read_projection(other), None, "{other}");
        }
    }
}
