//! How much a parsed document asks for, counted before the schema walks it.
//!
//! The library compares depth and complexity only after a walk that spreads every fragment out, and 22 fragments that
//! each spread the next one twice make 2^22 fields out of 900 bytes (docs/security.md, GQ-02). Here each fragment is
//! weighed once and its weight used wherever it is spread, so the count costs no more than the text is long.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet},
};

use crate::{
    config::http::DocumentLimits,
    http::graphql::refusal::{Code, Refusal},
};

/// Selection sets and spreads on one path: the library's own bound, met here first so that the refusal is ours.
const MAX_LEVELS: usize = 32;
/// What all of an operation's introspection counts as, however many fields it has: tools ask for five types and more at
/// once to find out what a server knows.
const INTROSPECTION_FIELDS: usize = 50;
/// Bounds of `__schema` and `__type`, the fields of all of an operation's taken together. GraphiQL's and codegen's query
/// has about 260 fields, 15 deep.
const INTROSPECTION_MAX_FIELDS: usize = 500;
const INTROSPECTION_MAX_DEPTH: usize = 20;
/// Lists of types and fields within each other multiply the answer, not the question (as graphql-js has it).
const INTROSPECTION_MAX_LISTS: usize = 2;

/// What was found out about an operation on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighed {
    pub introspects: bool,
}

/// Refuses a document of which any part asks for more than `limits`.
///
/// # Errors
/// `TOO_COMPLEX` with the limit and the value; `BAD_REQUEST` for fragments that spread themselves and for
/// subscriptions to several fields.
pub fn weigh(document: &ExecutableDocument, limits: &DocumentLimits) -> Result<Weighed, Refusal> {
    let operations = document.operations.iter().len();
    at_most("number of operations", "MAX_OPERATIONS", limits.operations, operations)?;
    let mut scales = Scales { document, limits, fragments: HashMap::new() };
    // In the order of the text, so that the same text is always refused for the same reason.
    let mut operations: Vec<_> = document.operations.iter().map(|(_, operation)| operation).collect();
    operations.sort_by_key(|operation| operation.pos);
    let mut introspects = false;
    for operation in operations {
        introspects |= scales.operation(&operation.node)?;
    }
    let mut fragments: Vec<_> = document.fragments.iter().collect();
    fragments.sort_by_key(|(_, fragment)| fragment.pos);
    for (name, fragment) in fragments {
        // What an operation spreads was weighed with it. The library validates the others, too.
        if !scales.fragments.contains_key(name) {
            let weight = scales.fragment(name, 0)?;
            let of_introspection = fragment.node.type_condition.node.on.node.starts_with("__");
            if of_introspection { weight.check_introspection() } else { weight.check(limits) }?;
        }
    }
    Ok(Weighed { introspects })
}

fn at_most(limit: &'static str, setting: &'static str, allowed: usize, value: usize) -> Result<(), Refusal> {
    if value > allowed { Err(Refusal::too_complex(limit, Some(setting), allowed, value)) } else { Ok(()) }
}

/// As [`at_most`], for a limit that is no setting.
fn bounded(limit: &'static str, allowed: usize, value: usize) -> Result<(), Refusal> {
    if value > allowed { Err(Refusal::too_complex(limit, None, allowed, value)) } else { Ok(()) }
}

/// What a selection set asks for, everything below it included.
#[derive(Clone, Copy, Default)]
struct Weight {
    fields: usize,
    aliases: usize,
    depth: usize,
    levels: usize,
    /// Fields of introspection, which are not among `fields`.
    introspected: usize,
    /// Lists of introspection within each other.
    lists: usize,
    /// Fields of the set itself, `__typename` aside.
    roots: usize,
    /// Whether `__typename` is among the fields of the set itself.
    typename: bool,
}

impl Weight {
    /// Two parts of one selection set.
    fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            depth: self.depth.max(other.depth),
            levels: self.levels.max(other.levels),
            lists: self.lists.max(other.lists),
            roots: self.roots.saturating_add(other.roots),
            typename: self.typename || other.typename,
            introspected: self.introspected.saturating_add(other.introspected),
        }
    }

    fn introspects(&self) -> bool {
        self.introspected > 0
    }

    fn complexity(&self) -> usize {
        self.fields.saturating_add(if self.introspects() { INTROSPECTION_FIELDS } else { 0 })
    }

    fn check(&self, limits: &DocumentLimits) -> Result<(), Refusal> {
        at_most("depth", "MAX_DEPTH", limits.depth, self.depth)?;
        at_most("complexity", "MAX_COMPLEXITY", limits.complexity, self.complexity())?;
        bounded("complexity of introspection", INTROSPECTION_MAX_FIELDS, self.introspected)?;
        at_most("number of aliases", "MAX_ALIASES", limits.aliases, self.aliases)
    }

    fn check_introspection(&self) -> Result<(), Refusal> {
        bounded("depth of introspection", INTROSPECTION_MAX_DEPTH, self.depth)?;
        bounded("complexity of introspection", INTROSPECTION_MAX_FIELDS, self.fields)?;
        bounded("nesting of lists in introspection", INTROSPECTION_MAX_LISTS, self.lists)
    }
}

