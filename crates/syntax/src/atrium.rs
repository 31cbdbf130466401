//! Conversions to and from the string types of the atrium client, so that a service can call
//! others with it.
//!
//! Both directions go through the text and may fail: the two crates do not draw the same lines.

use atrium_api::types::string as theirs;

use crate::{
    AtIdentifier, Cid, Datetime, Did, Format, Handle, Language, Nsid, RecordKey, SyntaxError, Tid,
};

/// A text that is valid here, and which atrium does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("atrium does not take the {format} {text:?}: {reason}")]
pub struct AtriumError {
    format: Format,
    text: String,
    reason: String,
}

macro_rules! convert {
    ($($name:ident, $text:expr;)*) => {
        $(
            impl TryFrom<&$name> for theirs::$name {
                type Error = AtriumError;

                fn try_from(ours: &$name) -> Result<Self, AtriumError> {
                    ours.as_str().parse().map_err(|error| AtriumError {
                        format: $name::FORMAT,
                        text: ours.to_string(),
                        reason: format!("{error}"),
                    })
                }
            }

            impl TryFrom<&theirs::$name> for $name {
                type Error = SyntaxError;

                fn try_from(theirs: &theirs::$name) -> Result<Self, SyntaxError> {
                    let text: fn(&theirs::$name) -> String = $text;
                    Self::new(text(theirs))
                }
            }
        )*
    };
}

convert! {
    AtIdentifier, |theirs| AsRef::<str>::as_ref(theirs).to_owned();
    Cid, |theirs| theirs.as_ref().to_string();
    Datetime, |theirs| theirs.as_str().to_owned();
    Did, |theirs| theirs.as_str().to_owned();
    Handle, |theirs| theirs.as_str().to_owned();
    Language, |theirs| theirs.as_ref().to_string();
    Nsid, |theirs| theirs.as_str().to_owned();
    RecordKey, |theirs| theirs.as_str().to_owned();
    Tid, |theirs| theirs.as_str().to_owned();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There and back again.
    macro_rules! round_trip {
        ($($name:ident $text:literal)*) => {
            $({
                const OURS: $name = $name::from_static($text);
                let theirs = theirs::$name::try_from(&OURS).expect("both take it");
                assert_eq!($name::try_from(&theirs), Ok(OURS));
            })*
        };
    }

    #[test]
    fn there_and_back() {
        round_trip! {
            AtIdentifier "did:plc:abc"
            AtIdentifier "alice.example.com"
            Cid "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"
            Datetime "2026-01-31T12:00:00.1234567+01:00"
            Did "did:web:a.example"
            Handle "Alice.Example.com"
            Language "pt-BR"
            Nsid "com.example.fooBar"
            RecordKey "self"
            Tid "3jzfcijpj2z2a"
        }
    }

    #[test]
    fn where_the_lines_differ() {
        let ours = Cid::from_static("mBcDxtdWx0aWhhc2g+");
        let error = theirs::Cid::try_from(&ours)
            .map(drop)
            .expect_err("of no known version");
        assert!(
            error
                .to_string()
                .starts_with("atrium does not take the cid"),
            "{error}"
        );
        let theirs: theirs::Datetime = "1990-12-31T23:59:60Z".parse().expect("a leap second");
        assert!(Datetime::try_from(&theirs).is_err());
    }
}
