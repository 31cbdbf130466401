//! Structured fields written back: what is signed is the canonical form of what was read.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Bare, Parameters};

/// An inner list in canonical form (RFC 8941 §4.1.1.1).
pub(in crate::http_signature) fn write_list(
    items: &[(Bare, Parameters)],
    parameters: &Parameters,
) -> String {
    let mut text = String::from("(");
    for (index, (item, parameters)) in items.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        write_bare(&mut text, item);
        write_parameters(&mut text, parameters);
    }
    text.push(')');
    write_parameters(&mut text, parameters);
    text
}

fn write_parameters(text: &mut String, parameters: &Parameters) {
    for (name, value) in parameters {
        text.push(';');
        text.push_str(name);
        if *value != Bare::Boolean(true) {
            text.push('=');
            write_bare(text, value);
        }
    }
}

fn write_bare(text: &mut String, item: &Bare) {
    match item {
        Bare::Number(written) | Bare::Token(written) => text.push_str(written),
        Bare::String(string) => {
            text.push('"');
            for c in string.chars() {
                if matches!(c, '"' | '\\') {
                    text.push('\\');
                }
                text.push(c);
            }
            text.push('"');
        }
        Bare::Bytes(bytes) => {
            text.push(':');
            STANDARD.encode_string(bytes, text);
            text.push(':');
        }
        Bare::Boolean(value) => {
            write!(text, "?{}", u8::from(*value))
                .expect("a String takes all that is written to it");
        }
    }
}
