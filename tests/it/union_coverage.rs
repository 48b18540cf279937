//! Every member of every result union is produced by some test, over the wire.
//!
//! The test clients record the members they receive (`support/coverage.rs`). `scripts/test` runs the suite with a
//! file for the record, and then runs this test by itself with the same file.

use std::collections::{BTreeMap, BTreeSet};

use graphql_parser::schema::{Definition, Document, Type, TypeDefinition, parse_schema};

use crate::support::{coverage, env_var};

/// Enables the check: the whole suite has run.
const VARIABLE: &str = "COUNTERSIGN_TEST_SEEN_ALL";

#[test]
fn every_member_of_every_result_union_is_produced() {
    let (Some(file), Some(_)) = (env_var(coverage::VARIABLE), env_var(VARIABLE)) else {
        // Not `LEFT OUT`: scripts/test runs it at the end of every whole run.
        eprintln!("nothing to check yet: {VARIABLE} is not set");
        return;
    };
    let sdl = countersign::graphql::sdl();
    let schema = parse_schema::<String>(&sdl).unwrap();
    let unions = unions(&schema);
    let fields = fields(&schema);
    let recorded = std::fs::read_to_string(file).unwrap();
    let produced: BTreeSet<(String, String)> = recorded
        .lines()
        .filter_map(|line| {
            let (field, member) = line.split_once(' ')?;
            Some((fields.get(field)?.clone(), member.to_owned()))
        })
        .collect();
    let expected =
        unions.iter().flat_map(|(union, members)| members.iter().map(move |member| (union.clone(), member.clone())));
    let missing: Vec<_> =
        expected.filter(|pair| !produced.contains(pair)).map(|(union, member)| format!("{union}: {member}")).collect();
    assert!(unions.len() >= 4 && produced.len() >= 10, "too few results to check: {produced:?}");
    assert!(missing.is_empty(), "no test received:\n{}", missing.join("\n"));
}

/// The result unions and their members.
fn unions(schema: &Document<'_, String>) -> BTreeMap<String, Vec<String>> {
    let definitions = schema.definitions.iter();
    definitions
        .filter_map(|definition| match definition {
            Definition::TypeDefinition(TypeDefinition::Union(union)) => Some((union.name.clone(), union.types.clone())),
            _ => None,
        })
        .collect()
}

/// The result types of the fields of Query and Mutation.
fn fields(schema: &Document<'_, String>) -> BTreeMap<String, String> {
    let roots = schema.definitions.iter().filter_map(|definition| match definition {
        Definition::TypeDefinition(TypeDefinition::Object(object))
            if ["Query", "Mutation"].contains(&object.name.as_str()) =>
        {
            Some(object)
        }
        _ => None,
    });
    roots.flat_map(|root| &root.fields).map(|field| (field.name.clone(), named(&field.field_type))).collect()
}

fn named(field_type: &Type<'_, String>) -> String {
    match field_type {
        Type::NamedType(name) => name.clone(),
        Type::ListType(inner) | Type::NonNullType(inner) => named(inner),
    }
}
