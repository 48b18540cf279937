//! Validates `__typename`, which the library's validation passes by, and with it whatever is written beside the name.

use async_graphql::{
    Positioned,
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
    sets.into_iter().try_for_each(|set| below(&set.node))
}

fn below(set: &SelectionSet) -> Result<(), Refusal> {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if field.node.name.node == "__typename" => alone(field)?,
            Selection::Field(field) => below(&field.node.selection_set.node)?,
            Selection::InlineFragment(inline) => below(&inline.node.selection_set.node)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

fn alone(field: &Positioned<Field>) -> Result<(), Refusal> {
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
        if !is_whole(&directive.node) {
            return refuse(directive.pos, format!("Directive \"{name}\" takes \"if\", a Boolean, and nothing else."));
        }
        seen.push(name);
    }
    Ok(())
}

fn is_whole(directive: &Directive) -> bool {
    let [(name, value)] = directive.arguments.as_slice() else { return false };
    // A variable is judged when its value is known.
    name.node == "if" && matches!(value.node, Value::Boolean(_) | Value::Variable(_))
}
