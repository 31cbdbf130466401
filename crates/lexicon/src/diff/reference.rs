//! Comparing refs and unions: by what they lead to, not by how they are written.

use indexmap::IndexSet;

use super::change::{Direction, Kind};
use super::{Comparison, Spot};
use crate::document::{Def, RefSchema, Schema, UnionSchema};
use crate::library::DefName;

/// How many refs in a row are followed before two targets count as different. Real documents need
/// one or two; a hostile chain must not use up the stack.
const DEEPEST: u32 = 64;
/// How many refs are followed for one change. Far more than any real document has; a hostile one
/// must not multiply them.
pub(super) const MOST_FOLLOWED: u32 = 10_000;

impl Comparison<'_> {
    pub(super) fn union(&mut self, old: &UnionSchema, new: &UnionSchema, kind: Kind, at: &Spot) {
        let openness = match (old.closed, new.closed) {
            (false, true) => (Direction::Tightened, "the union was open and is closed now"),
            (true, false) => (Direction::Loosened, "the union was closed and is open now"),
            _ => (Direction::Neutral, ""),
        };
        self.moved(Kind::UnionOpenClosed, openness.0, at, openness.1);
        let variants = |union: &UnionSchema, base: &str| -> IndexSet<DefName> {
            union
                .refs
                .iter()
                .map(|reference| DefName::parse(base, reference))
                .collect()
        };
        let before = variants(old, self.bases.0);
        let after = variants(new, self.bases.1);
        let at = &at.below("refs");
        // Without its variant, a `$type` is refused by a closed union and unchecked in an open one.
        let way = if old.closed {
            Direction::Tightened
        } else {
            Direction::Loosened
        };
        for gone in before.difference(&after) {
            self.breaking(kind, way, at, format!("the variant `{gone}` is gone"));
        }
        for added in after.difference(&before) {
            let message = format!("the variant `{added}` is new");
            if old.closed {
                self.breaking(kind, Direction::Loosened, at, message);
            } else {
                self.compatible(kind, at, message);
            }
        }
    }

    pub(super) fn reference(&mut self, old: &RefSchema, new: &RefSchema, at: &Spot) {
        let old = DefName::parse(self.bases.0, &old.reference);
        let new = DefName::parse(self.bases.1, &new.reference);
        if old == new {
            return;
        }
        let message = format!("`{old}` became `{new}`");
        // Records are told apart by `$type`, so only the shapes of plain schemas can be equal.
        let same = match (self.old.def(&old), self.new.def(&new)) {
            (Some(Def::Schema(before)), Some(Def::Schema(after))) => {
                self.start_following();
                let pair = (old.clone(), new.clone());
                !self.seen.insert(pair) || self.is_same(before, after, (&old.nsid, &new.nsid), at)
            }
            _ => false,
        };
        if same {
            self.compatible(
                Kind::RefChange,
                at,
                format!("{message}, which takes the same"),
            );
        } else {
            self.breaking(Kind::RefChange, Direction::Changed, at, message);
        }
    }

    /// A ref on one side and a schema in place on the other.
    pub(super) fn inlined(
        &mut self,
        reference: &RefSchema,
        other: &Schema,
        old_is_ref: bool,
        at: &Spot,
    ) {
        let (library, base) = if old_is_ref {
            (self.old, self.bases.0)
        } else {
            (self.new, self.bases.1)
        };
        let name = DefName::parse(base, &reference.reference);
        self.start_following();
        let same = match library.def(&name) {
            Some(Def::Schema(target)) if old_is_ref => {
                self.is_same(target, other, (&name.nsid, self.bases.1), at)
            }
            Some(Def::Schema(target)) => {
                self.is_same(other, target, (self.bases.0, &name.nsid), at)
            }
            _ => false,
        };
        if same {
            let message = format!("`{name}` and the schema in place take the same");
            self.compatible(Kind::RefChange, at, message);
        } else {
            let message = format!("`{name}` and the schema in place differ");
            self.breaking(Kind::TypeChange, Direction::Changed, at, message);
        }
    }

    /// What one change found does not speak for the next one.
    fn start_following(&mut self) {
        if self.depth == 0 {
            self.seen.clear();
            self.to_follow = MOST_FOLLOWED;
        }
    }

    /// Whether two schemas take the same, found by comparing them as if they stood here.
    fn is_same(&mut self, old: &Schema, new: &Schema, bases: (&str, &str), at: &Spot) -> bool {
        if self.depth >= DEEPEST || self.to_follow == 0 {
            return false;
        }
        let mut inner = Comparison {
            old: self.old,
            new: self.new,
            usage: self.usage,
            nsid: self.nsid,
            bases,
            changes: Vec::new(),
            seen: std::mem::take(&mut self.seen),
            depth: self.depth + 1,
            to_follow: self.to_follow - 1,
        };
        inner.schema(old, new, at);
        self.seen = inner.seen;
        self.to_follow = inner.to_follow;
        inner.changes.iter().all(|change| !change.breaking)
    }
}
