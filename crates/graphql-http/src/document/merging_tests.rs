use async_graphql::parser::parse_query;
use serde_json::Value;

use super::*;

const CASES: &str = include_str!("../../tests/fixtures/merging.json");

fn cases() -> Value {
    serde_json::from_str(CASES).unwrap()
}

fn schema_types() -> SchemaTypes {
    SchemaTypes::read(cases()["schema"].as_str().unwrap()).unwrap()
}

/// The expected results are those of graphql-js; `web/contract/tests/merging.test.ts` checks that they are.
#[test]
fn results_match_graphql_js() {
    let (cases, schema_types) = (cases(), schema_types());
    let mut counts = [0, 0];
    for case in cases["documents"].as_array().unwrap() {
        let (text, valid) = (case["document"].as_str().unwrap(), case["valid"].as_bool().unwrap());
        let result = check(&parse_query(text).unwrap(), &schema_types).map_err(|refusal| refusal.message);
        assert_eq!(result.is_ok(), valid, "{text}: {result:?}");
        counts[usize::from(valid)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}

#[test]
fn conflict_has_message_and_position() {
    let schema_types = schema_types();
    let text = "{ pet { ... on Dog { owner { x: name } } ... on Cat { owner { x: age } } } }";
    let refusal = check(&parse_query(text).unwrap(), &schema_types).unwrap_err();
    let message = "Fields \"pet\" conflict because subfields \"owner\" conflict because subfields \"x\" conflict because \
                   they return conflicting types \"String!\" and \"Int\". Use different aliases on the fields to fetch \
                   both if this was intentional.";
    assert_eq!((refusal.message.as_str(), refusal.position.map(|at| at.column)), (message, Some(63)));
}

#[test]
fn gq_02_comparisons_are_bounded() {
    let schema_types = schema_types();
    // A fragment that spreads itself is refused elsewhere. Here the comparison must terminate.
    let circle = "{ ...F } fragment F on Query { pet { name } a: query { ...F } b: query { ...F } }";
    let refusal = check(&parse_query(circle).unwrap(), &schema_types).unwrap_err();
    assert_eq!(refusal.code.as_str(), "TOO_COMPLEX");
    assert!(check(&parse_query("{ ...F } fragment F on Query { query { ...F } }").unwrap(), &schema_types).is_ok());
}
