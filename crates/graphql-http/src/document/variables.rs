//! Values of an operation's variables.

use async_graphql::{Name, Value, Variables, parser::types::OperationDefinition};

use crate::refusal::{Code, Refusal};

/// The values of an operation's variables, including defaults.
#[derive(Clone, Copy)]
pub struct VariableValues<'a> {
    operation: &'a OperationDefinition,
    variables: &'a Variables,
}

impl<'a> VariableValues<'a> {
    /// Refuses a request that lacks a required variable (specification, section 6.1.2). The library would detect that
    /// only during execution, when other fields may already have had side effects.
    ///
    /// # Errors
    /// `BAD_REQUEST` with the name and the type of the variable.
    pub fn new(operation: &'a OperationDefinition, variables: &'a Variables) -> Result<Self, Refusal> {
        for definition in &operation.variable_definitions {
            let variable = &definition.node;
            let given = variables.get(&variable.name.node);
            let absent = given.is_none() && variable.default_value.is_none();
            if !variable.var_type.node.nullable && (absent || given == Some(&Value::Null)) {
                let message = format!(
                    "Variable ${} of required type {} was not provided.",
                    variable.name.node, variable.var_type.node
                );
                return Err(Refusal { position: Some(definition.pos), ..Refusal::document(Code::BadRequest, message) });
            }
        }
        Ok(Self { operation, variables })
    }

    /// None if the request omits the variable, and the operation has no default for it.
    pub fn get(&self, name: &Name) -> Option<Value> {
        let default = || {
            let mut definitions = self.operation.variable_definitions.iter().map(|definition| &definition.node);
            let definition = definitions.find(|definition| definition.name.node == *name)?;
            definition.default_value.as_ref().map(|value| value.node.clone())
        };
        self.variables.get(name).cloned().or_else(default)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    #[test]
    fn tr_05_missing_variable_is_refused_before_execution() {
        let is_refused = |text: &str, variables: serde_json::Value| {
            let document = parse_query(text).unwrap();
            let (_, operation) = document.operations.iter().next().unwrap();
            VariableValues::new(&operation.node, &Variables::from_json(variables)).is_err()
        };
        assert!(is_refused("query($a: Int!) {a}", json!({})));
        assert!(is_refused("query($a: Int!) {a}", json!({"a": null})));
        assert!(is_refused("query($a: Int! = 1) {a}", json!({"a": null})));
        assert!(!is_refused("query($a: Int! = 1) {a}", json!({})));
        assert!(!is_refused("query($a: Int!) {a}", json!({"a": 0})));
        assert!(!is_refused("query($a: Int) {a}", json!({})));
    }

    #[test]
    fn default_replaces_omitted_variable_but_not_null() {
        let document = parse_query("query($a: Int = 1, $b: Int) {a}").unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let of = |variables, name| {
            VariableValues::new(&operation.node, &Variables::from_json(variables)).unwrap().get(&Name::new(name))
        };
        assert_eq!(of(json!({}), "a"), Some(Value::from(1)));
        assert_eq!(of(json!({"a": null}), "a"), Some(Value::Null));
        assert_eq!(of(json!({}), "b"), None);
    }
}
