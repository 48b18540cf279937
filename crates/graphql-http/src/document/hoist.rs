//! Moves a subscription's root field out of fragments.
//!
//! The library (7.2.1) only opens streams for fields directly at the root. It ignores a field in a fragment, and
//! reports completion before anything has started. It also reports completion if the field is skipped by a directive,
//! which is an error of the request, and ignores the defaults of variables in the directive. So `@skip` and `@include`
//! at the root are evaluated here too.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned, Value,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use crate::{
    document::variables::VariableValues,
    refusal::{Code, Refusal},
};

/// Moves the fields of all subscriptions to the root. `root` is the root type: fragments on other types are left in
/// place, and are refused by the validation.
pub fn hoist(document: &mut ExecutableDocument, root: &str) {
    if !document.operations.iter().any(|(_, operation)| needs_hoisting(&operation.node)) {
        return;
    }
    let before = used_fragments(document);
    let mut hoisted_document = document.clone();
    let operations: Vec<_> = match &mut hoisted_document.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    for operation in operations.into_iter().filter(|operation| needs_hoisting(&operation.node)) {
        let set = &mut operation.node.selection_set.node;
        let mut hoister = Hoister { document, root, within: Vec::new(), items: Vec::new() };
        hoister.set(set, &[]);
        set.items = hoister.items;
    }
    // Fragments that are no longer used must be removed, because the validation refuses unused fragments.
    let after = used_fragments(&hoisted_document);
    hoisted_document.fragments.retain(|name, _| after.contains(name) || !before.contains(name));
    *document = hoisted_document;
}

fn needs_hoisting(operation: &OperationDefinition) -> bool {
    let mut root = operation.selection_set.node.items.iter();
    operation.ty == OperationType::Subscription && !root.all(|selection| matches!(selection.node, Selection::Field(_)))
}

struct Hoister<'a> {
    document: &'a ExecutableDocument,
    root: &'a str,
    /// Names of the fragments that are being expanded: a fragment that spreads itself is left to the validation.
    within: Vec<Name>,
    items: Vec<Positioned<Selection>>,
}

impl Hoister<'_> {
    fn set(&mut self, set: &SelectionSet, directives: &[Positioned<Directive>]) {
        for selection in &set.items {
            // Directives of a fragment apply to each of its fields.
            let mut inherited = directives.to_vec();
            inherited.extend_from_slice(selection.node.directives());
            match &selection.node {
                Selection::InlineFragment(inline)
                    if inline.node.type_condition.as_ref().is_none_or(|on| on.node.on.node == self.root) =>
                {
                    self.set(&inline.node.selection_set.node, &inherited);
                }
                Selection::FragmentSpread(spread) if self.can_hoist(&spread.node.fragment_name.node) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name) {
                        self.within.push(name.clone());
                        self.set(&fragment.node.selection_set.node, &inherited);
                        self.within.pop();
                    }
                }
                _ => {
                    let mut selection = selection.clone();
                    *selection.node.directives_mut() = inherited;
                    self.items.push(selection);
                }
            }
        }
    }

    fn can_hoist(&self, name: &Name) -> bool {
        let fragment = self.document.fragments.get(name).map(|fragment| &fragment.node);
        let matches_root = |on: &Name, directives: &[_]| on == self.root && directives.is_empty();
        fragment.is_some_and(|fragment| matches_root(&fragment.type_condition.node.on.node, &fragment.directives))
            && !self.within.contains(name)
    }
}

/// The fragments that any operation uses.
fn used_fragments(document: &ExecutableDocument) -> HashSet<Name> {
    let mut found = HashSet::new();
    let mut sets: Vec<_> =
        document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node).collect();
    while let Some(set) = sets.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => sets.push(&field.node.selection_set.node),
                Selection::InlineFragment(inline) => sets.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = document.fragments.get(name)
                        && found.insert(name.clone())
                    {
                        sets.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    found
}

/// Refuses a subscription whose field is skipped, because no stream can be opened (specification, section 6.2.3.1).
///
/// # Errors
/// `BAD_REQUEST`.
pub fn require_not_skipped(operation: &OperationDefinition, given: &VariableValues<'_>) -> Result<(), Refusal> {
    if operation.ty != OperationType::Subscription {
        return Ok(());
    }
    for directive in operation.selection_set.node.items.iter().flat_map(|selection| selection.node.directives()) {
        let skips_if = match directive.node.name.node.as_str() {
            "skip" => true,
            "include" => false,
            _ => continue,
        };
        let value = directive.node.get_argument("if").map(|value| value.node.clone());
        let value = value.and_then(|value| value.into_const_with(|name| given.get(&name).ok_or(())).ok());
        if value == Some(Value::Boolean(skips_if)) {
            let message = format!("@{} skips the only field of this subscription.", directive.node.name.node);
            let refusal = Refusal::document(Code::BadRequest, message);
            return Err(Refusal { position: Some(directive.pos), ..refusal });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    /// The fields at the root with their directives, and the remaining fragments.
    fn hoisted(text: &str) -> (Vec<String>, Vec<String>) {
        let mut document = parse_query(text).unwrap();
        hoist(&mut document, "S");
        let (_, operation) = document.operations.iter().next().unwrap();
        let described = |selection: &Positioned<Selection>| {
            let directives =
                selection.node.directives().iter().map(|directive| format!("@{}", directive.node.name.node));
            let name = match &selection.node {
                Selection::Field(field) => field.node.name.node.to_string(),
                Selection::InlineFragment(_) => "...".to_owned(),
                Selection::FragmentSpread(spread) => format!("...{}", spread.node.fragment_name.node),
            };
            std::iter::once(name).chain(directives).collect()
        };
        let mut fragments: Vec<_> = document.fragments.keys().map(Name::to_string).collect();
        fragments.sort();
        (operation.node.selection_set.node.items.iter().map(described).collect(), fragments)
    }

    #[test]
    fn fields_are_hoisted_with_the_directives_of_fragments() {
        for (text, root, fragments) in [
            ("subscription {a}", "a", vec![]),
            ("subscription {... {a}}", "a", vec![]),
            ("subscription {... on S @skip(if: $x) {a @include(if: $y)}}", "a@skip@include", vec![]),
            ("subscription {...F} fragment F on S {...G @skip(if: $x)} fragment G on S {a}", "a@skip", vec![]),
            ("subscription {...F} fragment F on S {a {...G}} fragment G on T {b}", "a", vec!["G"]),
        ] {
            assert_eq!(
                hoisted(text),
                (vec![root.to_owned()], fragments.into_iter().map(str::to_owned).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_fragments_are_left_in_place() {
        for (text, root, fragments) in [
            ("subscription {...F} fragment F on T {a}", "...F", vec!["F"]),
            ("subscription {... on T {a}}", "...", vec![]),
            ("subscription {...F} fragment F on S @x {a}", "...F", vec!["F"]),
            ("subscription {...Missing}", "...Missing", vec![]),
            ("subscription {...F} fragment F on S {...F}", "...F", vec!["F"]),
            ("subscription {... {a}} fragment Unused on S {a}", "a", vec!["Unused"]),
        ] {
            assert_eq!(
                hoisted(text),
                (vec![root.to_owned()], fragments.into_iter().map(str::to_owned).collect()),
                "{text}"
            );
        }
    }
}
