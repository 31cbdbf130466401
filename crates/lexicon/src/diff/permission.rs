//! Comparing permission sets by what they grant.
//!
//! A permission with several collections and actions grants each combination, so a permission that
//! was split in two, or two that were joined, grants the same as before.

use std::collections::BTreeSet;

use serde_json::Value;

use super::change::{Direction, Kind};
use super::usage::Roles;
use super::{Comparison, Spot};
use crate::document::{PermissionDef, PermissionSetDef};

/// More combinations than this are not spelled out: the permission is compared as it is written.
const MOST_COMBINATIONS: usize = 4096;
/// What a `repo` permission allows that names no action.
const ALL_ACTIONS: [&str; 3] = ["create", "update", "delete"];

impl Comparison<'_> {
    pub(super) fn permission_set(
        &mut self,
        old: &PermissionSetDef,
        new: &PermissionSetDef,
        at: &Spot,
    ) {
        self.words(old.description.as_deref(), new.description.as_deref(), at);
        self.words(
            old.title.as_deref(),
            new.title.as_deref(),
            &at.below("title"),
        );
        self.words(
            old.detail.as_deref(),
            new.detail.as_deref(),
            &at.below("detail"),
        );
        if (&old.title_lang, &old.detail_lang) != (&new.title_lang, &new.detail_lang) {
            self.compatible(Kind::Description, at, "the translations changed");
        }
        let at = &at.below("permissions").with(Roles::CALLS);
        let (old, new) = (grants(old), grants(new));
        for gone in old.difference(&new) {
            let message = format!("no longer granted: {gone}");
            self.breaking(Kind::PermissionRemoved, Direction::Tightened, at, message);
        }
        for added in new.difference(&old) {
            let message = format!("granted now, also to those who agreed to less: {added}");
            self.compatible(Kind::PermissionAdded, at, message);
        }
    }
}

/// Everything that a set grants, each combination in one spelling.
fn grants(set: &PermissionSetDef) -> BTreeSet<String> {
    set.permissions.iter().flat_map(combinations).collect()
}

fn combinations(permission: &PermissionDef) -> Vec<String> {
    let mut fields = permission.fields.clone();
    if permission.resource == "repo" && !fields.contains_key("action") {
        fields.insert("action".to_owned(), ALL_ACTIONS.into());
    }
    fields.sort_keys();
    let choices = |value: &Value| match value {
        Value::Array(items) => items.len(),
        _ => 1,
    };
    let count = fields
        .values()
        .map(choices)
        .try_fold(1_usize, usize::checked_mul);
    let mut grants = vec![permission.resource.clone()];
    for (name, value) in &fields {
        let options = match value {
            Value::Array(items) if count.is_some_and(|count| count <= MOST_COMBINATIONS) => {
                items.clone()
            }
            whole => vec![whole.clone()],
        };
        grants = options
            .iter()
            .flat_map(|option| {
                grants
                    .iter()
                    .map(move |grant| format!("{grant} {name}={option}"))
            })
            .collect();
    }
    grants
}
