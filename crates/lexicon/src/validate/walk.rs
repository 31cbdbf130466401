//! One pass over a value, along the program.

use loggia_syntax::check::{self, At, Report};
use loggia_syntax::data::{Bytes, CidLink};

use super::program::{Node, NodeId, PLAIN, Program, Text};
use super::view::{DataView, ObjectView, Shape};

/// The state of one validation.
pub(super) struct Walk<'p> {
    pub(super) program: &'p Program,
    pub(super) allow_unresolved: bool,
    pub(super) report: Report,
}

impl Walk<'_> {
    /// Checks a value against a node.
    pub(super) fn value<'v, V: DataView<'v>>(&mut self, node: NodeId, value: V, at: &At<'_>) {
        if !self.report.enter(at) {
            return;
        }
        self.entered(node, value, at);
    }

    /// As [`value`](Self::value), for a value that was counted already.
    pub(super) fn entered<'v, V: DataView<'v>>(&mut self, node: NodeId, value: V, at: &At<'_>) {
        let report = &mut self.report;
        // The node first: each wants one shape, so that only whether it is that one is looked at.
        match self.program.nodes[node as usize] {
            Node::String { format, rule } if let Shape::Text(text) = value.shape() => {
                if let Some(format) = format {
                    check::format(text, format, at, report);
                }
                if rule != PLAIN {
                    self.string(rule, text, at);
                }
            }
            Node::Integer(rule) if let Shape::Integer(integer) = value.shape() => {
                check::safe_integer(integer, at, report);
                if rule != PLAIN {
                    self.integer(rule, integer, at);
                }
            }
            Node::Object(rule) if let Shape::Object(object) = value.shape() => {
                self.object::<V>(rule, object, at);
            }
            Node::Record { def, object: rule } if let Shape::Object(object) = value.shape() => {
                if self.record::<V>(def, object, at) {
                    self.object::<V>(rule, object, at);
                }
            }
            Node::Union(rule) if let Shape::Object(object) = value.shape() => {
                self.union(rule, value, object, at);
            }
            Node::Array { items, rule } if let Shape::Array(elements, length) = value.shape() => {
                if rule != PLAIN {
                    self.items(rule, length, at);
                }
                for (index, element) in elements.enumerate() {
                    self.value(items, element, &at.index(index));
                }
            }
            Node::Boolean(constant) if let Shape::Boolean(value) = value.shape() => {
                if let Some(constant) = constant {
                    check::const_boolean(value, constant, at, report);
                }
            }
            node => self.other::<V>(node, value.shape(), at),
        }
    }

    /// What is rarer, and what is wrong.
    fn other<'v, V: DataView<'v>>(&mut self, node: Node, shape: Shape<'v, V>, at: &At<'_>) {
        match (node, shape) {
            (Node::Bytes(rule), Shape::Bytes(bytes)) => self.bytes(rule, bytes.len(), at),
            (Node::Bytes(rule), Shape::Object(object)) if V::SPELLED => {
                self.spelled_bytes::<V>(rule, object, at);
            }
            (Node::Link, Shape::Link)
            | (Node::Null, Shape::Null)
            | (Node::Token, Shape::Text(_)) => {}
            (Node::Link, Shape::Object(object)) if V::SPELLED => self.spelled_link::<V>(object, at),
            (Node::Blob(rule), Shape::Object(object)) => self.blob::<V>(rule, object, at),
            (Node::Unknown, Shape::Object(object)) => self.unknown::<V>(object, at),
            (Node::Anything, shape) => self.free_shape::<V>(shape, at),
            (Node::Unusable(why), shape) => self.unusable::<V>(why, shape, at),
            (node, shape) => self.wrong::<V>(node, &shape, at),
        }
    }

    #[cold]
    fn unusable<'v, V: DataView<'v>>(&mut self, why: Text, shape: Shape<'v, V>, at: &At<'_>) {
        if self.allow_unresolved {
            return self.free_shape::<V>(shape, at);
        }
        check::unusable_schema(self.program.text(why), at, &mut self.report);
    }

    #[cold]
    fn wrong<'v, V: DataView<'v>>(&mut self, node: Node, shape: &Shape<'v, V>, at: &At<'_>) {
        let report = &mut self.report;
        let found = shape.type_name();
        let expected = match node {
            Node::Unknown => return check::not_unknown(found, at, report),
            Node::Boolean(_) => "boolean",
            Node::Integer(_) => match *shape {
                Shape::Number(number) => return check::float(number, at, report),
                _ => "integer",
            },
            Node::String { .. } | Node::Token => "string",
            Node::Bytes(_) => "bytes",
            Node::Link => "cid-link",
            Node::Blob(_) => "blob",
            Node::Array { .. } => "array",
            Node::Object(_) | Node::Record { .. } | Node::Union(_) => "object",
            Node::Null => "null",
            Node::Anything | Node::Unusable(_) => "anything",
        };
        check::wrong_type(expected, found, at, report);
    }

    fn string(&mut self, rule: u32, text: &str, at: &At<'_>) {
        let rule = &self.program.strings[rule as usize];
        let report = &mut self.report;
        if let Some(limit) = rule.max_length {
            check::max_length(text, limit, at, report);
        }
        if let Some(limit) = rule.min_length {
            check::min_length(text, limit, at, report);
        }
        if let Some(limit) = rule.max_graphemes {
            check::max_graphemes(text, limit, at, report);
        }
        if let Some(limit) = rule.min_graphemes {
            check::min_graphemes(text, limit, at, report);
        }
        if let Some(allowed) = &rule.enumeration {
            check::enum_string(text, allowed, at, report);
        }
        if let Some(expected) = &rule.constant {
            check::const_string(text, expected, at, report);
        }
    }

    fn integer(&mut self, rule: u32, integer: i64, at: &At<'_>) {
        let rule = &self.program.integers[rule as usize];
        let report = &mut self.report;
        if let Some(limit) = rule.maximum {
            check::maximum(integer, limit, at, report);
        }
        if let Some(limit) = rule.minimum {
            check::minimum(integer, limit, at, report);
        }
        if let Some(allowed) = &rule.enumeration {
            check::enum_integer(integer, allowed, at, report);
        }
        if let Some(expected) = rule.constant {
            check::const_integer(integer, expected, at, report);
        }
    }

    fn items(&mut self, rule: u32, length: usize, at: &At<'_>) {
        let rule = self.program.lengths[rule as usize];
        if let Some(limit) = rule.max {
            check::max_items(length, limit, at, &mut self.report);
        }
        if let Some(limit) = rule.min {
            check::min_items(length, limit, at, &mut self.report);
        }
    }

    fn bytes(&mut self, rule: u32, length: usize, at: &At<'_>) {
        if rule == PLAIN {
            return;
        }
        let rule = self.program.lengths[rule as usize];
        if let Some(limit) = rule.max {
            check::max_bytes(length, limit, at, &mut self.report);
        }
        if let Some(limit) = rule.min {
            check::min_bytes(length, limit, at, &mut self.report);
        }
    }

    fn spelled_bytes<'v, V: DataView<'v>>(&mut self, rule: u32, object: V::Object, at: &At<'_>) {
        match spelled::<V>(object, "$bytes").map(Bytes::checked_length) {
            Ok(Ok(length)) => self.bytes(rule, length, at),
            Ok(Err(why)) => check::broken_bytes(why, at, &mut self.report),
            Err(why) => check::broken_bytes(why, at, &mut self.report),
        }
    }

    pub(super) fn spelled_link<'v, V: DataView<'v>>(&mut self, object: V::Object, at: &At<'_>) {
        match spelled::<V>(object, "$link").map(CidLink::check) {
            Ok(Ok(())) => {}
            Ok(Err(why)) => check::broken_link(why, at, &mut self.report),
            Err(why) => check::broken_link(why, at, &mut self.report),
        }
    }
}

/// The text of an object that has this key, a string under it, and nothing else.
pub(super) fn spelled<'v, V: DataView<'v>>(
    object: V::Object,
    key: &str,
) -> Result<&'v str, String> {
    let text = object.get(key).map(V::shape);
    match text {
        Some(Shape::Text(text)) if object.len() == 1 => Ok(text),
        Some(Shape::Text(_)) => Err(format!(
            "`{key}` stands alone, but other fields are beside it"
        )),
        Some(other) => Err(format!("`{key}` holds a string, got {}", other.type_name())),
        None => Err(format!("`{key}` is missing")),
    }
}
