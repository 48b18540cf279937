//! Validates `__typename`, which the library's validation passes by, and with it whatever is written beside the name.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet},
};
use async_graphql_value::Value;

use crate::http::graphql::refusal::{Code, Refusal};

/// Refuses arguments and selections where there are none, and directives that don't belong there.
///
/// # Errors
/// `BAD_REQUEST`, as for any other field.
pub fn check(document: &ExecutableDocument) -> Result<(), Refusal> {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    let mut sets: Vec<_> = operations.chain(fragments).collect();
    sets.sort_by_key(|set| set.pos);
    let definitions = document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
    let variables = definitions.map(|definition| &definition.node.name.node).collect();
    sets.into_iter().try_for_each(|set| below(&set.node, &variables))
}

/// `variables` are those that some operation of the document has.
fn below(set: &SelectionSet, variables: &HashSet<&Name>) -> Result<(), Refusal> {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if field.node.name.node == "__typename" => alone(field, variables)?,
            Selection::Field(field) => below(&field.node.selection_set.node, variables)?,
            Selection::InlineFragment(inline) => below(&inline.node.selection_set.node, variables)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

fn alone(field: &Positioned<Field>, variables: &HashSet<&Name>) -> Result<(), Refusal> {
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
        if !is_whole(&directive.node, variables) {
            return refuse(directive.pos, format!("Directive \"{name}\" takes \"if\", a Boolean, and nothing else."));
        }
        seen.push(name);
    }
    Ok(())
}

fn is_whole(directive: &Directive, variables: &HashSet<&Name>) -> bool {
    match directive.arguments.as_slice() {
        [(name, value)] if name.node == "if" => match &value.node {
            Value::Boolean(_) => true,
            Value::Variable(name) => variables.contains(name),
            _ => false,
        },
        _ => false,
    }
}
