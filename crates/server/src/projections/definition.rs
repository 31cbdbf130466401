//! What an owner says of a projection, as it is stored.

use loggia_lexicon::document::{Def, Document};
use loggia_reducer::{CompileError, Program, Room};
use loggia_storage::StoredEvent;
use loggia_syntax::data::Data;
use loggia_syntax::{Did, Nsid, SpaceRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lexicons::Lexicons;
use crate::projections::sources;

/// Without a program, the data of an event is laid over the state.
const OVERLAY: &str = "if ($event.data | type) == \"object\" then (. // {}) + $event.data
    else $event.data end";

/// Bytes of all lexicons that come along, as JSON.
const MOST_SCHEMA_BYTES: usize = 256 * 1024;

/// A projection as its owner wrote it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Definition {
    /// For its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which events are folded.
    pub selection: Selection,
    /// The jq program that folds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reducer: Option<String>,
    /// The jq program that names what an event is folded into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What every state must be of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_type: Option<String>,
    /// Lexicons for that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<Value>,
}

/// Which events are folded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selection {
    /// Their types; any if there are none.
    pub types: Vec<String>,
    /// The types of their aggregates; any if there are none.
    pub aggregate_types: Vec<String>,
    /// Records of the network instead of what the owner appended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Records>,
    /// Records of a space instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space: Option<Space>,
}

/// Records of the network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Records {
    /// Their collection.
    pub collection: String,
    /// Whose; everyone's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did: Option<String>,
}

/// Records of a permissioned space.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Space {
    /// Which space.
    pub space: String,
    /// Their collection; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
}

/// What is wrong with a definition, for its owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A program.
    #[error("`{0}`: {1}")]
    Program(&'static str, CompileError),
    /// The selection.
    #[error("`selection`: {0}")]
    Selection(String),
    /// The type of states, or a lexicon for it.
    #[error("`stateType`: {0}")]
    StateType(String),
}

/// A definition that can be run.
pub struct Compiled {
    /// Folds.
    pub reducer: Program,
    /// Names what an event is folded into.
    pub key: Option<Program>,
    /// What states are checked against.
    pub state_type: Option<StateType>,
}

/// A lexicon type that states are checked against.
#[derive(Clone)]
pub struct StateType {
    nsid: String,
    is_record: bool,
    lexicons: Lexicons,
}

impl Definition {
    /// The source other than the API that is read, by the name that events carry.
    ///
    /// # Errors
    /// Two sources, or one that is none.
    pub fn reads(&self) -> Result<Option<String>, Invalid> {
        let invalid = |reason: &dyn std::fmt::Display| Invalid::Selection(reason.to_string());
        match (&self.selection.records, &self.selection.space) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(invalid(&"`records` and `space` are two sources")),
            (Some(records), None) => {
                let collection = Nsid::new(&records.collection).map_err(|error| invalid(&error))?;
                let did = records.did.as_deref().map(Did::new).transpose();
                let did = did.map_err(|error| invalid(&error))?;
                Ok(Some(sources::origin_of_records(&collection, did.as_ref())))
            }
            (None, Some(space)) => {
                let collection = space.collection.as_deref().map(Nsid::new).transpose();
                let collection = collection.map_err(|error| invalid(&error))?;
                let space = SpaceRef::from_any_spelling(&space.space);
                let space = space.map_err(|error| invalid(&error))?;
                Ok(Some(sources::origin_of_space(&space, collection.as_ref())))
            }
        }
    }

    /// The space whose records are read, if they are.
    ///
    /// # Errors
    /// It is none.
    pub fn space(&self) -> Result<Option<SpaceRef>, Invalid> {
        let space = self.selection.space.as_ref();
        let space = space.map(|space| SpaceRef::from_any_spelling(&space.space));
        let space = space.transpose();
        space.map_err(|error| Invalid::Selection(error.to_string()))
    }

    /// Whether an event is folded; `reads` is what [`Definition::reads`] says.
    pub fn selects(&self, event: &StoredEvent, reads: Option<&str>) -> bool {
        let Selection {
            types,
            aggregate_types,
            ..
        } = &self.selection;
        let comes = match (event.origin.as_deref(), reads) {
            (None, None) => true,
            (Some(origin), Some(reads)) => sources::is_of(origin, reads),
            _ => false,
        };
        comes
            && (types.is_empty() || types.contains(&event.kind))
            && (aggregate_types.is_empty() || aggregate_types.contains(&event.aggregate_type))
    }

    /// Makes it ready to run. Takes a while, and room on the stack.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(&self, lexicons: &Lexicons, room: &Room) -> Result<Compiled, Invalid> {
        let compile = |name, source: &str| {
            Program::compile(source, room).map_err(|error| Invalid::Program(name, error))
        };
        let key = self.key.as_deref();
        let state_type = self.state_type.as_deref();
        Ok(Compiled {
            reducer: compile("reducer", self.reducer.as_deref().unwrap_or(OVERLAY))?,
            key: key.map(|source| compile("key", source)).transpose()?,
            state_type: state_type
                .map(|nsid| StateType::find(nsid, &self.schemas, lexicons))
                .transpose()?,
        })
    }
}

