//! Puts null where fields have failed, as the specification has it (section 6.4.4, "Handling Execution Errors"), and an
//! empty object where nothing of an object was selected.
//!
//! The library (7.2.1) leaves a field that failed out of its object, whether the field may be null or not. A client
//! generated from the schema then finds `undefined` where its types promise a value. What belongs there follows from
//! the error's path, the document and the types of the fields: null where the field may be null, else the nearest
//! parent that may.
//!
//! It also answers null for an object without a single field: every one skipped by a directive, or `... on Problem`
//! alone of a result that is none. Where the type says that there is no null, `{}` was meant. Where it may be null,
//! nobody can tell the two apart any more, and null stays.

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
pub struct Shapes {
    fields: HashMap<String, HashMap<String, Type>>,
    /// The types of the members of each union and interface.
    members: HashMap<String, HashSet<String>>,
    roots: [Option<Name>; 3],
}

impl Shapes {
    /// Reads them from the schema's definition language.
    ///
    /// # Errors
    /// Where that is no schema.
    pub fn read(sdl: &str) -> Result<Self, String> {
        let schema = parse_schema(sdl).map_err(|error| format!("the schema can't be read: {error}"))?;
        let mut shapes = Self::default();
        for definition in schema.definitions {
            match definition {
                TypeSystemDefinition::Schema(roots) => {
                    let roots = roots.node;
                    shapes.roots = [roots.query, roots.mutation, roots.subscription].map(|root| Some(root?.node));
                }
                TypeSystemDefinition::Type(definition) => shapes.read_type(definition.node),
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(shapes)
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
    pub fn field(&self, parent: &str, name: &str) -> Option<&Type> {
        self.fields.get(parent)?.get(name)
    }

    /// Whether this names a union or an interface.
    pub fn is_abstract(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Whether this names an object type.
    pub fn is_object(&self, name: &str) -> bool {
        self.fields.contains_key(name) && !self.is_abstract(name)
    }

    /// Whether values of this type have fields.
    pub fn is_composite(&self, name: &str) -> bool {
        self.fields.contains_key(name) || self.is_abstract(name)
    }

    /// Whether an object of the type `concrete` is one of `on`.
    pub fn includes(&self, on: &str, concrete: &str) -> bool {
        on == concrete || self.members.get(on).is_some_and(|members| members.contains(concrete))
    }

    /// The name of an object's type, as the schema has it.
    pub fn type_name(&self, name: &str) -> Option<&str> {
        self.fields.get_key_value(name).map(|(name, _)| name.as_str())
    }

    /// The names of the fields that an operation of this kind begins with.
    pub fn root_fields(&self, kind: OperationType) -> impl Iterator<Item = &str> {
        let fields = self.root(kind).and_then(|root| self.fields.get(root.as_str()));
        fields.into_iter().flat_map(|fields| fields.keys().map(String::as_str))
    }

    /// The type that operations of this kind begin with.
    pub fn root(&self, kind: OperationType) -> Option<&Name> {
        let [query, mutation, subscription] = &self.roots;
        match kind {
            OperationType::Query => query.as_ref(),
            OperationType::Mutation => mutation.as_ref(),
            OperationType::Subscription => subscription.as_ref(),
        }
    }

    /// Mends the answer to the operation `name` of `document`.
    pub fn mend(&self, response: &mut Response, document: &ExecutableDocument, name: Option<&str>) {
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
        let mender = Mender { shapes: self, document };
        // First every failed field gets its null, then nulls rise: one must not hide where another belongs.
        for rising in [false, true] {
            for path in &paths {
                if mender.object(&mut response.data, &sets, path, rising) && rising {
                    response.data = Value::Null;
                    return;
                }
            }
        }
        if response.errors.is_empty() && response.data == Value::Null {
            response.data = Value::Object(IndexMap::new());
        }
        mender.empty(&mut response.data, &sets);
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

struct Mender<'a> {
    shapes: &'a Shapes,
    document: &'a ExecutableDocument,
}

impl<'a> Mender<'a> {
    /// Follows `path` into an object. Whether the object itself must become null.
    fn object(&self, value: &mut Value, sets: &[Scope<'a>], path: &[PathSegment], rising: bool) -> bool {
        let Some((PathSegment::Field(key), rest)) = path.split_first() else { return false };
        if !rising && *value == Value::Null {
            // The library's way to say that all fields have failed.
            *value = Value::Object(IndexMap::new());
        }
        let Value::Object(object) = value else { return false };
        let (mut ty, mut below) = (None, Vec::new());
        for scope in sets {
            self.find(*scope, key, &mut ty, &mut below);
        }
        let Some(ty) = ty else { return false };
        let value = object.entry(Name::new(key)).or_insert(Value::Null);
        self.value(value, ty, &below, rest, rising)
    }

    /// Follows `path` into the value of a field or an item of type `ty`. Whether what holds it must become null.
    fn value(
        &self,
        value: &mut Value,
        ty: &'a Type,
        below: &[&'a SelectionSet],
        path: &[PathSegment],
        rising: bool,
    ) -> bool {
        let failed = match (path, &ty.base) {
            ([], _) => true,
            ([PathSegment::Index(index), rest @ ..], BaseType::List(inner)) => match value {
                Value::List(items) => {
                    items.get_mut(*index).is_some_and(|item| self.value(item, inner, below, rest, rising))
                }
                _ => true,
            },
            (path, BaseType::Named(name)) if !(rising && *value == Value::Null) => {
                let sets: Vec<_> = below.iter().map(|set| Scope { parent: name, set }).collect();
                self.object(value, &sets, path, rising)
            }
            _ => true,
        };
        if failed {
            *value = Value::Null;
        }
        failed && !ty.nullable
    }

    /// Makes the objects below this one that can't be null empty ones where they are. What failed has risen before.
    fn empty(&self, value: &mut Value, sets: &[Scope<'a>]) {
        let Value::Object(object) = value else { return };
        for (key, value) in object.iter_mut().filter(|(_, value)| has_null(value)) {
            let (mut ty, mut below) = (None, Vec::new());
            for scope in sets {
                self.find(*scope, key, &mut ty, &mut below);
            }
            // A scalar has nothing selected below it, and is what it is.
            below.retain(|set| !set.items.is_empty());
            if let (Some(ty), false) = (ty, below.is_empty()) {
                self.empty_value(value, ty, &below);
            }
        }
    }

    fn empty_value(&self, value: &mut Value, ty: &'a Type, below: &[&'a SelectionSet]) {
        match (&ty.base, &mut *value) {
            (BaseType::List(inner), Value::List(items)) => {
                items.iter_mut().for_each(|item| self.empty_value(item, inner, below));
            }
            (BaseType::Named(_), Value::Null) if !ty.nullable => *value = Value::Object(IndexMap::new()),
            (BaseType::Named(name), _) => {
                let sets: Vec<_> = below.iter().map(|set| Scope { parent: name, set }).collect();
                self.empty(value, &sets);
            }
            (BaseType::List(_), _) => {}
        }
    }

    /// The type of the field that is answered under `key`, and what is selected below it. Fields that share a key
    /// share whether they may be null, says the validation (section 5.3.2).
    fn find(&self, scope: Scope<'a>, key: &str, ty: &mut Option<&'a Type>, below: &mut Vec<&'a SelectionSet>) {
        for selection in &scope.set.items {
            match &selection.node {
                Selection::Field(field) if field.node.response_key().node == key => {
                    let fields = self.shapes.fields.get(scope.parent);
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
