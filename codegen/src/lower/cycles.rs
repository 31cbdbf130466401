//! Finds types that would contain themselves and puts a `Box` where that happens.
//!
//! Only the fields of objects are boxed, never the variants of unions: a union's variants are
//! objects, so every way from a type back to itself goes through a field. Lists need no box.

use std::collections::HashMap;

use crate::model::{Item, Model, Type, TypeId};

/// Boxes every field that stays within its own strongly connected component.
pub(crate) fn cut(model: &mut Model) {
    let graph = Graph::of(model);
    let component = graph.components();
    for (index, module) in model.modules.iter_mut().enumerate() {
        for item in &mut module.items {
            let Item::Object(object) = item else {
                continue;
            };
            let own = TypeId {
                module: index,
                name: object.name.clone(),
            };
            let own = graph.nodes.get(&own).map(|&node| component[node]);
            for field in &mut object.fields {
                if let Type::Named(id) = &field.ty {
                    let target = graph.nodes.get(id).map(|&node| component[node]);
                    // A lone node is its own component, so an equal one means a way back.
                    field.boxed = target.is_some() && target == own;
                }
            }
        }
    }
}

struct Graph {
    nodes: HashMap<TypeId, usize>,
    edges: Vec<Vec<usize>>,
}

impl Graph {
    fn of(model: &Model) -> Self {
        let mut nodes = HashMap::new();
        let mut targets: Vec<Vec<&TypeId>> = Vec::new();
        for (module, contents) in model.modules.iter().enumerate() {
            for item in &contents.items {
                let (name, held): (_, Vec<&TypeId>) = match item {
                    Item::Object(object) => {
                        let held = object.fields.iter().filter_map(|field| match &field.ty {
                            Type::Named(id) => Some(id),
                            _ => None,
                        });
                        (&object.name, held.collect())
                    }
                    Item::Union(union) => (
                        &union.name,
                        union.variants.iter().map(|v| &v.target).collect(),
                    ),
                    _ => continue,
                };
                nodes.insert(
                    TypeId {
                        module,
                        name: name.clone(),
                    },
                    targets.len(),
                );
                targets.push(held);
            }
        }
        let edges = targets
            .into_iter()
            .map(|held| {
                held.into_iter()
                    .filter_map(|id| nodes.get(id).copied())
                    .collect()
            })
            .collect();
        Self { nodes, edges }
    }

    /// The strongly connected component of every node (Tarjan, without recursion, since a stranger's
    /// lexicons decide how deep it goes).
    fn components(&self) -> Vec<usize> {
        const UNSEEN: usize = usize::MAX;
        let count = self.edges.len();
        let (mut order, mut low) = (vec![UNSEEN; count], vec![0; count]);
        let (mut component, mut stack) = (vec![UNSEEN; count], Vec::new());
        let mut next = 0;
        for root in 0..count {
            let mut work = vec![(root, 0)];
            while let Some((node, edge)) = work.pop() {
                if edge == 0 {
                    if order[node] != UNSEEN {
                        continue;
                    }
                    (order[node], low[node]) = (next, next);
                    next += 1;
                    stack.push(node);
                }
                if let Some(&target) = self.edges[node].get(edge) {
                    work.push((node, edge + 1));
                    if order[target] == UNSEEN {
                        work.push((target, 0));
                    }
                    continue;
                }
                for &target in &self.edges[node] {
                    if component[target] == UNSEEN {
                        low[node] = low[node].min(low[target]);
                    }
                }
                if low[node] == order[node] {
                    while let Some(member) = stack.pop() {
                        component[member] = node;
                        if member == node {
                            break;
                        }
                    }
                }
            }
        }
        component
    }
}
