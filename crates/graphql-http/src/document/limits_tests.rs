use std::fmt::Write;

use async_graphql::{Value, parser::parse_query};
use proptest::prelude::*;

use super::*;

fn defaults() -> DocumentLimits {
    DocumentLimits {
        bytes: Limit::fixed(16_384),
        tokens: Limit::fixed(2_000),
        operations: Limit::fixed(20),
        depth: Limit::fixed(10),
        complexity: Limit::named(200, "MAX_COMPLEXITY"),
        aliases: Limit::fixed(10),
        root_mutations: Limit::fixed(1),
        directives: Limit::fixed(5),
    }
}

/// Ok with whether the document introspects, else the exceeded limit and its value.
fn cost(text: &str) -> Result<bool, (String, u64)> {
    match analyze(&parse_query(text).unwrap(), &defaults()) {
        Ok(cost) => Ok(cost.introspects),
        Err(refusal) => {
            let fact = |name| refusal.extensions.iter().find(|(fact, _)| *fact == name).map(|(_, value)| value.clone());
            let limit = match fact("limit") {
                Some(Value::String(limit)) => limit,
                _ => refusal.code.as_str().to_owned(),
            };
            let value = match fact("value") {
                Some(Value::Number(value)) => value.as_u64().unwrap(),
                _ => 0,
            };
            Err((limit, value))
        }
    }
}

fn nested(depth: usize) -> String {
    format!("{}{}", "{a".repeat(depth), "}".repeat(depth))
}

#[test]
fn gq_01_depth_is_counted_in_fields() {
    assert_eq!(cost(&nested(10)), Ok(false));
    assert_eq!(cost(&nested(11)), Err(("depth".to_owned(), 11)));
    assert_eq!(cost("{a ...F} fragment F on Q {b{c{d{e{f{g{h{i{j{k}}}}}}}}}}"), Ok(false));
    assert_eq!(cost("{a{...F}} fragment F on Q {b{c{d{e{f{g{h{i{j{k}}}}}}}}}}"), Err(("depth".to_owned(), 11)));
}

#[test]
fn gq_02_chained_fragments_are_counted_in_linear_time() {
    let mut text = String::from("{...F0}");
    for n in 0..29 {
        let _ = write!(text, " fragment F{n} on Q {{...F{} ...F{}}}", n + 1, n + 1);
    }
    text.push_str(" fragment F29 on Q {a}");
    let started = std::time::Instant::now();
    assert!(matches!(cost(&text), Err((limit, _)) if limit == "complexity"));
    assert!(started.elapsed().as_millis() < 500);
}

#[test]
fn gq_02_wide_fragments_are_counted_in_linear_time() {
    let spreads = |name: &str| format!("...{name} ").repeat(200);
    let (a, b, c) = (spreads("A"), spreads("B"), spreads("C"));
    let text = format!("{{{a}}} fragment A on Q {{{b}}} fragment B on Q {{{c}}} fragment C on Q {{x}}");
    assert!(matches!(cost(&text), Err((limit, _)) if limit == "complexity"));
}

#[test]
fn gq_02_unused_exponential_fragments_are_refused() {
    let mut text = String::from("{a}");
    for n in 0..20 {
        let _ = write!(text, " fragment F{n} on Q {{...F{} ...F{}}}", n + 1, n + 1);
    }
    text.push_str(" fragment F20 on Q {a}");
    assert!(cost(&text).is_err());
}

#[test]
fn long_fragment_chain_exceeds_level_limit() {
    let mut text = String::from("{...F0}");
    for n in 0..100 {
        let _ = write!(text, " fragment F{n} on Q {{...F{}}}", n + 1);
    }
    text.push_str(" fragment F100 on Q {a}");
    assert_eq!(cost(&text).unwrap_err().0, "nesting of selections");
}

#[test]
fn gq_01_recursive_fragment_is_refused() {
    assert_eq!(cost("{...A} fragment A on Q {...B} fragment B on Q {...A}").unwrap_err().0, "BAD_REQUEST");
    assert_eq!(cost("{a} fragment A on Q {b {...A}}").unwrap_err().0, "BAD_REQUEST");
}

#[test]
fn gq_02_aliases_and_duplicates_are_bounded() {
    let many = |count: usize, field: &str| (0..count).map(|n| field.replace('#', &n.to_string())).collect::<String>();
    assert_eq!(cost(&format!("{{{}}}", many(10, "a#: x "))), Ok(false));
    assert_eq!(cost(&format!("{{{}}}", many(11, "a#: x "))), Err(("number of aliases".to_owned(), 11)));
    assert_eq!(cost(&format!("{{{}}}", many(201, "x "))), Err(("complexity".to_owned(), 201)));
    let fragments = "{...F ...F ...F} fragment F on Q {a: x b: x c: x d: x}";
    assert_eq!(cost(fragments), Err(("number of aliases".to_owned(), 12)));
}

