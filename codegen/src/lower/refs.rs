//! Follows references.

use loggia_lexicon::document::{Def, Schema};

use super::Lowering;
use super::naming::escape;
use super::types::{Listing, listing};
use crate::model::{Limits, Type, TypeId, Variant};
use crate::names::{self, Scope};

/// No honest lexicon goes through this many aliases to a type.
const DEEPEST_ALIAS: usize = 32;

/// A definition that a reference leads to.
#[derive(Clone, Copy)]
struct Target<'a> {
    module: usize,
    nsid: &'a str,
    name: &'a str,
    def: &'a Def,
}

impl Target<'_> {
    fn pointer(&self) -> String {
        format!("/defs/{}", escape(self.name))
    }

    /// As `$type` spells it: the bare NSID for `main`.
    fn type_name(&self) -> String {
        match self.name {
            "main" => self.nsid.to_owned(),
            name => format!("{}#{name}", self.nsid),
        }
    }
}

impl<'a> Lowering<'a, '_> {
    /// `#name`, `nsid` or `nsid#name`; `nsid#main` is the same as `nsid`.
    fn resolve(&self, reference: &str) -> Option<Target<'a>> {
        let (nsid, name) = match reference.split_once('#') {
            Some(("", name)) => (self.nsid(), name),
            Some((nsid, name)) => (nsid, name),
            None => (reference, "main"),
        };
        let module = *self.catalog.by_nsid.get(nsid)?;
        let document = self.catalog.entries[module].document;
        let (name, def) = document.defs.get_key_value(name)?;
        Some(Target {
            module,
            nsid: document.id.as_str(),
            name,
            def,
        })
    }

    fn id(&self, target: Target<'_>) -> TypeId {
        let name = self.catalog.entries[target.module]
            .names
            .at(&target.pointer())
            .to_owned();
        TypeId {
            module: target.module,
            name,
        }
    }

    /// The type of a `ref`.
    pub(crate) fn reference(&mut self, pointer: &str, reference: &str) -> Type {
        let Some(target) = self.resolve(reference) else {
            self.note(
                pointer,
                format!("{reference} is not in the catalog; kept as raw data"),
            );
            return Type::Data;
        };
        match target.def {
            Def::Record(_) | Def::Schema(Schema::Object(_) | Schema::Union(_)) => {
                Type::Named(self.id(target))
            }
            Def::Schema(Schema::String(string)) if listing(string) != Listing::Free => {
                Type::Strings(
                    self.id(target),
                    Limits {
                        min_length: string.min_length,
                        max_length: string.max_length,
                        min_graphemes: string.min_graphemes,
                        max_graphemes: string.max_graphemes,
                        nothing: false,
                    },
                )
            }
            Def::Schema(schema) => self.alias(pointer, reference, target, schema),
            Def::Token(_) => {
                self.note(
                    pointer,
                    format!("{reference} is a token, not a type; any text fits"),
                );
                Type::Text(Limits::default())
            }
            _ => {
                self.note(
                    pointer,
                    format!("{reference} is not a type of data; kept as raw data"),
                );
                Type::Data
            }
        }
    }

    /// The type behind an alias, which is a definition that gets no Rust type of its own.
    fn alias(
        &mut self,
        pointer: &str,
        reference: &str,
        target: Target<'a>,
        schema: &'a Schema,
    ) -> Type {
        let step = (target.module, target.name.to_owned());
        if self.following.contains(&step) || self.following.len() >= DEEPEST_ALIAS {
            let outer = std::mem::take(&mut self.following);
            self.note_once(
                pointer,
                format!("{reference} leads back to itself; kept as raw data"),
            );
            self.following = outer;
            return Type::Data;
        }
        self.following.push(step);
        let from = std::mem::replace(&mut self.index, target.module);
        // What the alias holds inside is generated where it is defined.
        let ty = self.ty(&target.pointer(), schema, &mut Vec::new());
        self.index = from;
        self.following.pop();
        ty
    }

    /// The variants of a union.
    pub(crate) fn variants(&mut self, pointer: &str, refs: &[String]) -> Vec<Variant> {
        let mut targets: Vec<Target<'a>> = Vec::new();
        for reference in refs {
            match self.resolve(reference) {
                None => self.note(
                    pointer,
                    format!("{reference} is not in the catalog; left out"),
                ),
                Some(target) => match target.def {
                    Def::Record(_) | Def::Schema(Schema::Object(_)) => {
                        if !targets.iter().any(|t| t.type_name() == target.type_name()) {
                            targets.push(target);
                        }
                    }
                    _ => self.note(pointer, format!("{reference} is not an object; left out")),
                },
            }
        }
        let names = variant_names(self.nsid(), &targets);
        let with_name = targets.into_iter().zip(names);
        with_name
            .map(|(target, rust)| Variant {
                rust,
                type_name: target.type_name(),
                target: self.id(target),
            })
            .collect()
    }

    /// What the token that a value refers to says about itself.
    pub(crate) fn token_docs(&self, value: &str) -> Option<String> {
        match self.resolve(value)?.def {
            Def::Token(token) if value.contains(['#', '.']) => token.description.clone(),
            _ => None,
        }
    }
}

/// One name for each variant: the definition's name, with the last segment of a foreign NSID before
/// it unless that is `defs`; as many more segments as it takes to tell the variants apart.
fn variant_names(nsid: &str, targets: &[Target<'_>]) -> Vec<String> {
    let mut scope = Scope::with(&["Unknown", "Self"]);
    let name = |target: &Target<'_>, more: usize| {
        let mut segments: Vec<&str> = target.nsid.split('.').collect();
        let last = segments.pop().unwrap_or_default();
        let mut parts = Vec::new();
        let short = target.name == "main" || (target.nsid != nsid && last != "defs");
        if short || more > 0 {
            parts.push(last);
        }
        let more = more.min(segments.len());
        parts.splice(0..0, segments[segments.len() - more..].iter().copied());
        if target.name != "main" {
            parts.push(target.name);
        }
        names::camel(&parts.join("-"))
    };
    let shortest: Vec<String> = targets.iter().map(|target| name(target, 0)).collect();
    let mut chosen = Vec::new();
    for target in targets {
        let alone = |more: usize| {
            let wanted = name(target, more);
            targets
                .iter()
                .filter(|other| name(other, more) == wanted)
                .count()
                == 1
                && (more == 0 || !shortest.contains(&wanted))
        };
        let more = (0..8).find(|more| alone(*more)).unwrap_or(8);
        let wanted = name(target, more);
        chosen.push(scope.take(if wanted.is_empty() {
            "Variant"
        } else {
            &wanted
        }));
    }
    chosen
}
