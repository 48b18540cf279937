//! The input types of a schema, and the validation of values (specification, section 3, "Input Coercion").

use std::collections::{BTreeMap, HashMap};

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, InputValueDefinition, OperationType, Type, TypeKind, TypeSystemDefinition},
};
use async_graphql::{Positioned, Value as ConstValue};
use async_graphql_value::Value;

use crate::document::variables::VariableValues;

/// Validates a value of the custom scalar with this name: the reason if it is invalid, else None.
pub type Scalars = fn(&str, &ConstValue) -> Option<&'static str>;

/// The input types of a schema, and the arguments of its fields.
#[derive(Debug)]
pub struct Inputs {
    fields: HashMap<String, HashMap<String, Field>>,
    types: HashMap<String, Kind>,
    roots: [Option<String>; 3],
    scalars: Scalars,
    /// Whether errors list the values of enums.
    lists_values: bool,
}

/// A field of the schema.
#[derive(Debug)]
pub struct Field {
    /// The type of the field's value, without its lists.
    pub of: String,
    pub arguments: BTreeMap<String, InputType>,
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub struct InputType {
    pub ty: Type,
    has_default: bool,
}

impl InputType {
    fn check_omitted(&self) -> Result<(), ValueError> {
        match self.ty.nullable || self.has_default {
            true => Ok(()),
            false => Err(ValueError::new(format!("it is of type {} and is missing", self.ty))),
        }
    }
}

#[derive(Debug)]
enum Kind {
    /// Its values, in the order of the schema.
    Enum(Vec<String>),
    Object {
        one_of: bool,
        fields: BTreeMap<String, InputType>,
    },
}

/// Why a value is invalid. It contains no part of the value, which may be a password.
#[derive(Debug)]
pub struct ValueError {
    /// Path within the value, the innermost name first.
    path: Vec<String>,
    why: String,
}

impl ValueError {
    fn new(why: impl Into<String>) -> Self {
        Self { path: Vec::new(), why: why.into() }
    }

    fn under(mut self, name: impl Into<String>) -> Self {
        self.path.push(name.into());
        self
    }

    /// The error message for the argument with this name.
    pub fn of(self, argument: &str) -> String {
        let path = self.under(argument);
        let names: Vec<_> = path.path.iter().rev().map(String::as_str).collect();
        format!("{} is not valid: {}.", names.join("."), path.why)
    }
}

impl Inputs {
    /// Reads the input types of a schema in SDL.
    ///
    /// # Errors
    /// If the SDL is invalid.
    pub fn read(sdl: &str, scalars: Scalars) -> Result<Self, String> {
        let schema = parse_schema(sdl).map_err(|error| format!("the schema can't be read: {error}"))?;
        let mut inputs = Self {
            fields: HashMap::new(),
            types: HashMap::new(),
            roots: [None, None, None],
            scalars,
            lists_values: true,
        };
        for definition in schema.definitions {
            let definition = match definition {
                TypeSystemDefinition::Schema(roots) => {
                    let roots = roots.node;
                    inputs.roots =
                        [roots.query, roots.mutation, roots.subscription].map(|root| Some(root?.to_string()));
                    continue;
                }
                TypeSystemDefinition::Directive(_) => continue,
                TypeSystemDefinition::Type(definition) => definition.node,
            };
            let name = definition.name.node.to_string();
            let fields = match definition.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                TypeKind::Enum(choice) => {
                    let values = choice.values.into_iter().map(|value| value.node.value.node.to_string());
                    inputs.types.insert(name, Kind::Enum(values.collect()));
                    continue;
                }
                TypeKind::InputObject(object) => {
                    let one_of = definition.directives.iter().any(|directive| directive.node.name.node == "oneOf");
                    inputs.types.insert(name, Kind::Object { one_of, fields: wanted(object.fields) });
                    continue;
                }
                TypeKind::Scalar | TypeKind::Union(_) => continue,
            };
            let fields = fields.into_iter().map(|field| {
                let field = field.node;
                let of = named(&field.ty.node.base).to_owned();
                (field.name.node.to_string(), Field { of, arguments: wanted(field.arguments) })
            });
            inputs.fields.entry(name).or_default().extend(fields);
        }
        Ok(inputs)
    }

    /// Errors do not list the values of enums, e.g. because introspection is disabled.
    #[must_use]
    pub fn without_value_lists(self) -> Self {
        Self { lists_values: false, ..self }
    }

    /// The root type of operations of this kind.
    pub fn root(&self, kind: OperationType) -> Option<&str> {
        let [query, mutation, subscription] = &self.roots;
        let root = match kind {
            OperationType::Query => query,
            OperationType::Mutation => mutation,
            OperationType::Subscription => subscription,
        };
        root.as_deref()
    }

    /// None for unknown fields and for the fields of introspection.
    pub fn field(&self, parent: &str, name: &str) -> Option<&Field> {
        self.fields.get(parent)?.get(name)
    }

