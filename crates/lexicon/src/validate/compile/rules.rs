//! Constraints of single values, kept only where there are any.

use loggia_syntax::Format;

use super::super::program::{BlobRule, IntegerRule, LengthRule, Node, PLAIN, StringRule};
use super::{Compiler, index};
use crate::document::{IntegerSchema, StringSchema};

impl Compiler<'_> {
    pub(super) fn integer(&mut self, schema: &IntegerSchema) -> Node {
        let rule = IntegerRule {
            minimum: schema.minimum,
            maximum: schema.maximum,
            enumeration: schema.enumeration.as_deref().map(Box::from),
            constant: schema.constant,
        };
        if rule.minimum.is_none()
            && rule.maximum.is_none()
            && rule.enumeration.is_none()
            && rule.constant.is_none()
        {
            return Node::Integer(PLAIN);
        }
        self.program.integers.push(rule);
        Node::Integer(index(self.program.integers.len() - 1))
    }

    pub(super) fn string(&mut self, schema: &StringSchema) -> Node {
        // A format that is not known takes any text: the reader has said so.
        let format = schema.format.as_deref().and_then(Format::from_name);
        let rule = StringRule {
            min_length: schema.min_length,
            max_length: schema.max_length,
            min_graphemes: schema.min_graphemes,
            max_graphemes: schema.max_graphemes,
            enumeration: schema.enumeration.as_deref().map(boxed),
            constant: schema.constant.as_deref().map(Box::from),
        };
        let limits = [
            rule.min_length,
            rule.max_length,
            rule.min_graphemes,
            rule.max_graphemes,
        ];
        if limits.iter().all(Option::is_none)
            && rule.enumeration.is_none()
            && rule.constant.is_none()
        {
            return Node::String {
                format,
                rule: PLAIN,
            };
        }
        self.program.strings.push(rule);
        Node::String {
            format,
            rule: index(self.program.strings.len() - 1),
        }
    }

    pub(super) fn length(&mut self, min: Option<u64>, max: Option<u64>) -> u32 {
        if min.is_none() && max.is_none() {
            return PLAIN;
        }
        self.program.lengths.push(LengthRule { min, max });
        index(self.program.lengths.len() - 1)
    }

    pub(super) fn blob(&mut self, accept: Option<&[String]>, max_size: Option<u64>) -> Node {
        if accept.is_none() && max_size.is_none() {
            return Node::Blob(PLAIN);
        }
        self.program.blobs.push(BlobRule {
            accept: accept.map(boxed),
            max_size,
        });
        Node::Blob(index(self.program.blobs.len() - 1))
    }
}

fn boxed(texts: &[String]) -> Box<[Box<str>]> {
    texts.iter().map(|text| Box::from(text.as_str())).collect()
}
