//! Places in lists that are ordered by identifiers, newest first.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_delivery::DeliveryId;

use crate::{ListError, column};

/// Everything before a place in the order of deliveries: by notification, then by endpoint.
///
/// Names a place and not a row, so it stays good when rows come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place([u8; 32]);

impl Place {
    /// After every delivery.
    pub(crate) const END: Self = Self([0xff; 32]);

    /// The place of a delivery itself: it comes after everything before the place.
    pub(crate) fn of(id: DeliveryId) -> Self {
        Self::new(*id.notification.as_bytes(), *id.endpoint.as_bytes())
    }

    /// The place right after a notification and an endpoint.
    pub(crate) fn after(notification: [u8; 16], endpoint: [u8; 16]) -> Self {
        let mut place = Self::new(notification, endpoint);
        increment(&mut place.0);
        place
    }

    fn new(notification: [u8; 16], endpoint: [u8; 16]) -> Self {
        let mut place = [0; 32];
        place[..16].copy_from_slice(&notification);
        place[16..].copy_from_slice(&endpoint);
        Self(place)
    }

    pub(crate) fn notification(&self) -> [u8; 16] {
        self.0[..16].try_into().expect("half of thirty-two bytes")
    }

    pub(crate) fn endpoint(&self) -> [u8; 16] {
        self.0[16..].try_into().expect("half of thirty-two bytes")
    }

    /// For endpoints that come before the one of this place: the notification before which their
    /// deliveries come before it.
    pub(crate) fn next_notification(&self) -> [u8; 16] {
        let mut next = self.notification();
        increment(&mut next);
        next
    }

    /// As a cursor.
    pub(crate) fn write(&self) -> String {
        write_cursor(&self.0)
    }

    /// Reads a cursor.
    pub(crate) fn read(text: &str) -> Result<Self, ListError> {
        read_cursor(text).map(Self)
    }
}

/// The bytes of a place as a cursor.
pub(crate) fn write_cursor(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A cursor of `N` bytes.
pub(crate) fn read_cursor<const N: usize>(text: &str) -> Result<[u8; N], ListError> {
    // Anything longer is not ours, and not worth decoding.
    (text.len() == (N * 4).div_ceil(3))
        .then(|| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
        .flatten()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ListError::InvalidCursor)
}

/// The first identifier that can be made at this time.
pub(crate) fn first_id(at: Timestamp) -> [u8; 16] {
    let millis = u64::try_from(column::millis(at)).unwrap_or(0);
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}

/// Adds one to a number of many bytes, at most to the greatest.
fn increment(bytes: &mut [u8]) {
    if bytes.iter().all(|byte| *byte == 0xff) {
        return;
    }
    for byte in bytes.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use loggia_delivery::NotificationId;

    use super::*;

    #[test]
    fn cursors_read_back_and_others_are_refused() {
        let place = Place::after([7; 16], [8; 16]);
        let text = place.write();
        assert_eq!(Place::read(&text).ok(), Some(place));
        for text in ["", "abc", &text[1..], &"!".repeat(43), &"é".repeat(21)] {
            let refused = Place::read(text);
            assert!(matches!(refused, Err(ListError::InvalidCursor)), "{text}");
        }
    }

    #[test]
    fn the_place_after_carries_over_and_ends() {
        let after = Place::after([1; 16], [0xff; 16]);
        let mut next = [1; 16];
        next[15] = 2;
        assert_eq!(after, Place::new(next, [0; 16]));
        assert_eq!(Place::after([0xff; 16], [0xff; 16]), Place::END);
    }

    #[test]
    fn the_first_identifier_of_a_time_is_not_after_any_other() {
        let at = Timestamp::constant(1_700_000_000, 0);
        let made = NotificationId::new(at, [0; 10]);
        assert!(first_id(at) <= *made.as_bytes());
        let before = NotificationId::new(at - jiff::SignedDuration::from_millis(1), [0xff; 10]);
        assert!(first_id(at) > *before.as_bytes());
    }
}
