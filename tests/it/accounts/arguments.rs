//! Valid and invalid arguments of lists, the report and inputs.

use serde_json::{Value, json};

use crate::support::{Setup, TestApp};

/// Status and body of a response with `application/graphql-response+json`.
async fn strict(app: &TestApp, bearer: &str, query: &str, variables: Value) -> (u16, Value) {
    let request = app.http().post(format!("{}/graphql", app.url())).bearer_auth(bearer);
    let request = request.header("accept", "application/graphql-response+json").header("accept-language", "en");
    let response = request.json(&json!({ "query": query, "variables": variables })).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn page_has_twenty_nodes_by_default() {
    let app = Setup::new().await.with("CLIENT_SIGN_INS_PER_MINUTE", "unlimited").start().await;
    let kim = app.signed_up("kim", "+821012345678").await;
    for number in 0..20 {
        app.client_at(&format!("198.51.100.{number}")).sign_in_as("kim").await;
    }
    let sessions = async |head: &str, argument: &str, variables: Value| {
        let query = format!("query{head} {{ me {{ sessions{argument} {{ nodes {{ id }} }} }} }}");
        let data = app.client_for(&kim).data(&query, variables).await;
        data["me"]["sessions"]["nodes"].as_array().unwrap().len()
    };
    assert_eq!(sessions("", "", json!({})).await, 20);
    assert_eq!(sessions("", "(first: null)", json!({})).await, 20);
    assert_eq!(sessions("($first: Int)", "(first: $first)", json!({})).await, 20);
    assert_eq!(sessions("($first: Int)", "(first: $first)", json!({ "first": null })).await, 20);
    assert_eq!(sessions("($first: Int)", "(first: $first)", json!({ "first": 3 })).await, 3);
    assert_eq!(sessions("($first: Int! = 3)", "(first: $first)", json!({})).await, 3);
    assert_eq!(sessions("", "(first: 1000000)", json!({})).await, 21);
    app.stop().await;
}

#[tokio::test]
async fn gq_08_rejected_argument_is_named_with_its_limit() {
    let app = TestApp::start().await;
    app.signed_up("boss", "+821012345678").await;
    let admin = app.promote("boss").await;
    let report = |from: &str, to: &str, bucket: &str| {
        format!(
            "{{ verificationReport(from: \"{from}T00:00:00Z\", to: \"{to}T00:00:00Z\", bucket: {bucket}) {{ sent }} }}"
        )
    };
    for (query, english, korean) in [
        (
            "{ me { sessions(first: -1) { nodes { id } } } }".to_owned(),
            ["\"first\"", "at most 100"],
            ["\"first\"", "100개"],
        ),
        (
            "{ me { verifications(after: \"x\") { nodes { id } } } }".to_owned(),
            ["\"after\"", "cursor"],
            ["\"after\"", "커서"],
        ),
        ("{ users(after: \"zz\") { nodes { id } } }".to_owned(), ["\"after\"", "cursor"], ["\"after\"", "커서"]),
        (report("2026-03-02", "2026-03-01", "DAY"), ["\"to\"", "before \"from\""], ["\"to\"", "앞설 수 없어요"]),
        (report("2024-01-01", "2026-03-01", "DAY"), ["\"from\"", "at most 366 days"], ["\"from\"", "최대 366일"]),
        (report("2026-01-01", "2026-03-01", "HOUR"), ["\"from\"", "at most 31 days"], ["\"from\"", "최대 31일"]),
    ] {
        for (language, words) in [("en", english), ("ko", korean)] {
            let answer = app.client_for(&admin).with_language(language).execute(&query, json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{query}: {answer}");
            let message = answer["errors"][0]["message"].as_str().unwrap();
            assert!(words.iter().all(|word| message.contains(word)), "{query}: {message}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn tr_05_invalid_date_is_rejected_before_execution() {
    let app = TestApp::start().await;
    app.signed_up("boss", "+821012345678").await;
    let admin = app.promote("boss").await;
    let sign_up = "mutation($input: SignUpInput!) { signUp(input: $input) { __typename } }";
    let whole = |birth_date: Value| json!({ "input": { "proofToken": "x", "username": "kim", "password": "x", "birthDate": birth_date } });
    let report = "query($from: DateTime!, $to: DateTime!) { verificationReport(from: $from, to: $to) { sent } }";
    let users = "query($first: Int) { users(first: $first) { nodes { id } } }";
    let availability = "query($phone: String) { availability(input: { phone: $phone }) { __typename } }";
    for (query, variables, message) in [
        (sign_up, whole(json!(5)), "input.birthDate is not valid: expected a value of type String."),
        (
            report,
            json!({ "from": "2026-03-01T00:00:00Z", "to": "zz" }),
            "to is not valid: not an RFC 3339 instant such as 2026-01-31T09:30:00.000Z.",
        ),
        (
            "{ verificationReport(from: \"2026-03-01\", to: \"2026-03-01T00:00:00Z\") { sent } }",
            json!({}),
            "from is not valid: not an RFC 3339 instant such as 2026-01-31T09:30:00.000Z.",
        ),
        (
            users,
            json!({ "first": 99_999_999_999_i64 }),
            "first is not valid: an Int is from -2147483648 to 2147483647.",
        ),
        (
            availability,
            json!({}),
            "input is not valid: exactly one field of AvailabilityInput must be set, and not to null.",
        ),
    ] {
        let (status, answer) = strict(&app, &admin.access, query, variables).await;
        assert_eq!((status, answer.get("data")), (400, None), "{query}: {answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{query}");
        assert_eq!(answer["errors"][0]["message"], message, "{query}");
    }
    let (status, answer) = strict(&app, &admin.access, sign_up, whole(json!("2001-12-31"))).await;
    assert_eq!((status, &answer["data"]["signUp"]["__typename"]), (200, &json!("ProofRejected")), "{answer}");
    app.stop().await;
}

/// An invalid value that a user typed is reported for its field, dates included.
#[tokio::test]
async fn tr_05_invalid_birth_date_is_an_error_of_its_field() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    for (typed, reason) in [
        ("2026-02-30", "not_a_date"),
        ("2026-2-3", "not_a_date"),
        ("", "empty"),
        ("yesterday", "not_a_date"),
        ("2999-01-01", "in_the_future"),
    ] {
        let input = json!({ "proofToken": "x", "username": "kim", "password": "x", "birthDate": typed });
        let refused = client.sign_up(input).await;
        assert_eq!(refused["__typename"], "InvalidInput", "{refused:#}");
        let field = &refused["fields"][0];
        assert_eq!((&field["path"], &field["reason"]), (&json!("birthDate"), &json!(reason)), "{typed}");
        let identity = json!({ "name": "홍길동", "birthDate": typed, "phone": "010-1234-5678" });
        let refused = client.request_password_reset(json!({ "identity": identity })).await;
        let field = &refused["fields"][0];
        assert_eq!((&field["path"], &field["reason"]), (&json!("identity.birthDate"), &json!(reason)), "{typed}");
    }
    app.stop().await;
}

/// The keys of a response follow the order of the query, although only some fields query the database.
#[tokio::test]
async fn tr_05_keys_follow_query_order() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("boss", "+821012345678").await;
    let query = "{ me { sessions { pageInfo { hasNextPage } nodes { current } } username verifications { nodes { sendsRemaining \
                 purpose } } role } }";
    let request = app.http().post(format!("{}/graphql", app.url())).bearer_auth(&signed_in.access);
    let text = request.json(&json!({ "query": query })).send().await.unwrap().text().await.unwrap();
    let expected = r#"{"data":{"me":{"sessions":{"pageInfo":{"hasNextPage":false},"nodes":[{"current":true}]},"username":"boss","verifications":{"nodes":[{"sendsRemaining":4,"purpose":"SIGN_UP"}]},"role":"USER"}}}"#;
    assert_eq!(text, expected);
    app.stop().await;
}
