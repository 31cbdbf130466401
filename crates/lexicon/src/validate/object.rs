//! Objects, records and unions.

use loggia_syntax::check::{self, At};

use super::program::{Node, ObjectRule, Program, Property, Run};
use super::view::{DataView, ObjectView, Shape, stands_for};
use super::walk::Walk;

/// Up to here comparing each for equality, length first, is faster than a binary search.
const FEW: usize = 16;

impl Walk<'_> {
    /// An object against its properties: one pass over both, as both are sorted by name.
    pub(super) fn object<'v, V: DataView<'v>>(
        &mut self,
        rule: u32,
        object: V::Object,
        at: &At<'_>,
    ) {
        let program = self.program;
        let rule = program.objects[rule as usize];
        let properties = rule.properties.of(&program.properties);
        let mut next = 0;
        let mut required = 0;
        for (name, field) in object.fields() {
            if name == "$type" && !rule.declares_type {
                self.type_field(field, at);
                continue;
            }
            let Some(property) = seek(program, properties, &mut next, name) else {
                match name {
                    "$bytes" | "$link" => return self.no_object::<V>(name, object, at),
                    _ => self.free(field, &at.field(name)),
                }
                continue;
            };
            required += u32::from(property.required);
            if !(property.nullable && field.is_null()) {
                self.value(property.node, field, &at.field(name));
            }
        }
        if required != rule.required {
            self.missing::<V>(rule, object, at);
        }
        if rule.declares_type {
            self.declared_type::<V>(object, at);
        }
    }

    /// `$type` belongs to the protocol: what a lexicon says about it comes on top.
    #[cold]
    fn declared_type<'v, V: DataView<'v>>(&mut self, object: V::Object, at: &At<'_>) {
        if let Some(field) = object.get("$type") {
            self.type_field(field, at);
        }
    }

    #[cold]
    fn missing<'v, V: DataView<'v>>(&mut self, rule: ObjectRule, object: V::Object, at: &At<'_>) {
        for property in rule.properties.of(&self.program.properties) {
            let name = self.program.text(property.name);
            if property.required && object.get(name).is_none() {
                check::missing(name, at, &mut self.report);
            }
        }
    }

    /// An object that stands for bytes or a link, where an object is wanted.
    #[cold]
    fn no_object<'v, V: DataView<'v>>(&mut self, key: &str, object: V::Object, at: &At<'_>) {
        match stands_for::<V>(object) {
            Some(found) => check::wrong_type("object", found, at, &mut self.report),
            None => check::reserved_key(key, at, &mut self.report),
        }
    }

    /// A union or record without `$type`.
    #[cold]
    fn no_type<'v, V: DataView<'v>>(&mut self, object: V::Object, at: &At<'_>) {
        match stands_for::<V>(object) {
            Some(found) => check::wrong_type("object", found, at, &mut self.report),
            None => check::no_type(at, &mut self.report),
        }
    }

    /// `$type` is not empty, whether or not it matters.
    pub(super) fn type_field<'v, V: DataView<'v>>(&mut self, field: V, at: &At<'_>) {
        match field.shape() {
            Shape::Text("") => check::type_field("an empty one", at, &mut self.report),
            Shape::Text(_) => {}
            other => check::type_field(other.type_name(), at, &mut self.report),
        }
    }

    /// A record says which one it is, wherever it stands. `false` if it is no object at all.
    pub(super) fn record<'v, V: DataView<'v>>(
        &mut self,
        def: u32,
        object: V::Object,
        at: &At<'_>,
    ) -> bool {
        let name = self.program.defs[def as usize].name;
        match object.get("$type").map(V::shape) {
            None => {
                self.no_type::<V>(object, at);
                return stands_for::<V>(object).is_none();
            }
            Some(Shape::Text(found)) if !self.program.is(name, found) && !found.is_empty() => {
                check::expected_type(self.program.text(name), found, at, &mut self.report);
            }
            // What is no name at all is reported with the other fields.
            Some(_) => {}
        }
        true
    }

    /// A union: `$type` chooses the variant.
    pub(super) fn union<'v, V: DataView<'v>>(
        &mut self,
        rule: u32,
        value: V,
        object: V::Object,
        at: &At<'_>,
    ) {
        let program = self.program;
        let rule = program.unions[rule as usize];
        let Some(field) = object.get("$type") else {
            return self.no_type::<V>(object, at);
        };
        let name = match field.shape() {
            Shape::Text(name) if !name.is_empty() => name,
            _ => return self.type_field(field, at),
        };
        match variant(program, rule.variants, name) {
            // The record's `$type` was what found it.
            Some(def) => match program.nodes[program.defs[def as usize].node as usize] {
                Node::Record { object: rule, .. } => self.object::<V>(rule, object, at),
                _ => self.entered(program.defs[def as usize].node, value, at),
            },
            None if rule.closed => self.closed(rule.variants, name, at),
            None => self.free_object::<V>(object, at),
        }
    }

    /// A value of a union that names none of its variants in another way than by `$type`.
    pub(super) fn unlisted<'v, V: DataView<'v>>(
        &mut self,
        rule: u32,
        name: &str,
        value: V,
        at: &At<'_>,
    ) {
        let rule = self.program.unions[rule as usize];
        if rule.closed {
            return self.closed(rule.variants, name, at);
        }
        self.free(value, at);
    }

    #[cold]
    fn closed(&mut self, variants: Run, found: &str, at: &At<'_>) {
        let program = self.program;
        let allowed: Vec<&str> = variants
            .of(&program.variants)
            .iter()
            .map(|&def| program.text(program.defs[def as usize].name))
            .collect();
        check::closed_union(found, &allowed, at, &mut self.report);
    }
}

/// The property of a name. Names are asked for in ascending order, if the data is sorted; it is
/// only slower if not.
#[inline]
fn seek<'p>(
    program: &Program,
    properties: &'p [Property],
    next: &mut usize,
    name: &str,
) -> Option<&'p Property> {
    let (passed, ahead) = properties.split_at(*next);
    let is_it = |property: &&Property| program.is(property.name, name);
    if properties.len() > FEW {
        let spelled = |property: &Property| program.text(property.name).cmp(name);
        return properties
            .binary_search_by(spelled)
            .ok()
            .map(|at| &properties[at]);
    }
    if let Some(skipped) = ahead.iter().position(|property| is_it(&property)) {
        *next += skipped + 1;
        return ahead.get(skipped);
    }
    passed.iter().find(is_it)
}

/// The variant of a name, among those sorted by name.
fn variant(program: &Program, variants: Run, name: &str) -> Option<u32> {
    let variants = variants.of(&program.variants);
    let spelled = |def: u32| program.text(program.defs[def as usize].name);
    if variants.len() <= FEW {
        let is_it = |def: &u32| program.is(program.defs[*def as usize].name, name);
        return variants.iter().copied().find(is_it);
    }
    let at = variants
        .binary_search_by(|&def| spelled(def).cmp(name))
        .ok()?;
    Some(variants[at])
}
