//! Validates the arguments of all fields before any field is executed.
//!
//! The library (7.2.1) validates dates, integers and the fields of `@oneOf` only when it executes the field, and
//! returns the results of the others as partial data. A value of the wrong type is a request error, for which there
//! must be no data (specification, section 6.1.2).

use std::collections::HashSet;

use async_graphql::{
    Name,
    parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet},
};

use crate::{
    document::{inputs::Inputs, variables::VariableValues},
    refusal::{Code, Refusal},
};

/// Refuses an operation with an invalid argument value. Unknown fields and arguments are left to the library's
/// validation.
///
/// # Errors
/// `BAD_REQUEST` with the path of the invalid value.
pub fn validate(
    inputs: &Inputs,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    given: &VariableValues<'_>,
) -> Result<(), Refusal> {
    let Some(root) = inputs.root(operation.ty) else { return Ok(()) };
    ArgumentValidator { inputs, document, given, seen: HashSet::new() }
        .selection_set(root, &operation.selection_set.node)
}

struct ArgumentValidator<'a> {
    inputs: &'a Inputs,
    document: &'a ExecutableDocument,
    given: &'a VariableValues<'a>,
    /// Fragments that were visited: a fragment is the same wherever it is spread.
    seen: HashSet<&'a Name>,
}

impl<'a> ArgumentValidator<'a> {
    fn selection_set(&mut self, parent: &str, set: &'a SelectionSet) -> Result<(), Refusal> {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let inputs = self.inputs;
                    let Some(known) = inputs.field(parent, &field.node.name.node) else { continue };
                    for (name, value) in &field.node.arguments {
                        let Some(expected) = known.arguments.get(name.node.as_str()) else { continue };
                        inputs.validate_argument(expected, &value.node, self.given).map_err(|error| Refusal {
                            position: Some(name.pos),
                            ..Refusal::document(Code::BadRequest, error.of(&name.node))
                        })?;
                    }
                    self.selection_set(&known.of, &field.node.selection_set.node)?;
                }
                Selection::InlineFragment(inline) => {
                    let parent = inline.node.type_condition.as_ref().map_or(parent, |on| on.node.on.node.as_str());
                    self.selection_set(parent, &inline.node.selection_set.node)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && self.seen.insert(name)
                    {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.selection_set(on, &fragment.node.selection_set.node)?;
                    }
                }
            }
        }
        Ok(())
    }
}
