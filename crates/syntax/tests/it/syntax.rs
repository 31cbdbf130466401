//! Every format against our own cases, and against the interoperability files where present.

use loggia_syntax::Format;

use crate::{cases, shared};

#[test]
fn our_own_cases_hold() {
    let mut wrong = Vec::new();
    for cases in cases::ALL {
        judge(cases.format, cases.valid.iter().copied(), true, &mut wrong);
        judge(
            cases.format,
            cases.invalid.iter().copied(),
            false,
            &mut wrong,
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for format in Format::ALL {
        assert!(
            cases::ALL.iter().any(|cases| cases.format == format),
            "no cases for {format}"
        );
    }
}

#[test]
fn limits_of_length_hold() {
    let mut wrong = Vec::new();
    for (format, longest) in cases::longest() {
        judge(format, [longest.as_str()].into_iter(), true, &mut wrong);
        judge(
            format,
            [format!("{longest}o").as_str()].into_iter(),
            false,
            &mut wrong,
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn interoperability_files_hold() {
    let Some(folder) = shared::find("interop/syntax") else {
        return;
    };
    let files = [
        ("atidentifier", Format::AtIdentifier),
        ("aturi", Format::AtUri),
        ("cid", Format::Cid),
        ("datetime", Format::Datetime),
        ("did", Format::Did),
        ("handle", Format::Handle),
        ("language", Format::Language),
        ("nsid", Format::Nsid),
        ("recordkey", Format::RecordKey),
        ("tid", Format::Tid),
        ("uri", Format::Uri),
    ];
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (name, format) in files {
        for (kind, valid) in [("syntax_valid", true), ("syntax_invalid", false)] {
            let text = shared::read(&folder.join(format!("{name}_{kind}.txt")));
            count += judge(format, lines(&text), valid, &mut wrong);
        }
    }
    // Well-formed, but senseless: a datetime is refused, a language is not.
    for (name, format, valid) in [
        ("datetime", Format::Datetime, false),
        ("language", Format::Language, true),
    ] {
        let text = shared::read(&folder.join(format!("{name}_parse_invalid.txt")));
        count += judge(format, lines(&text), valid, &mut wrong);
    }
    eprintln!("{count} cases");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(count, 536, "the files have changed");
}

/// One case a line, not trimmed.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn judge<'a>(
    format: Format,
    texts: impl Iterator<Item = &'a str>,
    valid: bool,
    wrong: &mut Vec<String>,
) -> usize {
    let mut count = 0;
    for text in texts {
        count += 1;
        match format.check(text) {
            Ok(()) if !valid => wrong.push(format!("{format} accepts {text:?}")),
            Err(error) if valid => wrong.push(error.with_text(text).to_string()),
            _ => {}
        }
    }
    count
}

#[test]
fn formats_are_known_by_name() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
    }
    assert_eq!(Format::from_name("at_uri"), None);
}
