//! Null for failed fields (specification, section 6.4.4, "Handling Execution Errors"), and an empty object if no field
//! of an object was selected.
//!
//! The library (7.2.1) omits a failed field from its object, whether the field is nullable or not. A client generated
//! from the schema then finds `undefined` instead of a value of the declared type. The correct value follows from the
//! error's path, the document and the types of the fields: null if the field is nullable, else the nearest nullable
//! parent becomes null.
//!
//! The library also returns null for an object without fields: all of them skipped by a directive, or only `... on
//! Problem` selected of another type. If the type is not nullable, `{}` is correct. If it is nullable, the two cases
//! can't be distinguished, and null is kept.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, PathSegment, Response, Value,
    indexmap::IndexMap,
    parser::{
        parse_schema,
        types::{
            BaseType, DocumentOperations, ExecutableDocument, OperationType, Selection, SelectionSet, Type,
            TypeDefinition, TypeKind, TypeSystemDefinition,
        },
    },
};

/// The types of all fields of a schema.
#[derive(Debug, Default)]
pub struct SchemaTypes {
    fields: HashMap<String, HashMap<String, Type>>,
    /// The member types of each union and interface.
    members: HashMap<String, HashSet<String>>,
    roots: [Option<Name>; 3],
}

impl SchemaTypes {
    /// Reads the types of a schema in SDL.
    ///
    /// # Errors
    /// If the SDL is invalid.
    pub fn read(sdl: &str) -> Result<Self, String> {
        let schema = parse_schema(sdl).map_err(|error| format!("the schema can't be read: {error}"))?;
        let mut schema_types = Self::default();
        for definition in schema.definitions {
            match definition {
                TypeSystemDefinition::Schema(roots) => {
                    let roots = roots.node;
                    schema_types.roots = [roots.query, roots.mutation, roots.subscription].map(|root| Some(root?.node));
                }
                TypeSystemDefinition::Type(definition) => schema_types.read_type(definition.node),
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(schema_types)
    }

    fn read_type(&mut self, definition: TypeDefinition) {
        let name = definition.name.node.to_string();
        let fields = match definition.kind {
            TypeKind::Object(object) => {
                for interface in object.implements {
                    self.members.entry(interface.node.to_string()).or_default().insert(name.clone());
                }
                object.fields
            }
            TypeKind::Interface(interface) => {
                self.members.entry(name.clone()).or_default();
                interface.fields
            }
            TypeKind::Union(union) => {
                let members = union.members.into_iter().map(|member| member.node.to_string());
                self.members.entry(name).or_default().extend(members);
                return;
            }
            _ => return,
        };
        let fields = fields.into_iter().map(|field| (field.node.name.node.to_string(), field.node.ty.node));
        self.fields.entry(name).or_default().extend(fields);
    }

    /// The type of a field.
    pub(crate) fn field(&self, parent: &str, name: &str) -> Option<&Type> {
        self.fields.get(parent)?.get(name)
    }

    /// Whether `name` is a union or an interface.
    pub(crate) fn is_abstract(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Whether `name` is an object type.
    pub(crate) fn is_object(&self, name: &str) -> bool {
        self.fields.contains_key(name) && !self.is_abstract(name)
    }

    /// Whether values of this type have fields.
    pub(crate) fn is_composite(&self, name: &str) -> bool {
        self.fields.contains_key(name) || self.is_abstract(name)
    }

    /// Whether an object of the type `concrete` meets the type condition `on`.
    pub(crate) fn includes(&self, on: &str, concrete: &str) -> bool {
        on == concrete || self.members.get(on).is_some_and(|members| members.contains(concrete))
    }

    /// The name of an object type with the schema's lifetime.
    pub(crate) fn type_name(&self, name: &str) -> Option<&str> {
        self.fields.get_key_value(name).map(|(name, _)| name.as_str())
    }

    /// The names of the root fields of operations of this kind.
    pub fn root_fields(&self, kind: OperationType) -> impl Iterator<Item = &str> {
        let fields = self.root(kind).and_then(|root| self.fields.get(root.as_str()));
        fields.into_iter().flat_map(|fields| fields.keys().map(String::as_str))
    }

    /// The root type of operations of this kind.
    pub(crate) fn root(&self, kind: OperationType) -> Option<&Name> {
        let [query, mutation, subscription] = &self.roots;
        match kind {
            OperationType::Query => query.as_ref(),
            OperationType::Mutation => mutation.as_ref(),
            OperationType::Subscription => subscription.as_ref(),
        }
    }

    /// Corrects the response to the operation `name` of `document`.
    pub(crate) fn fill_nulls(&self, response: &mut Response, document: &ExecutableDocument, name: Option<&str>) {
        let paths: Vec<_> =
            response.errors.iter().map(|error| error.path.clone()).filter(|path| !path.is_empty()).collect();
        if paths.is_empty() && !has_null(&response.data) {
            return;
        }
        let operation = match (&document.operations, name) {
            (DocumentOperations::Single(operation), _) => Some(operation),
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
            (DocumentOperations::Multiple(operations), None) => operations.values().next(),
        };
        let Some(operation) = operation.map(|operation| &operation.node) else { return };
        let Some(root) = self.root(operation.ty) else { return };
        let sets = vec![Scope { parent: root, set: &operation.selection_set.node }];
        let filler = NullFiller { schema_types: self, document };
        // All failed fields are set to null before nulls propagate: otherwise one could hide another.
        for propagate in [false, true] {
            for path in &paths {
                if filler.object(&mut response.data, &sets, path, propagate) && propagate {
                    response.data = Value::Null;
                    return;
                }
            }
        }
        if response.errors.is_empty() && response.data == Value::Null {
            response.data = Value::Object(IndexMap::new());
        }
        filler.fill_empty_objects(&mut response.data, &sets);
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.iter().any(has_null),
        Value::Object(object) => object.values().any(has_null),
        _ => false,
    }
}

/// A selection set, and the type that its fields belong to.
#[derive(Clone, Copy)]
struct Scope<'a> {
    parent: &'a str,
    set: &'a SelectionSet,
}

struct NullFiller<'a> {
    schema_types: &'a SchemaTypes,
    document: &'a ExecutableDocument,
}

impl<'a> NullFiller<'a> {
    /// Follows `path` into an object. Returns whether the object itself must become null.
    fn object(&self, value: &mut Value, sets: &[Scope<'a>], path: &[PathSegment], propagate: bool) -> bool {
        let Some((PathSegment::Field(key), rest)) = path.split_first() else { return false };
        if !propagate && *value == Value::Null {
            // The library returns null if all fields have failed.
            *value = Value::Object(IndexMap::new());
        }
        let Value::Object(object) = value else { return false };
        let (mut ty, mut below) = (None, Vec::new());
        for scope in sets {
            self.find(*scope, key, &mut ty, &mut below);
        }
        let Some(ty) = ty else { return false };
        let value = object.entry(Name::new(key)).or_insert(Value::Null);
        self.value(value, ty, &below, rest, propagate)
    }

    /// Follows `path` into the value of a field or an item of type `ty`. Returns whether its parent must become null.
    fn value(
        &self,
        value: &mut Value,
        ty: &'a Type,
        below: &[&'a SelectionSet],
        path: &[PathSegment],
        propagate: bool,
    ) -> bool {
        let failed = match (path, &ty.base) {
            ([], _) => true,
            ([PathSegment::Index(index), rest @ ..], BaseType::List(inner)) => match value {
                Value::List(items) => {
                    items.get_mut(*index).is_some_and(|item| self.value(item, inner, below, rest, propagate))
                }
                _ => true,
            },
            (path, BaseType::Named(name)) if !(propagate && *value == Value::Null) => {
                let sets: Vec<_> = below.iter().map(|set| Scope { parent: name, set }).collect();
                self.object(value, &sets, path, propagate)
            }
            _ => true,
        };
        if failed {
            *value = Value::Null;
        }
        failed && !ty.nullable
    }

    /// Replaces null by an empty object below this object where null is not allowed. Nulls of failed fields have
    /// already propagated.
    fn fill_empty_objects(&self, value: &mut Value, sets: &[Scope<'a>]) {
        let Value::Object(object) = value else { return };
        for (key, value) in object.iter_mut().filter(|(_, value)| has_null(value)) {
            let (mut ty, mut below) = (None, Vec::new());
            for scope in sets {
                self.find(*scope, key, &mut ty, &mut below);
            }
            // Scalars have no selections below them, and are not changed.
            below.retain(|set| !set.items.is_empty());
            if let (Some(ty), false) = (ty, below.is_empty()) {
                self.fill_empty_value(value, ty, &below);
            }
        }
    }

    fn fill_empty_value(&self, value: &mut Value, ty: &'a Type, below: &[&'a SelectionSet]) {
        match (&ty.base, &mut *value) {
            (BaseType::List(inner), Value::List(items)) => {
                items.iter_mut().for_each(|item| self.fill_empty_value(item, inner, below));
            }
            (BaseType::Named(_), Value::Null) if !ty.nullable => *value = Value::Object(IndexMap::new()),
            (BaseType::Named(name), _) => {
                let sets: Vec<_> = below.iter().map(|set| Scope { parent: name, set }).collect();
                self.fill_empty_objects(value, &sets);
            }
            (BaseType::List(_), _) => {}
        }
    }

    /// The type of the field with the response name `key`, and the selections below it. By validation, fields with the
    /// same response name have the same nullability (section 5.3.2).
    fn find(&self, scope: Scope<'a>, key: &str, ty: &mut Option<&'a Type>, below: &mut Vec<&'a SelectionSet>) {
        for selection in &scope.set.items {
            match &selection.node {
                Selection::Field(field) if field.node.response_key().node == key => {
                    let fields = self.schema_types.fields.get(scope.parent);
                    *ty = ty.or_else(|| fields?.get(field.node.name.node.as_str()));
                    below.push(&field.node.selection_set.node);
                }
                Selection::Field(_) => {}
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let parent = condition.map_or(scope.parent, |condition| condition.node.on.node.as_str());
                    self.find(Scope { parent, set: &inline.node.selection_set.node }, key, ty, below);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        let parent = fragment.node.type_condition.node.on.node.as_str();
                        self.find(Scope { parent, set: &fragment.node.selection_set.node }, key, ty, below);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "nulls_tests.rs"]
mod tests;