#[test]
fn bf_04_one_mutation_per_operation() {
    assert_eq!(cost("mutation {__typename confirm}"), Ok(false));
    assert_eq!(cost("mutation A {a} mutation B {b}"), Ok(false));
    assert_eq!(cost("mutation {a: confirm b: confirm}"), Err(("number of mutations".to_owned(), 2)));
    assert_eq!(cost("mutation {...F ...F} fragment F on M {confirm}"), Err(("number of mutations".to_owned(), 2)));
    assert_eq!(cost("mutation {... on M {confirm} ... {signIn}}"), Err(("number of mutations".to_owned(), 2)));
}

#[test]
fn gq_02_fragments_with_undefined_spreads_are_counted() {
    let mut text = String::from("{...F0}");
    for n in 0..22 {
        let _ = write!(text, " fragment F{n} on Q {{...F{} ...F{}}}", n + 1, n + 1);
    }
    assert!(matches!(cost(&text), Err((limit, _)) if limit == "complexity"));
}

#[test]
fn refusal_names_the_setting_and_is_deterministic() {
    let mut text = String::from("{...F0}");
    for n in 0..23 {
        let _ = write!(text, " fragment F{n} on Q {{...F{} ...F{}}}", n + 1, n + 1);
    }
    text.push_str(" fragment F23 on Q {a}");
    for spread in [text.as_str(), text.trim_start_matches("{...F0}")] {
        // Without an operation that spreads them, they are analyzed separately.
        let text = if spread == text { text.clone() } else { format!("{{a}}{spread}") };
        for _ in 0..8 {
            let refusal = analyze(&parse_query(&text).unwrap(), &defaults()).unwrap_err();
            let message = "The complexity of this document is 8388608; at most 200 is allowed (MAX_COMPLEXITY).";
            assert_eq!(refusal.message, message);
        }
    }
}

#[test]
fn subscription_must_have_one_field() {
    assert!(
        analyze(&parse_query("subscription {__typename}").unwrap(), &defaults())
            .unwrap_err()
            .message
            .contains("__typename")
    );
    assert_eq!(cost("subscription {a __typename}").unwrap_err().0, "BAD_REQUEST");
    assert_eq!(cost("subscription {a}"), Ok(false));
    assert_eq!(cost("subscription {a b: a}").unwrap_err().0, "BAD_REQUEST");
    assert_eq!(cost("subscription {...F} fragment F on S {a b}").unwrap_err().0, "BAD_REQUEST");
}

#[test]
fn gq_03_directives_are_limited_at_every_location() {
    let many = "@x ".repeat(6);
    for text in [
        format!("{{a {many}}}"),
        format!("query {many} {{a}}"),
        format!("query ($v: Int {many}) {{a}}"),
        format!("{{... {many} {{a}}}}"),
        format!("{{...F {many}}} fragment F on Q {{a}}"),
        format!("{{...F}} fragment F on Q {many} {{a}}"),
    ] {
        assert_eq!(cost(&text), Err(("number of directives in one place".to_owned(), 6)), "{text}");
    }
}

#[test]
fn operations_are_limited() {
    let text: String = (0..21).map(|n| format!("query Q{n} {{a}} ")).collect();
    assert_eq!(cost(&text), Err(("number of operations".to_owned(), 21)));
}

/// All that tools query of a schema at once: the fields of the introspection queries of GraphiQL, codegen and
/// graphql-js.
fn introspection() -> String {
    let of_type = (0..9).fold("kind name".to_owned(), |below, _| format!("kind name ofType {{{below}}}"));
    format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{name kind}} mutationType {{name kind}}
           subscriptionType {{name kind}} types {{...Whole}}
           directives {{name description isRepeatable locations args(includeDeprecated: true) {{...Input}}}} }} }}
         fragment Whole on __Type {{ kind name description specifiedByURL isOneOf
           fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{...Input}}
             type {{...Ref}} isDeprecated deprecationReason }}
           inputFields(includeDeprecated: true) {{...Input}} interfaces {{...Ref}}
           enumValues(includeDeprecated: true) {{name description isDeprecated deprecationReason}}
           possibleTypes {{...Ref}} }}
         fragment Input on __InputValue {{ name description type {{...Ref}} defaultValue isDeprecated deprecationReason }}
         fragment Ref on __Type {{ {of_type} }}"
    )
}

#[test]
fn introspection_query_passes_default_limits() {
    assert_eq!(cost(&introspection()), Ok(true));
}

/// Queries of Apollo Kotlin, Altair and others that detect what a server supports.
fn probes(count: usize, below: &str) -> String {
    let probes: String = (0..count).map(|n| format!("t{n}: __type(name: \"T{n}\") {{ {below} }} ")).collect();
    format!("{{ {probes} }}")
}

