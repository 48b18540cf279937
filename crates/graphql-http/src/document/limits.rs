//! The cost of a parsed document, calculated before the schema validates it.
//!
//! The library calculates depth and complexity only after a walk that expands every fragment, and 22 fragments that
//! each spread the next one twice make 2^22 fields out of 900 bytes. Here the cost of each fragment is calculated once
//! and reused wherever it is spread, so the analysis is linear in the length of the text.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet},
};

use crate::{
    limit::{DocumentLimits, Limit},
    refusal::{Code, Refusal},
};

/// Maximum nesting of selection sets and spreads. The library has the same limit; it is checked here first, so that the
/// refusal has a code.
const MAX_LEVELS: usize = 32;
/// Complexity of all introspection of an operation, regardless of its number of fields: tools query five types and more
/// at once to detect what a server supports.
const INTROSPECTION_FIELDS: usize = 50;
/// Limits of `__schema` and `__type`, for all introspection fields of an operation together. The query of GraphiQL and
/// codegen has about 260 fields, 15 deep.
const INTROSPECTION_MAX_FIELDS: usize = 500;
const INTROSPECTION_MAX_DEPTH: usize = 20;
/// Nested lists of types and fields multiply the size of the response, but not of the query (graphql-js has the same
/// limit).
const INTROSPECTION_MAX_LISTS: usize = 2;

/// Properties of a document that the analysis found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentCost {
    pub introspects: bool,
}

/// Refuses a document if any part of it exceeds `limits`.
///
/// # Errors
/// `TOO_COMPLEX` with the limit and the value; `BAD_REQUEST` for fragments that spread themselves and for subscriptions
/// with several fields.
pub fn analyze(document: &ExecutableDocument, limits: &DocumentLimits) -> Result<DocumentCost, Refusal> {
    let operations = document.operations.iter().len();
    check_limit("number of operations", limits.operations, operations)?;
    let mut analyzer = CostAnalyzer { document, limits, fragments: HashMap::new() };
    // In document order, so that the same text is always refused for the same reason.
    let mut operations: Vec<_> = document.operations.iter().map(|(_, operation)| operation).collect();
    operations.sort_by_key(|operation| operation.pos);
    let mut introspects = false;
    for operation in operations {
        introspects |= analyzer.operation(&operation.node)?;
    }
    let mut fragments: Vec<_> = document.fragments.iter().collect();
    fragments.sort_by_key(|(_, fragment)| fragment.pos);
    for (name, fragment) in fragments {
        // Fragments that an operation spreads were analyzed with it. The library also validates the others.
        if !analyzer.fragments.contains_key(name) {
            let weight = analyzer.fragment(name, 0)?;
            let of_introspection = fragment.node.type_condition.node.on.node.starts_with("__");
            if of_introspection { weight.check_introspection() } else { weight.check(limits) }?;
        }
    }
    Ok(DocumentCost { introspects })
}

fn check_limit(what: &'static str, limit: Limit, value: usize) -> Result<(), Refusal> {
    if value > limit.max { Err(Refusal::too_complex(what, limit, value)) } else { Ok(()) }
}

/// As [`check_limit`], for a limit that is not configurable.
fn check_fixed_limit(what: &'static str, max: usize, value: usize) -> Result<(), Refusal> {
    check_limit(what, Limit::fixed(max), value)
}

/// The cost of a selection set, including everything below it.
#[derive(Clone, Copy, Default)]
struct Cost {
    fields: usize,
    aliases: usize,
    depth: usize,
    levels: usize,
    /// Introspection fields, which are not included in `fields`.
    introspected: usize,
    /// Nesting of introspection lists.
    lists: usize,
    /// Fields directly in the set, except `__typename`.
    roots: usize,
    /// Whether `__typename` is directly in the set.
    typename: bool,
}

impl Cost {
    /// The sum of two parts of one selection set.
    fn plus(self, other: Self) -> Self {
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
        check_limit("depth", limits.depth, self.depth)?;
        check_limit("complexity", limits.complexity, self.complexity())?;
        check_fixed_limit("complexity of introspection", INTROSPECTION_MAX_FIELDS, self.introspected)?;
        check_limit("number of aliases", limits.aliases, self.aliases)
    }

