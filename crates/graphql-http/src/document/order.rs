//! Restores the order of response keys (specification, sections 6.3.2 and 7.2.2).
//!
//! The library (7.2.1) executes the fields of an object concurrently and adds each to the response when it completes,
//! so a slow field comes last wherever it was selected. The fields of an object and their order follow from its type,
//! and only the library knows the concrete type of a union's or an interface's member. So [`mark`] selects `__typename`
//! in every such place, under a name that clients must not use, and [`Order::restore`] reads and removes it.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Value,
    indexmap::IndexMap,
    parser::types::{
        BaseType, Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};
use async_graphql_value::Value as InputValue;

use crate::document::{nulls::SchemaTypes, variables::VariableValues};

/// Response name of the added field. Names that begin with two underscores are reserved (specification, section 2.1.9).
const MARK: &str = "__concreteType";

/// Selects `__typename` wherever an object can have several types.
pub fn mark(document: &mut ExecutableDocument, schema_types: &SchemaTypes) {
    for operation in operations(document) {
        if let Some(root) = schema_types.root(operation.ty) {
            mark_set(&mut operation.selection_set.node, root.as_str(), schema_types);
        }
    }
    for fragment in document.fragments.values_mut() {
        let on = fragment.node.type_condition.node.on.node.clone();
        mark_set(&mut fragment.node.selection_set.node, &on, schema_types);
    }
}

fn operations(document: &mut ExecutableDocument) -> Vec<&mut OperationDefinition> {
    use async_graphql::parser::types::DocumentOperations::{Multiple, Single};
    match &mut document.operations {
        Single(operation) => vec![&mut operation.node],
        Multiple(operations) => operations.values_mut().map(|operation| &mut operation.node).collect(),
    }
}

fn mark_set(set: &mut SelectionSet, parent: &str, schema_types: &SchemaTypes) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                let Some(ty) = schema_types.field(parent, &field.node.name.node) else { continue };
                let (of, pos) = (named(&ty.base), field.pos);
                let below = &mut field.node.selection_set.node;
                mark_set(below, of, schema_types);
                if schema_types.is_abstract(of) && !below.items.is_empty() {
                    below.items.push(Positioned::new(Selection::Field(Positioned::new(marker(pos), pos)), pos));
                }
            }
            Selection::InlineFragment(inline) => {
                let on = inline.node.type_condition.as_ref().map(|condition| condition.node.on.node.clone());
                mark_set(&mut inline.node.selection_set.node, on.as_deref().unwrap_or(parent), schema_types);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn marker(pos: async_graphql::Pos) -> Field {
    Field {
        alias: Some(Positioned::new(Name::new(MARK), pos)),
        name: Positioned::new(Name::new("__typename"), pos),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet { items: Vec::new() }, pos),
    }
}

/// The name of a type without its lists.
fn named(mut base: &BaseType) -> &str {
    loop {
        match base {
            BaseType::Named(name) => return name.as_str(),
            BaseType::List(inner) => base = &inner.base,
        }
    }
}

/// The boolean variables of a request, which determine the skipped selections.
#[derive(Clone, Debug, Default)]
pub struct Conditions(HashMap<Name, bool>);

impl Conditions {
    pub fn of(operation: &OperationDefinition, given: &VariableValues<'_>) -> Self {
        let names = operation.variable_definitions.iter().map(|definition| &definition.node.name.node);
        let values = names.filter_map(|name| match given.get(name) {
            Some(Value::Boolean(value)) => Some((name.clone(), value)),
            _ => None,
        });
        Self(values.collect())
    }

    fn include(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let expected = match directive.node.name.node.as_str() {
                "include" => true,
                "skip" => false,
                _ => return true,
            };
            match directive.node.get_argument("if").map(|value| &value.node) {
                Some(InputValue::Boolean(value)) => *value == expected,
                Some(InputValue::Variable(name)) => self.0.get(name).is_none_or(|value| *value == expected),
                _ => true,
            }
        })
    }
}

/// The key order of one operation's response.
pub struct Order<'a> {
    pub schema_types: &'a SchemaTypes,
    pub document: &'a ExecutableDocument,
    pub conditions: &'a Conditions,
}

/// The selections of one response key: the field's type, and the selection sets below it.
type Selected<'a> = (Option<&'a str>, Vec<&'a SelectionSet>);

impl<'a> Order<'a> {
    /// Restores the order in the response to an operation of this kind.
    pub fn restore(&self, data: &mut Value, kind: OperationType, set: &'a SelectionSet) {
        if let Some(root) = self.schema_types.root(kind) {
            self.value(data, root.as_str(), &[set]);
        }
    }

