use async_graphql::{ServerError, parser::parse_query, value};

use super::*;

const SDL: &str = "schema { query: Query }
    type Query { a: A, sure: A!, list: [A!], mixed: [A]!, either: Either, name: String! }
    type A { a: A, sure: A!, maybe: String, name: String! }
    type B { other: String! }
    union Either = A | B";

/// The corrected data, for the library's data and the paths of failed fields.
fn corrected(document: &str, data: Value, failed: &[&str]) -> Value {
    let error = |path: &&str| {
        let segment =
            |part: &str| part.parse().map_or_else(|_| PathSegment::Field(part.to_owned()), PathSegment::Index);
        ServerError { path: path.split('.').map(segment).collect(), ..ServerError::new("failed", None) }
    };
    let mut response = Response::new(data);
    response.errors = failed.iter().map(error).collect();
    SchemaTypes::read(SDL).unwrap().fill_nulls(&mut response, &parse_query(document).unwrap(), None);
    response.data
}

#[test]
fn failed_nullable_field_is_null() {
    assert_eq!(
        corrected("{a {maybe name}}", value!({"a": {"name": "x"}}), &["a.maybe"]),
        value!({"a": {"name": "x", "maybe": null}})
    );
    assert_eq!(corrected("{a {maybe}}", value!({"a": null}), &["a.maybe"]), value!({"a": {"maybe": null}}));
    assert_eq!(corrected("{a {maybe}}", value!(null), &["a.maybe"]), value!({"a": {"maybe": null}}));
}

#[test]
fn null_propagates_to_nearest_nullable_parent() {
    assert_eq!(corrected("{a {name maybe}}", value!({"a": {"maybe": "x"}}), &["a.name"]), value!({"a": null}));
    let deep = value!({"a": {"sure": {"maybe": "x"}, "maybe": "y"}});
    assert_eq!(corrected("{a {sure {sure {name} maybe} maybe}}", deep, &["a.sure.sure.name"]), value!({"a": null}));
    assert_eq!(corrected("{name a {maybe}}", value!({"a": {"maybe": "x"}}), &["name"]), value!(null));
}

#[test]
fn errors_in_lists_propagate_through_items() {
    let lists = || value!({"list": [{"maybe": "x"}, {"maybe": "y"}], "mixed": [{"maybe": "x"}, {"maybe": "y"}]});
    assert_eq!(
        corrected("{list {name maybe} mixed {name maybe}}", lists(), &["list.1.name", "mixed.0.name"]),
        value!({"list": null, "mixed": [null, {"maybe": "y"}]})
    );
}

#[test]
fn several_errors_do_not_hide_each_other() {
    let document = "{a {maybe x: name} sure {maybe}}";
    assert_eq!(
        corrected(document, value!({"sure": null}), &["a.x", "a.maybe", "sure.maybe"]),
        value!({"a": null, "sure": {"maybe": null}})
    );
    assert_eq!(
        corrected(document, value!({"sure": null}), &["a.maybe", "a.x", "sure.maybe"]),
        value!({"a": null, "sure": {"maybe": null}})
    );
}

#[test]
fn fields_are_found_through_fragments_and_aliases() {
    let document = "{either {__typename ... on B {o: other} ...F}} fragment F on A {n: name a {maybe}}";
    assert_eq!(corrected(document, value!({"either": {"__typename": "B"}}), &["either.o"]), value!({"either": null}));
    assert_eq!(
        corrected(document, value!({"either": {"__typename": "A", "n": "x"}}), &["either.a"]),
        value!({"either": {"__typename": "A", "n": "x", "a": null}})
    );
}

#[test]
fn object_without_selected_fields_is_empty() {
    let skipped = "{sure {maybe @skip(if: true)}}";
    assert_eq!(corrected(skipped, value!({"sure": null}), &[]), value!({"sure": {}}));
    assert_eq!(corrected("{sure @skip(if: true) {maybe}}", value!(null), &[]), value!({}));
    let below = "{a {sure {sure {...F}} maybe}} fragment F on A {name @include(if: false)}";
    let data = value!({"a": {"sure": {"sure": null}, "maybe": null}});
    assert_eq!(corrected(below, data, &[]), value!({"a": {"sure": {"sure": {}}, "maybe": null}}));
    let list = "{list {name @skip(if: true)} mixed {name @skip(if: true)}}";
    let data = value!({"list": [null, null], "mixed": [null]});
    assert_eq!(corrected(list, data, &[]), value!({"list": [{}, {}], "mixed": [null]}));
}

#[test]
fn nullable_values_stay_null() {
    assert_eq!(
        corrected("{a {maybe} list {name}}", value!({"a": null, "list": null}), &[]),
        value!({"a": null, "list": null})
    );
    assert_eq!(corrected("{a {maybe}}", value!({"a": {"maybe": null}}), &[]), value!({"a": {"maybe": null}}));
}

#[test]
fn error_and_empty_object_are_handled_together() {
    let document = "{sure {x: maybe @skip(if: true)} a {maybe name}}";
    assert_eq!(
        corrected(document, value!({"sure": null, "a": {"name": "x"}}), &["a.maybe"]),
        value!({"sure": {}, "a": {"name": "x", "maybe": null}})
    );
    assert_eq!(corrected("{sure {name}}", value!({"sure": {}}), &["sure.name"]), value!(null));
}
