//! Field selection merging (specification, section 5.3.2): whether fields with the same response name are compatible.
//!
//! The library (7.2.1) compares the fields of one selection set that have the same type condition. It ignores fields of
//! two sets below the same response name, type conditions that one object can meet at once, and different types of the
//! same name (`SameResponseShape`), so it would execute documents that code generators reject.
//!
//! The specification compares all pairs. Here each field is compared with the first of its name. The result is the
//! same, because the comparison is an equivalence.

use std::collections::HashSet;

use async_graphql::{
    Name, Pos, Positioned,
    indexmap::IndexMap,
    parser::types::{BaseType, ExecutableDocument, Field, Selection, SelectionSet, Type},
};

use crate::{
    document::nulls::SchemaTypes,
    limit::Limit,
    refusal::{Code, Refusal},
};

/// Maximum number of compared fields. Fields of interfaces are compared again with those of each object type.
const MAX_COMPARED: usize = 100_000;
/// Maximum depth. Only documents with recursive fragments exceed it, and those are refused elsewhere.
const MAX_LEVELS: usize = 128;

/// Refuses a document with incompatible fields of the same response name.
///
/// # Errors
/// `BAD_REQUEST` with the fields, in the wording of graphql-js.
pub fn check(document: &ExecutableDocument, schema_types: &SchemaTypes) -> Result<(), Refusal> {
    let mut operations: Vec<_> = document.operations.iter().map(|(_, operation)| &operation.node).collect();
    operations.sort_by_key(|operation| operation.selection_set.pos);
    let mut merging = MergeChecker { document, schema_types, compared: 0 };
    for operation in operations {
        let parent = schema_types.root(operation.ty).map(Name::as_str);
        let named = merging.fields_by_name(&[(parent, &operation.selection_set.node)])?;
        merging.same_shape(&named, 0).and_then(|()| merging.can_merge(&named, 0)).map_err(Conflict::into_refusal)?;
    }
    Ok(())
}

fn too_many_fields() -> Refusal {
    Refusal::too_complex("comparison of fields", Limit::fixed(MAX_COMPARED), MAX_COMPARED.saturating_add(1))
}

/// A selection set, and the type that its fields belong to, if known.
type Scope<'a> = (Option<&'a str>, &'a SelectionSet);

/// A field and its parent type.
#[derive(Clone, Copy)]
struct ScopedField<'a> {
    parent: Option<&'a str>,
    field: &'a Positioned<Field>,
    /// None for `__typename` and for the fields of introspection, as in graphql-js.
    ty: Option<&'a Type>,
}

/// Fields by response name, in document order.
type FieldsByName<'a> = IndexMap<&'a str, Vec<ScopedField<'a>>>;

/// Why two fields can't be merged.
enum Conflict {
    Fields { name: String, reason: String, position: Pos },
    TooManyComparisons,
}

impl Conflict {
    fn new(name: &str, field: ScopedField<'_>, reason: String) -> Self {
        Self::Fields { name: name.to_owned(), reason, position: field.field.pos }
    }

    /// The conflict as one of the fields that contain these.
    fn below(self, outer: &str) -> Self {
        match self {
            Self::Fields { name, reason, position } => {
                let reason = format!("subfields \"{name}\" conflict because {reason}");
                Self::Fields { name: outer.to_owned(), reason, position }
            }
            Self::TooManyComparisons => Self::TooManyComparisons,
        }
    }

    fn into_refusal(self) -> Refusal {
        let Self::Fields { name, reason, position } = self else { return too_many_fields() };
        let message = format!(
            "Fields \"{name}\" conflict because {reason}. Use different aliases on the fields to fetch both if this was \
             intentional."
        );
        Refusal { position: Some(position), ..Refusal::document(Code::BadRequest, message) }
    }
}

impl From<Conflict> for Refusal {
    fn from(conflict: Conflict) -> Self {
        conflict.into_refusal()
    }
}

struct MergeChecker<'a> {
    document: &'a ExecutableDocument,
    schema_types: &'a SchemaTypes,
    compared: usize,
}

