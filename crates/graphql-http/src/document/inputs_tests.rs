use async_graphql::{Variables, parser::parse_query};
use serde_json::{Value as Json, json};

use super::*;

const SDL: &str = "
    schema { query: Query }
    type Query {
        it(int: Int, float: Float, text: String, id: ID, yes: Boolean, sure: Int!, many: [Int!], day: Day, way: Way,
           whole: Whole, one: One): Int
    }
    scalar Day
    enum Way { UP DOWN }
    input Whole { day: Day! way: Way = UP deep: [Whole!] }
    input One @oneOf { a: String b: Int }
";

fn scalars(name: &str, value: &ConstValue) -> Option<&'static str> {
    assert_eq!(name, "Day");
    (*value != ConstValue::from("today")).then_some("not a day")
}

/// The error for `it(ARGUMENT)` in an operation with variables of any type.
fn error(argument: &str, variables: Json) -> Option<String> {
    let inputs = Inputs::read(SDL, scalars).unwrap();
    let document = parse_query(format!("query($a: Any, $b: Any, $d: Any = \"today\") {{it({argument})}}")).unwrap();
    let (_, operation) = document.operations.iter().next().unwrap();
    let variables = Variables::from_json(variables);
    let given = VariableValues::new(&operation.node, &variables).unwrap();
    crate::document::arguments::validate(&inputs, &document, &operation.node, &given)
        .err()
        .map(|refusal| refusal.message)
}

#[test]
fn tr_05_valid_values_are_accepted() {
    for (argument, variables) in [
        ("int: 1, float: 1, text: \"x\", id: 1, yes: true", json!({})),
        ("int: $a, many: $b", json!({"a": -2_147_483_648_i64, "b": [1, 2]})),
        ("many: $a, int: null", json!({"a": 1})),
        ("many: [$a]", json!({"a": 1})),
        ("int: $a, sure: 1", json!({})),
        ("day: $d, way: $a", json!({"a": "UP"})),
        ("whole: {day: $d, way: $a}", json!({})),
        ("whole: $a", json!({"a": {"day": "today", "deep": [{"day": "today", "way": null}]}})),
        ("one: {a: $a}", json!({"a": "x"})),
        ("one: $a", json!({"a": {"b": 1}})),
        // Refused by the library.
        ("unknown: 1", json!({})),
    ] {
        assert_eq!(error(argument, variables.clone()), None, "{argument} {variables}");
    }
}

#[test]
fn tr_05_errors_have_path_and_reason_but_no_value() {
    let range = "an Int is from -2147483648 to 2147483647";
    for (argument, variables, why) in [
        ("int: $a", json!({"a": 99_999_999_999_i64}), format!("int is not valid: {range}.")),
        ("int: 2147483648", json!({}), format!("int is not valid: {range}.")),
        ("int: $a", json!({"a": 1.5}), "int is not valid: expected a value of type Int.".to_owned()),
        ("text: $a", json!({"a": 1}), "text is not valid: expected a value of type String.".to_owned()),
        ("yes: $a", json!({"a": "true"}), "yes is not valid: expected a value of type Boolean.".to_owned()),
        ("sure: $a", json!({"a": null}), "sure is not valid: it is of type Int! and can't be null.".to_owned()),
        ("many: [1, $a]", json!({}), "many.1 is not valid: it is of type Int! and can't be null.".to_owned()),
        ("day: $a", json!({"a": "secret"}), "day is not valid: not a day.".to_owned()),
        ("way: SIDEWAYS", json!({}), "way is not valid: expected a value of Way: UP, DOWN.".to_owned()),
        ("whole: {day: $a}", json!({}), "whole.day is not valid: it is of type Day! and is missing.".to_owned()),
        ("whole: {day: $d, x: 1}", json!({}), "whole is not valid: Whole has no field x.".to_owned()),
        (
            "whole: $a",
            json!({"a": {"day": "today", "deep": [{"day": "today"}, {"day": 1}]}}),
            "whole.deep.1.day is not valid: not a day.".to_owned(),
        ),
        // An omitted field does not hide errors of other fields.
        ("whole: {way: $b, day: $a}", json!({"a": "x"}), "whole.day is not valid: not a day.".to_owned()),
    ] {
        assert_eq!(error(argument, variables.clone()), Some(why), "{argument} {variables}");
    }
    for (argument, variables) in [
        ("one: {a: $a}", json!({})),
        ("one: {a: $a}", json!({"a": null})),
        ("one: {a: \"x\", b: $a}", json!({})),
        ("one: {}", json!({})),
        ("one: $a", json!({"a": {"a": "x", "b": 1}})),
    ] {
        let why = "one is not valid: exactly one field of One must be set, and not to null.";
        assert_eq!(error(argument, variables.clone()).as_deref(), Some(why), "{argument} {variables}");
    }
}
