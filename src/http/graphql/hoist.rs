//! Takes a subscription's field out of the fragments that it stands in.
//!
//! The library (7.2.1) opens a stream for fields that stand at the root themselves. One in a fragment it passes by, and
//! the client is told that all is over before anything began. Nor does it look at `@skip` and `@include` there, so
//! whether the field is wanted at all is judged here, too.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned, Value,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use crate::http::graphql::{
    refusal::{Code, Refusal},
    variables::Given,
};

/// Puts the fields of every subscription where the library looks for them. `root` is the type that they belong to:
/// fragments on anything else stay, for the validation to refuse.
pub fn hoist(document: &mut ExecutableDocument, root: &str) {
    if !document.operations.iter().any(|(_, operation)| is_folded(&operation.node)) {
        return;
    }
    let before = reached(document);
    let mut lifted = document.clone();
    let operations: Vec<_> = match &mut lifted.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    for operation in operations.into_iter().filter(|operation| is_folded(&operation.node)) {
        let set = &mut operation.node.selection_set.node;
        let mut lift = Lift { document, root, within: Vec::new(), items: Vec::new() };
        lift.set(set, &[]);
        set.items = lift.items;
    }
    // A fragment that nothing spreads any more would be refused as one that is never used.
    let after = reached(&lifted);
    lifted.fragments.retain(|name, _| after.contains(name) || !before.contains(name));
    *document = lifted;
}

fn is_folded(operation: &OperationDefinition) -> bool {
    let mut root = operation.selection_set.node.items.iter();
    operation.ty == OperationType::Subscription && !root.all(|selection| matches!(selection.node, Selection::Field(_)))
}

struct Lift<'a> {
    document: &'a ExecutableDocument,
    root: &'a str,
    /// The fragments that are being lifted out of: one that spreads itself is left to the validation.
    within: Vec<Name>,
    items: Vec<Positioned<Selection>>,
}

impl Lift<'_> {
    fn set(&mut self, set: &SelectionSet, directives: &[Positioned<Directive>]) {
        for selection in &set.items {
            // What is said of a fragment is said of each of its fields.
            let mut carried = directives.to_vec();
            carried.extend_from_slice(selection.node.directives());
            match &selection.node {
                Selection::InlineFragment(inline)
                    if inline.node.type_condition.as_ref().is_none_or(|on| on.node.on.node == self.root) =>
                {
                    self.set(&inline.node.selection_set.node, &carried);
                }
                Selection::FragmentSpread(spread) if self.can_lift(&spread.node.fragment_name.node) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name) {
                        self.within.push(name.clone());
                        self.set(&fragment.node.selection_set.node, &carried);
                        self.within.pop();
                    }
                }
                _ => {
                    let mut selection = selection.clone();
                    *selection.node.directives_mut() = carried;
                    self.items.push(selection);
                }
            }
        }
    }

    fn can_lift(&self, name: &Name) -> bool {
        let fragment = self.document.fragments.get(name).map(|fragment| &fragment.node);
        let fits = |on: &Name, directives: &[_]| on == self.root && directives.is_empty();
        fragment.is_some_and(|fragment| fits(&fragment.type_condition.node.on.node, &fragment.directives))
            && !self.within.contains(name)
    }
}

/// The fragments that some operation spreads.
fn reached(document: &ExecutableDocument) -> HashSet<Name> {
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

/// Refuses a subscription whose field is left out: no stream could be opened (specification, section 6.2.3.1).
///
/// # Errors
/// `BAD_REQUEST`.
pub fn wanted(operation: &OperationDefinition, given: &Given<'_>) -> Result<(), Refusal> {
    if operation.ty != OperationType::Subscription {
        return Ok(());
    }
    for directive in operation.selection_set.node.items.iter().flat_map(|selection| selection.node.directives()) {
        let left_out = match directive.node.name.node.as_str() {
            "skip" => true,
            "include" => false,
            _ => continue,
        };
        let value = directive.node.get_argument("if").map(|value| value.node.clone());
        let value = value.and_then(|value| value.into_const_with(|name| given.get(&name).ok_or(())).ok());
        if value == Some(Value::Boolean(left_out)) {
            let message = format!("@{} leaves out the only field of this subscription.", directive.node.name.node);
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

    /// The fields at the root with the directives on each, and the fragments that are left.
    fn hoisted(text: &str) -> (Vec<String>, Vec<String>) {
        let mut document = parse_query(text).unwrap();
        hoist(&mut document, "S");
        let (_, operation) = document.operations.iter().next().unwrap();
        let said = |selection: &Positioned<Selection>| {
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
        (operation.node.selection_set.node.items.iter().map(said).collect(), fragments)
    }

    #[test]
    fn fields_come_out_of_fragments_with_what_is_said_of_them() {
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
    fn what_the_validation_will_refuse_stays_for_it() {
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
