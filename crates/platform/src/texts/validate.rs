//! Validation of message files: whether an operator's message can replace a built-in one.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Message, Pattern, PatternElement};

/// The variables and references of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MessageVariables {
    /// Variables whose values are shown.
    pub shown: BTreeSet<String>,
    /// Variables that select a variant.
    pub selecting: BTreeSet<String>,
    /// Other messages, terms and functions.
    pub references: BTreeSet<String>,
}

impl MessageVariables {
    pub fn variables(&self) -> BTreeSet<String> {
        &self.shown | &self.selecting
    }
}

/// Messages by id, with the variables and references of each.
pub(super) type Catalogue = BTreeMap<String, MessageVariables>;

/// The messages of a file. `Err`: entries that are not supported.
pub(super) fn catalogue(resource: &FluentResource) -> Result<Catalogue, Vec<String>> {
    let mut found = Catalogue::new();
    let mut refused = Vec::new();
    for entry in resource.entries() {
        match entry {
            Entry::Message(message) => {
                let name = message.id.name.to_owned();
                match variables_of(message) {
                    Some(_) if found.contains_key(&name) => refused.push(format!("{name} is defined twice")),
                    Some(asks) => _ = found.insert(name, asks),
                    None => refused.push(format!("{name} has no text, or has attributes")),
                }
            }
            Entry::Term(term) => refused.push(format!("-{} is a term: write the text out", term.id.name)),
            // The parser has already reported junk as an error.
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) | Entry::Junk { .. } => {}
        }
    }
    if refused.is_empty() { Ok(found) } else { Err(refused) }
}

/// Why the message can't replace the built-in one. Empty: it can.
pub(super) fn override_errors(name: &str, asks: &MessageVariables, built_in: &Catalogue) -> Vec<String> {
    let Some(original) = built_in.get(name) else { return vec![format!("there is no message {name}")] };
    let offered = offered(name, original);
    let quoted = |names: &BTreeSet<String>| names.iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(", ");
    let mut refused = Vec::new();
    for unknown in asks.variables().difference(&offered) {
        refused.push(format!("{name} has no variable ${unknown}; it has {}", quoted(&offered)));
    }
    // A message that delivers a code must contain it.
    if original.shown.contains("code") && !asks.shown.contains("code") {
        refused.push(format!("{name} must show $code"));
    }
    for reference in &asks.references {
        refused.push(format!("{name} refers to {reference}: it may only use variables"));
    }
    refused
}

/// The available variables of a message: those of the built-in text, and some more that operators may want.
fn offered(name: &str, original: &MessageVariables) -> BTreeSet<String> {
    let mut offered = original.variables();
    let sent = ["sms-", "voice-", "email-"].iter().any(|channel| name.starts_with(channel));
    if sent {
        offered.insert("app".to_owned());
    }
    if name.contains("-code-") && sent && !name.ends_with("-subject") {
        offered.extend(["code".to_owned(), "lifetime".to_owned()]);
    }
    offered
}

fn variables_of(message: &Message<&str>) -> Option<MessageVariables> {
    let pattern = message.value.as_ref().filter(|_| message.attributes.is_empty())?;
    let mut asks = MessageVariables::default();
    read(pattern, &mut asks);
    Some(asks)
}

fn read(pattern: &Pattern<&str>, asks: &mut MessageVariables) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            read_expression(expression, asks);
        }
    }
}

fn read_expression(expression: &Expression<&str>, asks: &mut MessageVariables) {
    match expression {
        Expression::Inline(inline) => read_inline(inline, asks),
        Expression::Select { selector, variants } => {
            match selector {
                InlineExpression::VariableReference { id } => _ = asks.selecting.insert(id.name.to_owned()),
                other => read_inline(other, asks),
            }
            for variant in variants {
                read(&variant.value, asks);
            }
        }
    }
}

fn read_inline(inline: &InlineExpression<&str>, asks: &mut MessageVariables) {
    match inline {
        InlineExpression::VariableReference { id } => _ = asks.shown.insert(id.name.to_owned()),
        InlineExpression::Placeable { expression } => read_expression(expression, asks),
        InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        InlineExpression::FunctionReference { id, .. } => _ = asks.references.insert(format!("{}()", id.name)),
        InlineExpression::MessageReference { id, .. } => _ = asks.references.insert(id.name.to_owned()),
        InlineExpression::TermReference { id, .. } => _ = asks.references.insert(format!("-{}", id.name)),
    }
}