    fn check_introspection(&self) -> Result<(), Refusal> {
        check_fixed_limit("depth of introspection", INTROSPECTION_MAX_DEPTH, self.depth)?;
        check_fixed_limit("complexity of introspection", INTROSPECTION_MAX_FIELDS, self.fields)?;
        check_fixed_limit("nesting of lists in introspection", INTROSPECTION_MAX_LISTS, self.lists)
    }
}

struct CostAnalyzer<'a> {
    document: &'a ExecutableDocument,
    limits: &'a DocumentLimits,
    /// None while a fragment is being analyzed: if it is found again then, there is a cycle.
    fragments: HashMap<&'a Name, Option<Cost>>,
}

impl<'a> CostAnalyzer<'a> {
    /// Returns whether the operation introspects.
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<bool, Refusal> {
        self.directives(&operation.directives)?;
        for variable in &operation.variable_definitions {
            self.directives(&variable.node.directives)?;
        }
        let weight = self.selection_set(&operation.selection_set.node, 0)?;
        weight.check(self.limits)?;
        match operation.ty {
            OperationType::Mutation => {
                check_limit("number of mutations", self.limits.root_mutations, weight.roots)?;
            }
            // The specification (section 5.2.3.1) allows one root field, and none of introspection; the library would
            // open a stream for each.
            OperationType::Subscription if weight.typename || weight.roots != 1 => {
                let message = match weight.typename {
                    true => "A subscription must select exactly one field, and it can't be __typename.",
                    false => "A subscription must select exactly one field.",
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

    fn selection_set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Cost, Refusal> {
        check_levels(level)?;
        let mut sum = Cost::default();
        for selection in &set.items {
            self.directives(selection.node.directives())?;
            let weight = match &selection.node {
                Selection::Field(field) => {
                    let below = self.selection_set(&field.node.selection_set.node, level + 1)?;
                    let name = field.node.name.node.as_str();
                    let aliases = usize::from(field.node.alias.is_some());
                    field_cost(name, aliases, below)?
                }
                Selection::InlineFragment(inline) => {
                    as_fragment(self.selection_set(&inline.node.selection_set.node, level + 1)?)
                }
                Selection::FragmentSpread(spread) => {
                    as_fragment(self.fragment(&spread.node.fragment_name.node, level + 1)?)
                }
            };
            sum = sum.plus(weight);
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Name, level: usize) -> Result<Cost, Refusal> {
        check_levels(level)?;
        // Unknown fragments are refused by the validation. They count as a field here, so that they can't be spread
        // without limit.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Cost { fields: 1, roots: 1, ..Cost::default() });
        };
        match self.fragments.get(name) {
            Some(Some(weight)) => {
                check_levels(level + weight.levels)?;
                return Ok(*weight);
            }
            Some(None) => {
                let message = format!("Cannot spread fragment {name} within itself.");
                return Err(Refusal { position: Some(fragment.pos), ..Refusal::document(Code::BadRequest, message) });
            }
            None => {}
        }
        self.fragments.insert(name, None);
        self.directives(&fragment.node.directives)?;
        let weight = self.selection_set(&fragment.node.selection_set.node, level)?;
        self.fragments.insert(name, Some(weight));
        Ok(weight)
    }

    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<(), Refusal> {
        check_limit("number of directives in one place", self.limits.directives, directives.len())
    }
}

fn check_levels(level: usize) -> Result<(), Refusal> {
    check_fixed_limit("nesting of selections", MAX_LEVELS, level)
}

/// The cost of a field with the cost `below` of its selections.
fn field_cost(name: &str, aliases: usize, below: Cost) -> Result<Cost, Refusal> {
    let introspects = matches!(name, "__schema" | "__type");
    if introspects {
        below.check_introspection()?;
    }
    let list = matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
    let fields = below.fields.saturating_add(1);
    let (fields, introspected) = if introspects { (0, fields) } else { (fields, below.introspected) };
    Ok(Cost {
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

/// The cost of a spread fragment: one level more, and otherwise the same as its fields.
fn as_fragment(weight: Cost) -> Cost {
    Cost { levels: weight.levels + 1, ..weight }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
