//! Secrets at rest: sealed with ChaCha20-Poly1305 (RFC 8439) under the master key.
//!
//! A sealed value is a version byte, a nonce and the ciphertext. It is bound to its place: moved to
//! another row or column it does not open.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// The first byte of every value sealed in this way.
const VERSION: u8 = 1;

/// A column that holds sealed values.
pub(crate) struct Place {
    pub(crate) table: &'static str,
    /// The column that names a row; its bytes are part of what a value is bound to.
    pub(crate) row: &'static str,
    /// Whether that one holds text; bytes otherwise.
    pub(crate) is_text: bool,
    pub(crate) column: &'static str,
    /// Rows whose value is not sealed, as a comparison in SQL that leaves them out.
    pub(crate) but: Option<&'static str>,
}

impl Place {
    /// In rows that are named by bytes.
    const fn bytes(table: &'static str, row: &'static str, column: &'static str) -> Self {
        Self {
            table,
            row,
            is_text: false,
            column,
            but: None,
        }
    }

    /// In rows that are named by a text.
    const fn text(table: &'static str, row: &'static str, column: &'static str) -> Self {
        Self {
            is_text: true,
            ..Self::bytes(table, row, column)
        }
    }

    /// What [`Sealer::seal`] calls it.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.table, self.column)
    }
}

/// Every column that holds sealed values: a change of the master key must leave none behind.
pub(crate) const SEALED: &[Place] = &[
    Place {
        but: Some("name <> 'write_check'"),
        ..Place::text("meta", "name", "value")
    },
    Place::bytes("endpoint", "id", "secret"),
    Place::bytes("endpoint", "id", "previous_secret"),
    Place::bytes("endpoint", "id", "headers"),
    Place::text("server_key", "public", "secret"),
    Place::text("account", "did", "secret"),
    Place::bytes("login_attempt", "state", "pending"),
    Place::bytes("login_session", "id", "tokens"),
    Place::bytes("wisp_secret", "id", "token"),
    Place::text("projection_tenant", "owner", "secret"),
];

/// The key that all secrets of a store are sealed under. How it is kept is the server's affair.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// The key made of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// Seals and opens. One per open store.
pub(crate) struct Sealer {
    key: LessSafeKey,
    // A nonce is the system's randomness and no parameter: nothing that is tested depends on it, and
    // one used twice under a key would give both values away.
    random: SystemRandom,
}

/// A value does not open: another key, another place, or damaged.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the sealed value does not open")]
pub(crate) struct DoesNotOpen;

impl Sealer {
    pub(crate) fn new(key: &MasterKey) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key.0).expect("the key is 32 bytes");
        Self {
            key: LessSafeKey::new(key),
            random: SystemRandom::new(),
        }
    }

    /// Seals a value for the place that `column` and `row` name.
    pub(crate) fn seal(&self, column: &str, row: &[u8], value: &[u8]) -> Vec<u8> {
        debug_assert!(
            SEALED.iter().any(|place| place.name() == column),
            "{column} is missing in SEALED: a change of the master key would lose its values"
        );
        let mut nonce = [0; NONCE_LEN];
        self.random
            .fill(&mut nonce)
            .expect("the system has randomness once it has booted");
        let mut sealed =
            Vec::with_capacity(1 + NONCE_LEN + value.len() + CHACHA20_POLY1305.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        let mut text = Zeroizing::new(value.to_vec());
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place(column, row)),
                &mut text,
            )
            .expect("a secret is far shorter than the cipher's limit");
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what was sealed for the same place.
    pub(crate) fn open(
        &self,
        column: &str,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let rest = sealed.strip_prefix(&[VERSION]).ok_or(DoesNotOpen)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(DoesNotOpen)?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(place(column, row)), &mut text);
        let length = opened.map_err(|_| DoesNotOpen)?.len();
        text.truncate(length);
        Ok(text)
    }
}

fn place(column: &str, row: &[u8]) -> Vec<u8> {
    [column.as_bytes(), b"\0", row].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_in_its_place_and_under_its_key() {
        let sealer = Sealer::new(&MasterKey::new([1; 32]));
        let sealed = sealer.seal("endpoint.secret", b"a", b"hush");
        let open = |sealer: &Sealer, column, row: &[u8], sealed: &[u8]| {
            sealer
                .open(column, row, sealed)
                .ok()
                .map(|text| text.to_vec())
        };
        assert_eq!(
            open(&sealer, "endpoint.secret", b"a", &sealed),
            Some(b"hush".to_vec())
        );
        assert_eq!(open(&sealer, "endpoint.secret", b"b", &sealed), None);
        assert_eq!(
            open(&sealer, "endpoint.previous_secret", b"a", &sealed),
            None
        );
        let other = Sealer::new(&MasterKey::new([2; 32]));
        assert_eq!(open(&other, "endpoint.secret", b"a", &sealed), None);
    }

    #[test]
    fn damaged_values_do_not_open() {
        let sealer = Sealer::new(&MasterKey::new([1; 32]));
        let sealed = sealer.seal("meta.value", b"a", b"hush");
        for length in 0..sealed.len() {
            assert!(
                sealer.open("meta.value", b"a", &sealed[..length]).is_err(),
                "{length} bytes"
            );
        }
        assert_ne!(
            sealed,
            sealer.seal("meta.value", b"a", b"hush"),
            "nonces differ"
        );
    }
}