    /// Validates the value of an argument or an input field. An omitted variable counts as an omitted value.
    ///
    /// # Errors
    /// The first error.
    pub fn validate_argument(
        &self,
        wanted: &InputType,
        value: &Value,
        given: &VariableValues<'_>,
    ) -> Result<(), ValueError> {
        match is_null(value, given) {
            Some(_) => self.validate(&wanted.ty, value, given),
            None => wanted.check_omitted(),
        }
    }

    /// Validates a value of the document, with the values of its variables.
    ///
    /// # Errors
    /// The first error.
    pub fn validate(&self, ty: &Type, value: &Value, given: &VariableValues<'_>) -> Result<(), ValueError> {
        if let Value::Variable(name) = value {
            // In a list, an omitted variable is null.
            let value = given.get(name).unwrap_or_default();
            return self.validate(ty, &value.into_value(), given);
        }
        match (&ty.base, value) {
            (_, Value::Null) if ty.nullable => Ok(()),
            (_, Value::Null) => Err(ValueError::new(format!("it is of type {ty} and can't be null"))),
            (BaseType::List(of), Value::List(items)) => {
                let mut items = items.iter().enumerate();
                items.try_for_each(|(at, item)| {
                    self.validate(of, item, given).map_err(|wrong| wrong.under(at.to_string()))
                })
            }
            // A single item is coerced to a list.
            (BaseType::List(of), item) => self.validate(of, item, given),
            (BaseType::Named(name), value) => self.named(name, value, given),
        }
    }

    fn named(&self, name: &str, value: &Value, given: &VariableValues<'_>) -> Result<(), ValueError> {
        let valid = match (self.types.get(name), value) {
            (Some(Kind::Object { one_of, fields }), Value::Object(object)) => {
                let values = object.iter().map(|(name, value)| (name.as_str(), value));
                return Self::object(self, name, *one_of, fields, &values.collect(), given);
            }
            // In variables, enum values are strings.
            (Some(Kind::Enum(values)), Value::Enum(value)) if values.iter().any(|known| known == value.as_str()) => {
                true
            }
            (Some(Kind::Enum(values)), Value::String(value)) if values.contains(value) => true,
            (Some(Kind::Enum(values)), _) if self.lists_values => {
                return Err(ValueError::new(format!("expected a value of {name}: {}", values.join(", "))));
            }
            (Some(_), _) => false,
            (None, value) => return self.scalar(name, value),
        };
        if valid { Ok(()) } else { Err(ValueError::new(format!("expected a value of type {name}"))) }
    }

    fn object(
        &self,
        name: &str,
        one_of: bool,
        fields: &BTreeMap<String, InputType>,
        object: &BTreeMap<&str, &Value>,
        given: &VariableValues<'_>,
    ) -> Result<(), ValueError> {
        if one_of {
            let mut values = object.values().map(|value| is_null(value, given));
            if !matches!((values.next(), values.next()), (Some(Some(is_null)), None) if !is_null) {
                return Err(ValueError::new(format!("exactly one field of {name} must be set, and not to null")));
            }
        }
        if let Some(unknown) = object.keys().find(|key| !fields.contains_key(**key)) {
            return Err(ValueError::new(format!("{name} has no field {unknown}")));
        }
        for (name, wanted) in fields {
            let result = match object.get(name.as_str()) {
                Some(value) => self.validate_argument(wanted, value, given),
                None => wanted.check_omitted(),
            };
            result.map_err(|wrong| wrong.under(name))?;
        }
        Ok(())
    }

    fn scalar(&self, name: &str, value: &Value) -> Result<(), ValueError> {
        let valid = match (name, value) {
            ("Int", Value::Number(number)) => match number.as_i64() {
                Some(number) if i32::try_from(number).is_ok() => true,
                Some(_) => return Err(ValueError::new(format!("an Int is from {} to {}", i32::MIN, i32::MAX))),
                None => false,
            },
            ("Float", Value::Number(_)) | ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
            ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
            ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
            (name, value) => {
                let why = value.clone().into_const().and_then(|value| (self.scalars)(name, &value));
                return why.map_or(Ok(()), |why| Err(ValueError::new(why)));
            }
        };
        if valid { Ok(()) } else { Err(ValueError::new(format!("expected a value of type {name}"))) }
    }
}

/// None if the value is omitted, else whether it is null.
fn is_null(value: &Value, given: &VariableValues<'_>) -> Option<bool> {
    match value {
        Value::Variable(name) => given.get(name).map(|value| value == ConstValue::Null),
        value => Some(*value == Value::Null),
    }
}

fn wanted(definitions: Vec<Positioned<InputValueDefinition>>) -> BTreeMap<String, InputType> {
    let wanted = definitions.into_iter().map(|definition| {
        let definition = definition.node;
        let has_default = definition.default_value.is_some();
        (definition.name.node.to_string(), InputType { ty: definition.ty.node, has_default })
    });
    wanted.collect()
}

fn named(base: &BaseType) -> &str {
    match base {
        BaseType::Named(name) => name,
        BaseType::List(of) => named(&of.base),
    }
}

#[cfg(test)]
#[path = "inputs_tests.rs"]
mod tests;
