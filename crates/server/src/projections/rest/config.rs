//! The part `config` of an upload. A name that it does not have is refused: a selection that is
//! misspelt would select everything.

use std::collections::BTreeMap;

use loggia_xrpc_server::Refusal;
use serde::Deserialize;
use serde_json::Value;

use super::object::Object;
use super::refuse;
use crate::projections::definition::{self, Definition};
use crate::projections::desk::Hook;

/// What a projection is, and where it notifies.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Config {
    /// Which one to change; a new one if absent.
    pub projection_id: Option<String>,
    pub notifications: Object<Notifications>,
    name: Option<String>,
    selection: Object<Selection>,
    /// A part of the form by itself as well.
    pub reducer: Option<String>,
    key: Option<String>,
    state_type: Option<String>,
    schemas: Vec<Value>,
}

/// Where it notifies; by itself the part `notificationConfig` of older clients.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notifications {
    webhook: Option<Object<Webhook>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Webhook {
    url: String,
    #[serde(default)]
    isolate_secret: bool,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Selection {
    types: Vec<String>,
    aggregate_types: Vec<String>,
    records: Option<Object<Records>>,
    space: Option<Object<Space>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    collection: String,
    did: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Space {
    space: String,
    collection: Option<String>,
}

/// Reads JSON of a part of the form.
pub(super) fn read<'a, T: Deserialize<'a>>(part: &str, text: &'a [u8]) -> Result<T, Refusal> {
    let read = serde_json::from_slice::<Object<T>>(text);
    let read = read.map_err(|error| refuse::invalid(format!("`{part}`: {error}")));
    read.map(|Object(read)| read)
}

impl Config {
    /// Refuses what the lexicon of the method refuses, for those who come by a form.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let name = self.name.as_deref().unwrap_or_default();
        let Object(selection) = &self.selection;
        let lists = [&selection.types, &selection.aggregate_types];
        let holds = name.len() <= 200
            && lists.iter().all(|list| {
                list.len() <= 100 && list.iter().all(|text| (1..=256).contains(&text.len()))
            });
        match holds {
            true => Ok(()),
            false => Err(refuse::invalid(
                "`config`: `name` has at most 200 bytes, lists at most 100 entries of 1 to 256 bytes",
            )),
        }
    }

    /// What is put.
    pub(super) fn into_parts(self) -> (Definition, Option<Hook>) {
        let definition = Definition {
            name: self.name,
            selection: self.selection.0.into(),
            reducer: self.reducer,
            key: self.key,
            state_type: self.state_type,
            schemas: self.schemas,
        };
        let hook = self.notifications.0.webhook;
        let hook = hook.map(|Object(webhook)| Hook {
            url: webhook.url,
            isolate: webhook.isolate_secret,
            headers: webhook.headers,
        });
        (definition, hook)
    }
}

impl From<Selection> for definition::Selection {
    fn from(selection: Selection) -> Self {
        Self {
            types: selection.types,
            aggregate_types: selection.aggregate_types,
            records: selection
                .records
                .map(|Object(records)| definition::Records {
                    collection: records.collection,
                    did: records.did,
                }),
            space: selection.space.map(|Object(space)| definition::Space {
                space: space.space,
                collection: space.collection,
            }),
        }
    }
}
