//! A catalog as the validator runs it: one arena of nodes, indices instead of names.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use loggia_syntax::Format;

use crate::catalog::DefinitionName;
use crate::document::KeyType;

/// A node of the arena.
pub(super) type NodeId = u32;

/// A text of the program: offset and length.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text {
    pub(super) start: u32,
    pub(super) length: u32,
}

/// A run of entries in one of the program's lists.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) count: u32,
}

impl Run {
    pub(super) fn of<T>(self, list: &[T]) -> &[T] {
        &list[self.first as usize..(self.first + self.count) as usize]
    }
}

/// No rule beyond the type.
pub(super) const PLAIN: u32 = u32::MAX;

/// What a value has to be. Indices lead into the lists of [`Program`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    Boolean(Option<bool>),
    Integer(u32),
    String {
        format: Option<Format>,
        rule: u32,
    },
    Bytes(u32),
    Link,
    Blob(u32),
    Array {
        items: NodeId,
        rule: u32,
    },
    Object(u32),
    /// An object that says by `$type` that it is this record.
    Record {
        def: u32,
        object: u32,
    },
    Union(u32),
    /// An object of any shape.
    Unknown,
    /// Any data.
    Anything,
    Null,
    /// A token where data is wanted: any text.
    Token,
    /// Nothing can be checked against this; the text says why.
    Unusable(Text),
}

#[derive(Debug)]
pub(super) struct IntegerRule {
    pub(super) minimum: Option<i64>,
    pub(super) maximum: Option<i64>,
    pub(super) enumeration: Option<Box<[i64]>>,
    pub(super) constant: Option<i64>,
}

#[derive(Debug)]
pub(super) struct StringRule {
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) min_graphemes: Option<u64>,
    pub(super) max_graphemes: Option<u64>,
    pub(super) enumeration: Option<Box<[Box<str>]>>,
    pub(super) constant: Option<Box<str>>,
}

/// Lengths of bytes and arrays.
#[derive(Clone, Copy, Debug)]
pub(super) struct LengthRule {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
}

#[derive(Debug)]
pub(super) struct BlobRule {
    pub(super) accept: Option<Box<[Box<str>]>>,
    pub(super) max_size: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectRule {
    /// Properties, sorted by name.
    pub(super) properties: Run,
    /// How many of them are required.
    pub(super) required: u32,
    /// Whether `$type` is among them.
    pub(super) declares_type: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Property {
    pub(super) name: Text,
    pub(super) node: NodeId,
    pub(super) required: bool,
    pub(super) nullable: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct UnionRule {
    /// Definitions, sorted by name, in [`Program::variants`].
    pub(super) variants: Run,
    pub(super) closed: bool,
}

/// A definition, or the name of one that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Def {
    /// Canonical: the bare NSID for `main`.
    pub(super) name: Text,
    pub(super) node: NodeId,
    pub(super) role: Role,
}

/// What a definition is, apart from its node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// A record; its key type by index.
    Record(u32),
    /// A method; its parts by index.
    Method(u32),
    /// Anything else.
    Other,
}

/// The schemas of a method; `None` where it has none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub(super) params: Option<NodeId>,
    pub(super) input: Option<NodeId>,
    pub(super) output: Option<NodeId>,
    pub(super) message: Option<NodeId>,
}

/// Definitions by name.
///
/// Hashed without a secret: a caller can ask for a name and not add one, so that only who writes
/// the lexicons could make it slow, and only for themselves.
pub(super) type Names = HashMap<Box<str>, u32, BuildHasherDefault<NameHasher>>;

/// Hashes eight bytes at a step.
#[derive(Debug, Default)]
pub(super) struct NameHasher(u64);

impl NameHasher {
    fn step(&mut self, word: u64) {
        // The digits of the golden ratio: odd, and without a pattern.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(SPREAD);
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((word, after)) = rest.split_first_chunk() {
            self.step(u64::from_le_bytes(*word));
            rest = after;
        }
        let last = rest
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.step(last);
    }

    fn write_u8(&mut self, byte: u8) {
        self.step(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        // The product's best bits are its highest; the table takes its index from the lowest.
        self.0.rotate_left(32)
    }
}

/// A compiled catalog.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) integers: Vec<IntegerRule>,
    pub(super) strings: Vec<StringRule>,
    pub(super) lengths: Vec<LengthRule>,
    pub(super) blobs: Vec<BlobRule>,
    pub(super) objects: Vec<ObjectRule>,
    pub(super) properties: Vec<Property>,
    pub(super) unions: Vec<UnionRule>,
    pub(super) variants: Vec<u32>,
    pub(super) defs: Vec<Def>,
    pub(super) keys: Vec<Option<KeyType>>,
    pub(super) methods: Vec<Parts>,
    pub(super) text: String,
    /// Definitions by canonical name.
    pub(super) names: Names,
}

impl Program {
    pub(super) fn text(&self, text: Text) -> &str {
        &self.text[text.start as usize..(text.start + text.length) as usize]
    }

    /// Whether a text is this. Looks at the length first, which most differ in.
    #[inline]
    pub(super) fn is(&self, text: Text, other: &str) -> bool {
        text.length as usize == other.len()
            && self.text.as_bytes()[text.start as usize..][..other.len()] == *other.as_bytes()
    }

    /// A definition by its name; `nsid#main` is `nsid`.
    pub(super) fn find(&self, name: &str) -> Option<&Def> {
        let name = name.strip_suffix("#main").unwrap_or(name);
        self.names.get(name).map(|&at| &self.defs[at as usize])
    }

    /// The node of a union's variant that a frame of the subscription `nsid` names as `kind`.
    pub(super) fn variant_of(&self, union: u32, nsid: &str, kind: &str) -> Option<NodeId> {
        let wanted = DefinitionName::parse(nsid, kind)?;
        let variants = self.unions[union as usize].variants.of(&self.variants);
        let mut defs = variants.iter().map(|&def| &self.defs[def as usize]);
        defs.find(|def| wanted.is_spelled(self.text(def.name)))
            .map(|def| def.node)
    }

    /// About how much memory the program holds, in bytes.
    pub(super) fn size(&self) -> usize {
        fn held<T>(list: &Vec<T>) -> usize {
            list.capacity() * size_of::<T>()
        }
        let names: usize = self
            .names
            .keys()
            .map(|name| name.len() + size_of::<(Box<str>, u32)>() + 1)
            .sum();
        let choices = |list: &Option<Box<[Box<str>]>>| -> usize {
            list.iter()
                .flat_map(|list| list.iter())
                .map(|text| text.len() + size_of::<Box<str>>())
                .sum()
        };
        held(&self.nodes)
            + held(&self.integers)
            + held(&self.strings)
            + held(&self.lengths)
            + held(&self.blobs)
            + held(&self.objects)
            + held(&self.properties)
            + held(&self.unions)
            + held(&self.variants)
            + held(&self.defs)
            + held(&self.keys)
            + held(&self.methods)
            + self.text.capacity()
            + names
            + self
                .strings
                .iter()
                .map(|rule| choices(&rule.enumeration))
                .sum::<usize>()
            + self
                .blobs
                .iter()
                .map(|rule| choices(&rule.accept))
                .sum::<usize>()
    }
}
