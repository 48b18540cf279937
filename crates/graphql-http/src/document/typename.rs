//! Validates `__typename` fields, whose arguments, selections and directives the library does not validate.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet},
};
use async_graphql_value::Value;

use crate::refusal::{Code, Refusal};

/// Refuses `__typename` with arguments, selections or invalid directives.
///
/// # Errors
/// `BAD_REQUEST`, as for other fields.
pub fn check(document: &ExecutableDocument) -> Result<(), Refusal> {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    let mut sets: Vec<_> = operations.chain(fragments).collect();
    sets.sort_by_key(|set| set.pos);
    let definitions = document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
    let variables = definitions.map(|definition| &definition.node.name.node).collect();
    sets.into_iter().try_for_each(|set| check_set(&set.node, &variables))
}

/// `variables` are the variables of all operations of the document.
fn check_set(set: &SelectionSet, variables: &HashSet<&Name>) -> Result<(), Refusal> {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if field.node.name.node == "__typename" => check_typename(field, variables)?,
            Selection::Field(field) => check_set(&field.node.selection_set.node, variables)?,
            Selection::InlineFragment(inline) => check_set(&inline.node.selection_set.node, variables)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

fn check_typename(field: &Positioned<Field>, variables: &HashSet<&Name>) -> Result<(), Refusal> {
    let refuse =
        |at, message: String| Err(Refusal { position: Some(at), ..Refusal::document(Code::BadRequest, message) });
    if let Some((name, _)) = field.node.arguments.first() {
        return refuse(name.pos, format!("Unknown argument \"{}\" on field \"__typename\".", name.node));
    }
    if !field.node.selection_set.node.items.is_empty() {
        return refuse(field.pos, "Field \"__typename\" must not have a selection since it is a name.".to_owned());
    }
    let mut seen = Vec::new();
    for directive in &field.node.directives {
        let name = directive.node.name.node.as_str();
        if !matches!(name, "skip" | "include") {
            return refuse(directive.pos, format!("Unknown directive \"{name}\""));
        }
        if seen.contains(&name) {
            return refuse(directive.pos, format!("Duplicate directive \"{name}\""));
        }
        if !is_valid(&directive.node, variables) {
            let message = format!("Directive \"{name}\" requires one argument \"if\" of type Boolean.");
            return refuse(directive.pos, message);
        }
        seen.push(name);
    }
    Ok(())
}

fn is_valid(directive: &Directive, variables: &HashSet<&Name>) -> bool {
    match directive.arguments.as_slice() {
        [(name, value)] if name.node == "if" => match &value.node {
            Value::Boolean(_) => true,
            Value::Variable(name) => variables.contains(name),
            _ => false,
        },
        _ => false,
    }
}
