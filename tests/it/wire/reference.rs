//! Compares our HTTP layer with the handler of async-graphql-axum that it replaces: ordinary requests get the same
//! response from both. The intended differences are explained by the other tests in this directory.

use async_graphql_axum::GraphQL;
use axum::{Router, routing::post_service};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    server::TestServer,
    toy::{self, Traces},
};

/// The toy schema behind the library's own handler.
async fn reference() -> String {
    let router = Router::new().route("/graphql", post_service(GraphQL::new(toy::schema(&Traces::default()))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/graphql")
}

#[tokio::test]
async fn ordinary_requests_get_the_same_response_as_from_async_graphql_axum() {
    let (ours, reference) = (TestServer::with(&[]).await, reference().await);
    let client = reqwest::Client::builder().build().unwrap();
    let requests = [
        json!({ "query": "{ hello }" }),
        json!({ "query": "{ a: hello b: hello }" }),
        json!({ "query": "query($t: String!) { echo(text: $t) }", "variables": { "t": "한글 \"🏊\"" } }),
        json!({ "query": "query A { hello } query B { b: hello }", "operationName": "B" }),
        json!({ "query": "{ __typename __schema { queryType { name } } }" }),
        json!({ "query": "mutation { bump }" }),
    ];
    for request in requests {
        let expected: Value = client.post(&reference).json(&request).send().await.unwrap().json().await.unwrap();
        let reply = ours.post(request.clone()).await;
        let response: Value = serde_json::from_str(&reply.text).unwrap();
        assert!(expected["errors"].is_null(), "{request}: {expected}");
        assert_eq!(response["data"], expected["data"], "{request}");
    }
}