impl<'a> MergeChecker<'a> {
    /// The fields of all these sets, including those of fragments.
    fn fields_by_name(&mut self, sets: &[Scope<'a>]) -> Result<FieldsByName<'a>, Conflict> {
        let (mut named, mut spread) = (FieldsByName::new(), HashSet::new());
        for set in sets {
            self.collect(*set, &mut named, &mut spread)?;
        }
        Ok(named)
    }

    fn collect(
        &mut self,
        (parent, set): Scope<'a>,
        named: &mut FieldsByName<'a>,
        spread: &mut HashSet<&'a Name>,
    ) -> Result<(), Conflict> {
        let schema_types = self.schema_types;
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    self.compared += 1;
                    if self.compared > MAX_COMPARED {
                        return Err(Conflict::TooManyComparisons);
                    }
                    let ty = parent.and_then(|parent| schema_types.field(parent, &field.node.name.node));
                    let key = field.node.response_key().node.as_str();
                    named.entry(key).or_default().push(ScopedField { parent, field, ty });
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                    self.collect((on.or(parent), &inline.node.selection_set.node), named, spread)?;
                }
                Selection::FragmentSpread(fragment) => {
                    let name = &fragment.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && spread.insert(name)
                    {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.collect((Some(on), &fragment.node.selection_set.node), named, spread)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The fields that are selected below these fields.
    fn subfields(&mut self, fields: &[ScopedField<'a>]) -> Result<FieldsByName<'a>, Conflict> {
        let sets: Vec<Scope<'a>> =
            fields.iter().map(|field| (field.ty.map(named_type), &field.field.node.selection_set.node)).collect();
        self.fields_by_name(&sets)
    }

    /// `SameResponseShape`: the type of a response value must not depend on the object's type.
    fn same_shape(&mut self, named: &FieldsByName<'a>, level: usize) -> Result<(), Conflict> {
        for (name, fields) in named.iter().filter(|_| level < MAX_LEVELS) {
            let mut typed = fields.iter().filter_map(|field| Some((*field, field.ty?)));
            if let Some((_, first)) = typed.next() {
                for (field, ty) in typed {
                    if !self.same_type_shape(first, ty) {
                        let reason = format!("they return conflicting types \"{first}\" and \"{ty}\"");
                        return Err(Conflict::new(name, field, reason));
                    }
                }
            }
            let below = self.subfields(fields)?;
            self.same_shape(&below, level + 1).map_err(|conflict| conflict.below(name))?;
        }
        Ok(())
    }

    fn same_type_shape(&self, one: &Type, other: &Type) -> bool {
        one.nullable == other.nullable
            && match (&one.base, &other.base) {
                (BaseType::List(one), BaseType::List(other)) => self.same_type_shape(one, other),
                (BaseType::Named(one), BaseType::Named(other)) => {
                    one == other || (self.schema_types.is_composite(one) && self.schema_types.is_composite(other))
                }
                _ => false,
            }
    }

    /// `FieldsInSetCanMerge`: fields that one object can have under the same name must be the same field. Fields of two
    /// different object types are never in the same object.
    fn can_merge(&mut self, named: &FieldsByName<'a>, level: usize) -> Result<(), Conflict> {
        for (name, fields) in named.iter().filter(|_| level < MAX_LEVELS) {
            for group in self.groups_by_object_type(fields) {
                let [first, others @ ..] = group.as_slice() else { continue };
                for other in others {
                    check_same_field(name, *first, *other)?;
                }
                let below = self.subfields(&group)?;
                self.can_merge(&below, level + 1).map_err(|conflict| conflict.below(name))?;
            }
        }
        Ok(())
    }

    /// For each object type its own fields and those of abstract types.
    fn groups_by_object_type(&self, fields: &[ScopedField<'a>]) -> Vec<Vec<ScopedField<'a>>> {
        let concrete = |field: &ScopedField<'a>| field.parent.filter(|parent| self.schema_types.is_object(parent));
        let mut types: Vec<_> = fields.iter().map(concrete).collect();
        types.sort_unstable();
        types.dedup();
        if types.len() > 1 {
            types.retain(Option::is_some);
        }
        let of = |ty: &Option<&str>| {
            let belongs = |field: &&ScopedField<'a>| concrete(field).is_none_or(|parent| Some(parent) == *ty);
            fields.iter().filter(belongs).copied().collect()
        };
        types.iter().map(of).collect()
    }
}

fn named_type(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named_type(inner),
    }
}

fn check_same_field(key: &str, first: ScopedField<'_>, other: ScopedField<'_>) -> Result<(), Conflict> {
    let (one, two) = (&first.field.node, &other.field.node);
    if one.name.node != two.name.node {
        let reason = format!("\"{}\" and \"{}\" are different fields", one.name.node, two.name.node);
        return Err(Conflict::new(key, other, reason));
    }
    let same = one.arguments.len() == two.arguments.len()
        && one
            .arguments
            .iter()
            .all(|(name, value)| two.get_argument(&name.node).is_some_and(|other| other.node == value.node));
    if same { Ok(()) } else { Err(Conflict::new(key, other, "they have differing arguments".to_owned())) }
}

#[cfg(test)]
#[path = "merging_tests.rs"]
mod tests;