    fn value(&self, value: &mut Value, of: &'a str, sets: &[&'a SelectionSet]) {
        match value {
            Value::List(items) => items.iter_mut().for_each(|item| self.value(item, of, sets)),
            Value::Object(object) => self.object(object, of, sets),
            _ => {}
        }
    }

    fn object(&self, object: &mut IndexMap<Name, Value>, of: &'a str, sets: &[&'a SelectionSet]) {
        let concrete = match object.shift_remove(MARK) {
            Some(Value::String(name)) => self.schema_types.type_name(&name).unwrap_or(of),
            _ => of,
        };
        let mut selected = IndexMap::new();
        for set in sets {
            self.collect(set, concrete, &mut selected);
        }
        let mut found = std::mem::take(object);
        for (key, (of, sets)) in selected {
            let Some((key, mut value)) = found.swap_remove_entry(key) else { continue };
            if let Some(of) = of {
                self.value(&mut value, of, &sets);
            }
            object.insert(key, value);
        }
        object.extend(found);
    }

    /// `CollectFields` of the specification.
    fn collect(&self, set: &'a SelectionSet, concrete: &'a str, selected: &mut IndexMap<&'a str, Selected<'a>>) {
        for selection in &set.items {
            if !self.conditions.include(selection.node.directives()) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    let (of, below) = selected.entry(key).or_default();
                    let ty = self.schema_types.field(concrete, &field.node.name.node);
                    *of = of.or_else(|| ty.map(|ty| named(&ty.base)));
                    below.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                    if on.is_none_or(|on| self.schema_types.includes(on, concrete)) {
                        self.collect(&inline.node.selection_set.node, concrete, selected);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node)
                        && self.schema_types.includes(&fragment.node.type_condition.node.on.node, concrete)
                    {
                        self.collect(&fragment.node.selection_set.node, concrete, selected);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Variables, parser::parse_query, value};
    use serde_json::json;

    use super::*;

    const SDL: &str = "schema { query: Query }
        type Query { a: A, list: [A!], either: Either, named: Named, x: Int }
        interface Named { name: String! }
        type A implements Named { a: A, name: String!, x: Int, y: Int }
        type B implements Named { name: String!, x: Int, y: Int }
        union Either = A | B";

    /// The response to a document, with its keys in order.
    fn restored(text: &str, variables: serde_json::Value, mut data: Value) -> String {
        let schema_types = SchemaTypes::read(SDL).unwrap();
        let mut document = parse_query(text).unwrap();
        mark(&mut document, &schema_types);
        let variables = Variables::from_json(variables);
        let (_, operation) = document.operations.iter().next().unwrap();
        let operation = &operation.node;
        let conditions = Conditions::of(operation, &VariableValues::new(operation, &variables).unwrap());
        let order = Order { schema_types: &schema_types, document: &document, conditions: &conditions };
        order.restore(&mut data, operation.ty, &operation.selection_set.node);
        serde_json::to_string(&data).unwrap()
    }

    #[test]
    fn keys_follow_selection_order() {
        let data = || value!({"x": 1, "list": [{"y": 1, "name": "n"}, {"name": "m", "y": 2}], "a": {"y": 1, "x": 2}});
        let text = r#"{"a":{"x":2,"y":1},"list":[{"name":"n","y":1},{"name":"m","y":2}],"x":1}"#;
        assert_eq!(restored("{ a { x y } list { name y } x }", json!({}), data()), text);
        assert_eq!(
            restored("{ ...F x } fragment F on Query { a { x } list { name y } a { y } }", json!({}), data()),
            text
        );
        assert_eq!(restored("{ ... { a { x y } } ... on Query { list { name y } } x }", json!({}), data()), text);
    }

    #[test]
    fn aliases_are_keys_and_unknown_keys_are_kept() {
        let data = value!({"b": {"k": 1, "h": 2}, "__schema": {"z": 1, "a": 2}, "a": null});
        let text = r#"{"a":null,"__schema":{"z":1,"a":2},"b":{"h":2,"k":1}}"#;
        assert_eq!(restored("{ a: x __schema { a z } b: a { h: x k: y } }", json!({}), data), text);
    }

    #[test]
    fn only_fragments_of_concrete_type_are_collected() {
        let document = "{ either { ... on A { x y } ... on B { y x } } }";
        for (of, text) in [("A", r#"{"either":{"x":1,"y":2}}"#), ("B", r#"{"either":{"y":2,"x":1}}"#)] {
            assert_eq!(restored(document, json!({}), value!({"either": {"x": 1, "__concreteType": of, "y": 2}})), text);
        }
        let document = "{ named { ... on Either { name } ... on Named { x: name } ... on A { y } } }";
        let data = value!({"named": {"y": 1, "x": "n", "name": "n", "__concreteType": "A"}});
        assert_eq!(restored(document, json!({}), data), r#"{"named":{"name":"n","x":"n","y":1}}"#);
    }

    #[test]
    fn skipped_selections_are_ignored() {
        let document =
            "query($no: Boolean = false) { x @include(if: $no) a { x } ... @skip(if: true) { list { x } } x }";
        let data = || value!({"x": 1, "a": {"x": 1}});
        assert_eq!(restored(document, json!({}), data()), r#"{"a":{"x":1},"x":1}"#);
        assert_eq!(restored(document, json!({"no": true}), data()), r#"{"x":1,"a":{"x":1}}"#);
    }

    #[test]
    fn object_without_selected_fields_is_empty() {
        let data = value!({"either": {"__concreteType": "B"}});
        assert_eq!(restored("{ either { ... on A { x } } }", json!({}), data), r#"{"either":{}}"#);
    }
}
