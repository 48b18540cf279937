//! The root fields of an operation, for metrics.

use async_graphql::{
    Name,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// Maximum depth of nested fragments at the root; the document limits are usually stricter.
const MAX_DEPTH: usize = 8;

/// A root field of an operation.
#[derive(Clone, Debug)]
pub struct RootField {
    /// Its name in the response.
    pub key: Name,
    /// Its name in the schema.
    pub field: Name,
}

/// The root fields of an operation, including those in fragments.
pub(crate) fn roots(document: &ExecutableDocument, set: &SelectionSet) -> Vec<RootField> {
    let mut found = Vec::new();
    collect(document, set, MAX_DEPTH, &mut found);
    found
}

fn collect(document: &ExecutableDocument, set: &SelectionSet, depth: usize, found: &mut Vec<RootField>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let key = field.node.response_key().node.clone();
                found.push(RootField { key, field: field.node.name.node.clone() });
            }
            Selection::InlineFragment(inline) => {
                collect(document, &inline.node.selection_set.node, depth, found);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect(document, &fragment.node.selection_set.node, depth, found);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn fields_of_fragments_are_root_fields() {
        let document = parse_query("{ a ... { b: c } ...F } fragment F on Q { d { e } }").unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let found = roots(&document, &operation.node.selection_set.node);
        let names: Vec<_> = found.iter().map(|root| (root.key.as_str(), root.field.as_str())).collect();
        assert_eq!(names, [("a", "a"), ("b", "c"), ("d", "d")]);
    }
}
