//! An exported pattern never refuses what the format takes.

use loggia_lexicon::export::json_schema;
use loggia_syntax::Format;
use serde_json::json;

use crate::documents::thing;

const EXAMPLES: &[(Format, &[&str], &[&str])] = &[
    (
        Format::AtIdentifier,
        &["did:plc:abc", "did:web:a.example%3A8080", "a.example"],
        &["", "did:", "a", "@a.example", "-a.example"],
    ),
    (
        Format::AtUri,
        &[
            "at://did:plc:abc",
            "at://a.example/com.example.post/3k",
            "at://did:plc:abc/space/com.example.club/main",
        ],
        &[
            "",
            "at://",
            "at:/did:plc:abc",
            "http://a.example",
            "at://a.example/com.example.post/a b",
        ],
    ),
    (
        Format::Cid,
        &["bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"],
        &["", "bafy", "bafyreidfayvfuwqa7qln_pdji"],
    ),
    (
        Format::Datetime,
        &[
            "1985-04-12T23:20:50.123Z",
            "1985-04-12T23:20:50+01:30",
            "0001-01-01T00:00:00Z",
        ],
        &[
            "",
            "1985-04-12",
            "1985-04-12t23:20:50z",
            "1985-04-12T23:20:50",
            "85-04-12T23:20:50Z",
        ],
    ),
    (
        Format::Did,
        &[
            "did:plc:abc",
            "did:web:a.example",
            "did:key:zQ3sh",
            "did:a:b:c",
        ],
        &[
            "",
            "did",
            "did:plc:",
            "DID:plc:abc",
            "did:plc:abc%",
            "did:PLC:abc",
        ],
    ),
    (
        Format::Handle,
        &["a.example", "xn--a.b-c.example", "1.example", "A.EXAMPLE"],
        &["", "a", "a.", ".a", "a..b", "a_b.example", "a.-b", "a.1b"],
    ),
    (
        Format::Language,
        &["de", "pt-BR", "zh-Hant-TW", "i-default", "x-mine"],
        &["", "d€", "-de", "de-", "de_DE"],
    ),
    (
        Format::Nsid,
        &["com.example.fooBar", "a-0.b-1.c", "net.users.bob.ping"],
        &[
            "",
            "com.example",
            "com.example.",
            "com.example.3",
            "com.example.foo-bar",
            "com..example",
        ],
    ),
    (
        Format::RecordKey,
        &[
            "a",
            "self",
            "3jui7kd54zh2y",
            "...",
            ".a",
            "..a",
            "a.b",
            "...a",
            "~a:b-c_d",
        ],
        &["", ".", "..", "a/b", "a b", "#a", "é"],
    ),
    (
        Format::SpaceRef,
        &["at://did:plc:abc/space/com.example.club/main"],
        &[
            "",
            "at://did:plc:abc/com.example.club/main",
            "at://did:plc:abc/space/com.example.club",
        ],
    ),
    (
        Format::Tid,
        &["3jzfcijpj2z2a", "7777777777777", "2222222222222"],
        &[
            "",
            "3jzfcijpj2z21",
            "zzzzzzzzzzzzz",
            "3jzfcijpj2z2aa",
            "3jzfcijpj2z2",
        ],
    ),
    (
        Format::Uri,
        &[
            "https://a.example/b?c#d",
            "did:plc:abc",
            "mailto:a@b.example",
            "x+y-z.1:q",
        ],
        &["", "https:", "//a.example", "1a:b", "https://a b"],
    ),
];

fn validator(format: Format) -> jsonschema::Validator {
    let string = thing(json!({ "a": { "type": "string", "format": format.name() } }));
    let schema = json_schema([&string], "com.example.thing#a").expect("there is such a definition");
    jsonschema::draft202012::new(&schema).expect("a JSON Schema")
}

#[test]
fn our_examples() {
    for (format, valid, invalid) in EXAMPLES {
        let validator = validator(*format);
        for text in *valid {
            assert!(format.check(text).is_ok(), "{text} is no {}", format.name());
            assert!(
                validator.is_valid(&json!(text)),
                "the pattern refuses {} {text}",
                format.name()
            );
        }
        for text in *invalid {
            assert!(format.check(text).is_err(), "{text} is a {}", format.name());
            assert!(
                !validator.is_valid(&json!(text)),
                "the pattern takes {} {text}",
                format.name()
            );
        }
    }
}

#[test]
fn every_format_has_examples() {
    for format in Format::ALL {
        assert!(
            EXAMPLES.iter().any(|(example, ..)| *example == format),
            "{}",
            format.name()
        );
    }
}

/// The published syntax cases, where they are present.
#[test]
fn published_examples() {
    let files = [
        (Format::AtIdentifier, "atidentifier"),
        (Format::AtUri, "aturi"),
        (Format::Cid, "cid"),
        (Format::Datetime, "datetime"),
        (Format::Did, "did"),
        (Format::Handle, "handle"),
        (Format::Language, "language"),
        (Format::Nsid, "nsid"),
        (Format::RecordKey, "recordkey"),
        (Format::Tid, "tid"),
        (Format::Uri, "uri"),
    ];
    for (format, name) in files {
        let Some(text) = crate::shared::text(&format!("interop/syntax/{name}_syntax_valid.txt"))
        else {
            return;
        };
        let validator = validator(format);
        let cases = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        for case in cases.filter(|case| format.check(case).is_ok()) {
            assert!(
                validator.is_valid(&json!(case)),
                "the pattern refuses {name} {case}"
            );
        }
    }
}