impl StateType {
    /// What came along wins over what the server has of the same name.
    fn find(nsid: &str, schemas: &[Value], lexicons: &Lexicons) -> Result<Self, Invalid> {
        let invalid = |reason: String| Invalid::StateType(reason);
        let name = Nsid::new(nsid).map_err(|error| invalid(error.to_string()))?;
        let given = read_schemas(schemas).map_err(invalid)?;
        let lexicons = lexicons.reached_from(&name, given, true);
        let document = lexicons.catalog().document(nsid);
        let document = document.ok_or_else(|| invalid(format!("there is no lexicon {nsid}")))?;
        let is_record = match document.defs.get("main") {
            Some(Def::Record(_)) => true,
            Some(Def::Schema(_)) => false,
            _ => {
                return Err(invalid(format!(
                    "{nsid} describes neither a record nor data"
                )));
            }
        };
        Ok(Self {
            nsid: nsid.to_owned(),
            is_record,
            lexicons,
        })
    }

    /// What is wrong with a state, if anything is.
    pub fn check(&self, state: &str) -> Result<(), String> {
        let data: Data = serde_json::from_str(state).map_err(|error| error.to_string())?;
        if let Data::Object(object) = &data
            && let Some(said) = object.get("$type")
            && *said != Data::String(self.nsid.clone())
        {
            return Err(format!("$.$type: it is not {}", self.nsid));
        }
        let validator = self.lexicons.validator();
        let checked = match self.is_record {
            true => validator.record(&self.nsid, &data).map(drop),
            false => validator.value(&self.nsid, &data),
        };
        checked.map_err(|violations| match violations.first() {
            Some(first) => format!("{}: {}", first.path, first.message),
            None => "it does not hold".to_owned(),
        })
    }
}

fn read_schemas(schemas: &[Value]) -> Result<Vec<Document>, String> {
    let mut bytes = 0;
    let mut documents = Vec::with_capacity(schemas.len());
    for (index, schema) in schemas.iter().enumerate() {
        let text = schema.to_string();
        bytes += text.len();
        if bytes > MOST_SCHEMA_BYTES {
            return Err(format!(
                "`schemas` is longer than {MOST_SCHEMA_BYTES} bytes"
            ));
        }
        let read = loggia_lexicon::read::read(&text);
        let (document, diagnostics) = read.map_err(|error| format!("schemas[{index}]: {error}"))?;
        if let Some(error) = diagnostics.iter().find(|found| found.is_error()) {
            return Err(format!("schemas[{index}]: {error}"));
        }
        documents.push(document);
    }
    Ok(documents)
}