struct Scales<'a> {
    document: &'a ExecutableDocument,
    limits: &'a DocumentLimits,
    /// None while a fragment is being weighed: meeting it then again is a cycle.
    fragments: HashMap<&'a Name, Option<Weight>>,
}

impl<'a> Scales<'a> {
    /// Whether the operation introspects.
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<bool, Refusal> {
        self.directives(&operation.directives)?;
        for variable in &operation.variable_definitions {
            self.directives(&variable.node.directives)?;
        }
        let weight = self.set(&operation.selection_set.node, 0)?;
        weight.check(self.limits)?;
        match operation.ty {
            OperationType::Mutation => {
                at_most("number of mutations", "MAX_ROOT_MUTATIONS", self.limits.root_mutations, weight.roots)?;
            }
            // One root field, says the specification (section 5.2.3.1), and none of introspection; the library would
            // open a stream for each.
            OperationType::Subscription if weight.typename || weight.roots != 1 => {
                let message = match weight.typename {
                    true => "A subscription selects exactly one field, and it can't be __typename.",
                    false => "A subscription selects exactly one field.",
                };
                return Err(Refusal {
                    position: Some(operation.selection_set.pos),
                    ..Refusal::document(Code::BadRequest, message)
                });
            }
            OperationType::Subscription | OperationType::Query => {}
        }
        Ok(weight.introspects())
    }

    fn set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Weight, Refusal> {
        too_deep(level)?;
        let mut sum = Weight::default();
        for selection in &set.items {
            self.directives(selection.node.directives())?;
            let weight = match &selection.node {
                Selection::Field(field) => {
                    let below = self.set(&field.node.selection_set.node, level + 1)?;
                    let name = field.node.name.node.as_str();
                    let aliases = usize::from(field.node.alias.is_some());
                    as_field(name, aliases, below)?
                }
                Selection::InlineFragment(inline) => lifted(self.set(&inline.node.selection_set.node, level + 1)?),
                Selection::FragmentSpread(spread) => lifted(self.fragment(&spread.node.fragment_name.node, level + 1)?),
            };
            sum = sum.beside(weight);
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Name, level: usize) -> Result<Weight, Refusal> {
        too_deep(level)?;
        // An unknown fragment is the validator's to refuse. Until then it counts as a field: what weighs nothing could be
        // spread without end.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Weight { fields: 1, roots: 1, ..Weight::default() });
        };
        match self.fragments.get(name) {
            Some(Some(weight)) => {
                too_deep(level + weight.levels)?;
                return Ok(*weight);
            }
            Some(None) => {
                let message = format!("The fragment {name} spreads itself.");
                return Err(Refusal { position: Some(fragment.pos), ..Refusal::document(Code::BadRequest, message) });
            }
            None => {}
        }
        self.fragments.insert(name, None);
        self.directives(&fragment.node.directives)?;
        let weight = self.set(&fragment.node.selection_set.node, level)?;
        self.fragments.insert(name, Some(weight));
        Ok(weight)
    }

    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<(), Refusal> {
        at_most("number of directives in one place", "MAX_DIRECTIVES", self.limits.directives, directives.len())
    }
}

fn too_deep(level: usize) -> Result<(), Refusal> {
    bounded("nesting of selections", MAX_LEVELS, level)
}

/// The weight of a field with `below` under it.
fn as_field(name: &str, aliases: usize, below: Weight) -> Result<Weight, Refusal> {
    let introspects = matches!(name, "__schema" | "__type");
    if introspects {
        below.check_introspection()?;
    }
    let list = matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
    let fields = below.fields.saturating_add(1);
    let (fields, introspected) = if introspects { (0, fields) } else { (fields, below.introspected) };
    Ok(Weight {
        fields,
        introspected,
        depth: if introspects { 1 } else { below.depth + 1 },
        aliases: below.aliases.saturating_add(aliases),
        levels: below.levels + 1,
        lists: below.lists + usize::from(list),
        roots: usize::from(name != "__typename"),
        typename: name == "__typename",
    })
}

/// The weight of a fragment where it is spread: a level more, and otherwise as if its fields stood there.
fn lifted(weight: Weight) -> Weight {
    Weight { levels: weight.levels + 1, ..weight }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