#[test]
fn introspection_is_charged_once_per_operation() {
    let below = "fields { name args { name } }";
    assert_eq!(cost(&probes(10, below)), Ok(true));
    assert_eq!(cost(&probes(10, below).replacen('{', &format!("{{{} ", "x ".repeat(150)), 1)), Ok(true));
    let more = probes(1, below).replacen('{', &format!("{{{} ", "x ".repeat(151)), 1);
    assert_eq!(cost(&more), Err(("complexity".to_owned(), 201)));
    // Two operations, and a fragment.
    assert_eq!(
        cost("query A {__schema {description}} query B {...F} fragment F on Q {__schema {description}}"),
        Ok(true)
    );
    assert_eq!(cost(&format!("{{a}} fragment F on Q {}", probes(5, below))), Ok(false));
}

#[test]
fn gq_01_introspection_of_an_operation_is_limited() {
    let wide = format!("fields {{ {} }}", "name ".repeat(90));
    assert_eq!(cost(&probes(5, &wide)), Ok(true));
    assert_eq!(cost(&probes(6, &wide)), Err(("complexity of introspection".to_owned(), 552)));
    let spread = "{...F ...F ...F} fragment F on Q {__schema {types {...T}}} fragment T on __Type {";
    let spread = format!("{spread}{}}}", "name ".repeat(170));
    assert_eq!(cost(&spread), Err(("complexity of introspection".to_owned(), 516)));
    let deep = format!("fields {{ type {{ {}name{} }} }}", "ofType {".repeat(18), "}".repeat(18));
    assert_eq!(cost(&probes(1, &deep)), Err(("depth of introspection".to_owned(), 21)));
}

#[test]
fn gq_01_circular_introspection_is_refused() {
    let text = "{__schema{types{fields{type{fields{type{fields{type{name}}}}}}}}}";
    assert_eq!(cost(text), Err(("nesting of lists in introspection".to_owned(), 3)));
    let hidden = "{...R} fragment R on Q {__type(name: \"A\") {...T}} fragment T on __Type \
                  {fields{type{interfaces{possibleTypes{name}}}}}";
    assert_eq!(cost(hidden), Err(("nesting of lists in introspection".to_owned(), 3)));
}

/// A small random document: fields, inline fragments and spreads of three fragments, without cycles.
fn document() -> impl Strategy<Value = String> {
    fn set(depth: u32, fragments: usize) -> BoxedStrategy<String> {
        let field = prop::sample::select(vec!["a".to_owned(), "b: a".to_owned()]);
        let spread =
            (0..fragments.max(1)).prop_map(move |n| if fragments == 0 { "c".to_owned() } else { format!("...F{n}") });
        if depth == 0 {
            return prop::collection::vec(prop_oneof![field, spread], 1..4).prop_map(|items| items.join(" ")).boxed();
        }
        let below = set(depth - 1, fragments).prop_map(|below| format!("d {{{below}}}"));
        let inline = set(depth - 1, fragments).prop_map(|below| format!("... {{{below}}}"));
        prop::collection::vec(prop_oneof![field, spread, below, inline], 1..4).prop_map(|items| items.join(" ")).boxed()
    }
    (set(2, 3), set(1, 0), set(1, 1), set(1, 2)).prop_map(|(query, zero, one, two)| {
        format!("{{{query}}} fragment F0 on Q {{{zero}}} fragment F1 on Q {{{one}}} fragment F2 on Q {{{two}}}")
    })
}

/// Fields and aliases by walking the whole document, as the library does.
fn walk(document: &ExecutableDocument, set: &SelectionSet) -> (usize, usize) {
    let parts = set.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => {
            let (fields, aliases) = walk(document, &field.node.selection_set.node);
            (fields + 1, aliases + usize::from(field.node.alias.is_some()))
        }
        Selection::InlineFragment(inline) => walk(document, &inline.node.selection_set.node),
        Selection::FragmentSpread(spread) => {
            walk(document, &document.fragments[&spread.node.fragment_name.node].node.selection_set.node)
        }
    });
    parts.fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

proptest! {
    #[test]
    fn weight_equals_result_of_full_walk(text in document()) {
        let document = parse_query(&text).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let limits = DocumentLimits { complexity: Limit::fixed(usize::MAX), aliases: Limit::fixed(usize::MAX), ..defaults() };
        let mut analyzer = CostAnalyzer { document: &document, limits: &limits, fragments: HashMap::new() };
        let weight = analyzer.selection_set(&operation.node.selection_set.node, 0).unwrap();
        prop_assert_eq!((weight.fields, weight.aliases), walk(&document, &operation.node.selection_set.node));
    }
}
