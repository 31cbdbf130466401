//! Where definitions are used: who breaks depends on who writes the data and who reads it.

use std::collections::BTreeMap;

use super::change::{Direction, Harm};
use crate::library::{DefName, Library};
use crate::place::Place;
use crate::references::{Role, schemas, visit_schema};

/// The roles that a schema's data plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles {
    data: bool,
    input: bool,
    output: bool,
}

impl Roles {
    pub(super) const DATA: Self = Self {
        data: true,
        input: false,
        output: false,
    };
    pub(super) const INPUT: Self = Self {
        data: false,
        input: true,
        output: false,
    };
    pub(super) const OUTPUT: Self = Self {
        data: false,
        input: false,
        output: true,
    };
    /// What goes both ways between callers and servers.
    pub(super) const CALLS: Self = Self {
        data: false,
        input: true,
        output: true,
    };

    /// Both together.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            data: self.data || other.data,
            input: self.input || other.input,
            output: self.output || other.output,
        }
    }

    /// Whose data meets a schema that may refuse it, after a move in this direction.
    pub(super) fn harmed_by(self, direction: Direction) -> Vec<Harm> {
        let tightened = matches!(direction, Direction::Tightened | Direction::Changed);
        let loosened = matches!(direction, Direction::Loosened | Direction::Changed);
        let table = [
            (self.data && tightened, Harm::StoredRecords),
            (self.data && loosened, Harm::NewRecords),
            (self.input && tightened, Harm::CallersSending),
            (self.output && loosened, Harm::CallersReading),
            (self.input && loosened, Harm::ServersReading),
            (self.output && tightened, Harm::ServersAnswering),
        ];
        table
            .into_iter()
            .filter_map(|(breaks, harm)| breaks.then_some(harm))
            .collect()
    }
}

/// The roles of every definition, in both versions together.
#[derive(Debug, Default)]
pub(super) struct Usage {
    roles: BTreeMap<DefName, Roles>,
}

impl Usage {
    /// Follows the references from records and methods to everything that they reach.
    pub(super) fn of(libraries: [&Library<'_>; 2]) -> Self {
        let mut usage = Self::default();
        let mut pending = Vec::new();
        for library in libraries {
            for document in library.documents() {
                for (name, def) in &document.defs {
                    let name = DefName::new(document.id.as_str(), name);
                    for (role, schema) in schemas(def) {
                        let Some(roles) = roles_of(role) else {
                            continue;
                        };
                        if role == Role::Data {
                            pending.push((name.clone(), roles));
                        }
                        visit_schema(schema, &Place::ROOT, &mut |_, reference| {
                            pending.push((DefName::parse(&name.nsid, reference), roles));
                        });
                    }
                }
            }
        }
        while let Some((name, roles)) = pending.pop() {
            usage.reach(&name, roles, libraries, &mut pending);
        }
        usage
    }

    /// Notes a role; ends because roles only ever grow.
    fn reach(
        &mut self,
        name: &DefName,
        roles: Roles,
        libraries: [&Library<'_>; 2],
        pending: &mut Vec<(DefName, Roles)>,
    ) {
        let known = self.roles.entry(name.clone()).or_default();
        let all = known.or(roles);
        if all == *known {
            return;
        }
        *known = all;
        for def in libraries.iter().filter_map(|library| library.def(name)) {
            for (role, schema) in schemas(def) {
                if !matches!(role, Role::Shared | Role::Data) {
                    continue;
                }
                visit_schema(schema, &Place::ROOT, &mut |_, reference| {
                    pending.push((DefName::parse(&name.nsid, reference), all));
                });
            }
        }
    }

    /// The roles of a definition. What nothing here uses may be used by anybody as data.
    pub(super) fn roles(&self, name: &DefName) -> Roles {
        self.roles.get(name).copied().unwrap_or(Roles::DATA)
    }
}

fn roles_of(role: Role) -> Option<Roles> {
    match role {
        Role::Data => Some(Roles::DATA),
        Role::Input => Some(Roles::INPUT),
        Role::Output => Some(Roles::OUTPUT),
        Role::Shared => None,
    }
}
