//! The parameters of a GraphQL request, parsed from a JSON body or a query string (GraphQL over HTTP, "Request").
//!
//! async-graphql-axum reads the body of an ordinary request. Bodies that it refuses, or reads differently than GraphQL
//! over HTTP has it, are read here: arrays, empty values, and whatever is an error, to name the error.

use async_graphql::Variables;
use async_graphql_axum::{GraphQLRequest, rejection::GraphQLRejection};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderValue, header},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{limit::Limit, refusal::Refusal};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The parameters of one GraphQL request: correctly typed, but not validated yet.
#[derive(Debug, Default, PartialEq)]
pub struct GraphqlRequest {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Variables,
    pub extensions: Map<String, Value>,
    /// Identifies a persisted document.
    pub document_id: Option<String>,
}

/// The content of a request body.
#[derive(Debug, PartialEq)]
pub enum RequestBody {
    One(GraphqlRequest),
    /// A non-empty array of requests.
    Batch(Vec<GraphqlRequest>),
}

impl RequestBody {
    /// Reads a JSON body, as [`RequestBody::from_json`].
    ///
    /// # Errors
    /// As [`RequestBody::from_json`].
    pub async fn read(body: Bytes, max_batch: Option<Limit>) -> Result<Self, Refusal> {
        match GraphqlRequest::extract(&body).await {
            Some(params) => Ok(RequestBody::One(params)),
            None => Self::from_json(&body, max_batch),
        }
    }

    /// Parses a JSON body. Arrays are accepted up to `max_batch` items.
    ///
    /// # Errors
    /// 400 if the body is not JSON, nested deeper than 128, or not the parameters of a GraphQL request.
    pub fn from_json(body: &[u8], max_batch: Option<Limit>) -> Result<Self, Refusal> {
        // RFC 8259, section 8.1: a byte order mark must not be sent but may be ignored. Some clients send it.
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let value = serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Refusal::malformed(format!("The body is not valid JSON at line {line}, column {column}."))
        })?;
        match (value, max_batch) {
            (Value::Object(object), _) => GraphqlRequest::from_object(object).map(RequestBody::One),
            (Value::Array(_), None) => {
                Err(Refusal::malformed("Batching is disabled: send one operation, not an array."))
            }
            (Value::Array(items), Some(limit)) => {
                if items.is_empty() || items.len() > limit.max {
                    let (max, hint) = (limit.max, limit.hint());
                    let message = format!("A batch must have 1 to {max} operations{hint}, not {}.", items.len());
                    return Err(Refusal::malformed(message));
                }
                items.into_iter().map(GraphqlRequest::from_value).collect::<Result<_, _>>().map(RequestBody::Batch)
            }
            (other, _) => GraphqlRequest::from_value(other).map(RequestBody::One),
        }
    }
}

/// The names of persisted documents. The requests of async-graphql have no fields for them.
#[derive(Deserialize)]
struct DocumentNames {
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    doc_id: Option<String>,
}

impl GraphqlRequest {
    /// The parameters of one operation, read by async-graphql-axum. None if it does not read them.
    async fn extract(body: &Bytes) -> Option<Self> {
        // It would take an array for the fields of a request, in the order of their declaration.
        if !body.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let names: DocumentNames = serde_json::from_slice(body).ok()?;
        let mut request = Request::new(Body::from(body.clone()));
        *request.method_mut() = axum::http::Method::POST;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let read = GraphQLRequest::<GraphQLRejection>::from_request(request, &()).await.ok()?.into_inner();
        // It does not distinguish a missing document from an empty one.
        let query = Some(read.query).filter(|query| !query.is_empty())?;
        let extensions = read.extensions.0.into_iter();
        let extensions =
            extensions.map(|(name, value)| Some((name, value.into_json().ok()?))).collect::<Option<_>>()?;
        let params = Self {
            query: Some(query),
            operation_name: read.operation_name,
            variables: read.variables,
            extensions,
            document_id: names.document_id,
        };
        Some(params.normalised(names.doc_id))
    }

    /// Without empty names, which clients send for none. Relay's documentation uses `doc_id` for `documentId`.
    fn normalised(mut self, doc_id: Option<String>) -> Self {
        let given = |name: Option<String>| name.filter(|name| !name.is_empty());
        self.operation_name = given(self.operation_name);
        self.document_id = given(self.document_id).or(given(doc_id));
        let named = self.document_id.is_some() || self.persisted_query().is_some();
        // Clients whose types require a query send an empty one together with the name of a document.
        self.query = self.query.filter(|query| !(named && query.trim().is_empty()));
        self
    }

    /// Parses the parameters from a JSON value.
    ///
    /// # Errors
    /// As [`GraphqlRequest::from_object`], and if the value is not an object.
    pub fn from_value(value: Value) -> Result<Self, Refusal> {
        match value {
            Value::Object(object) => Self::from_object(object),
            other => Err(Refusal::malformed(format!("A request must be a JSON object, not {}.", kind(&other)))),
        }
    }

    /// Parses the parameters from a JSON object. Null counts as absent; unknown properties are ignored.
    ///
    /// # Errors
    /// 400 if a parameter has the wrong type.
    pub fn from_object(mut object: Map<String, Value>) -> Result<Self, Refusal> {
        let params = Self {
            query: text(&mut object, "query")?,
            operation_name: text(&mut object, "operationName")?,
            variables: Variables::from_json(Value::Object(map(&mut object, "variables")?)),
            extensions: map(&mut object, "extensions")?,
            document_id: text(&mut object, "documentId")?,
        };
        Ok(params.normalised(text(&mut object, "doc_id")?))
    }

    /// Apollo's parameters of a persisted query.
    pub fn persisted_query(&self) -> Option<&Value> {
        self.extensions.get("persistedQuery").filter(|value| !value.is_null())
    }

    /// Parses the parameters from the query string of a GET request.
    ///
    /// # Errors
    /// 400 if `variables` or `extensions` are not JSON objects.
    pub fn from_query_string(query: &str) -> Result<Self, Refusal> {
        let mut object = Map::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = match &*name {
                "variables" | "extensions" if value.trim().is_empty() => Value::Null,
                "variables" | "extensions" => serde_json::from_str(&value)
                    .map_err(|_| Refusal::malformed(format!("The parameter {name} is not JSON.")))?,
                "query" | "operationName" | "documentId" | "doc_id" => Value::String(value.into_owned()),
                _ => continue,
            };
            object.insert(name.into_owned(), value);
        }
        Self::from_object(object)
    }
}

fn text(object: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Refusal::malformed(format!("{name} must be a string, not {}.", kind(&other)))),
    }
}

fn map(object: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, Refusal> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        // A query string can't express null.
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Map::new()),
        Some(other) => Err(Refusal::malformed(format!("{name} must be an object, not {}.", kind(&other)))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(body: &str) -> Result<GraphqlRequest, Refusal> {
        match RequestBody::from_json(body.as_bytes(), None)? {
            RequestBody::One(params) => Ok(params),
            RequestBody::Batch(_) => unreachable!("batching is off"),
        }
    }

    #[test]
    fn tr_01_null_is_absent_and_unknown_properties_are_ignored() {
        let params = one(r#"{"query":"{a}","operationName":null,"variables":null,"extensions":null,"id":7}"#).unwrap();
        assert_eq!(params.query.as_deref(), Some("{a}"));
        assert!(params.operation_name.is_none() && params.variables.is_empty() && params.extensions.is_empty());
    }

    #[test]
    fn tr_01_parameters_of_wrong_types_are_refused() {
        for body in [
            r#"{"query":1}"#,
            r#"{"query":["a"]}"#,
            r#"{"query":"{a}","operationName":{}}"#,
            r#"{"query":"{a}","variables":"{}"}"#,
            r#"{"query":"{a}","variables":[]}"#,
            r#"{"query":"{a}","extensions":false}"#,
            "7",
            "null",
            "\"{a}\"",
        ] {
            assert_eq!(one(body).unwrap_err().status.unwrap(), 400, "{body}");
        }
    }

    #[test]
    fn tr_01_empty_values_are_absent() {
        let params =
            one("\u{feff}{\"query\":\"{a}\",\"variables\":\"\",\"extensions\":\" \",\"documentId\":\"\"}").unwrap();
        assert_eq!(params.query.as_deref(), Some("{a}"));
        assert!(params.variables.is_empty() && params.extensions.is_empty() && params.document_id.is_none());
        assert!(one("\u{feff}\u{feff}{\"query\":\"{a}\"}").is_err());
        for named in [r#""documentId":"x""#, r#""doc_id":"x""#, r#""extensions":{"persistedQuery":{}}"#] {
            let params = one(&format!(r#"{{"query":" \n",{named}}}"#)).unwrap();
            assert!(params.query.is_none(), "{named}");
        }
        assert!(one(r#"{"query":"","extensions":{"persistedQuery":null}}"#).unwrap().query.is_some());
    }

    #[test]
    fn gq_01_deep_json_is_refused() {
        let deep = format!(r#"{{"query":"{{a}}","variables":{{"v":{}"#, "[".repeat(100_000));
        assert_eq!(one(&deep).unwrap_err().status.unwrap(), 400);
    }

    #[test]
    fn gq_06_arrays_are_off_or_bounded() {
        let array = |count| format!("[{}]", vec![r#"{"query":"{a}"}"#; count].join(","));
        assert!(RequestBody::from_json(array(2).as_bytes(), None).is_err());
        assert!(
            matches!(RequestBody::from_json(array(3).as_bytes(), Some(Limit::fixed(3))), Ok(RequestBody::Batch(batch_requests)) if batch_requests.len() == 3)
        );
        assert!(RequestBody::from_json(array(4).as_bytes(), Some(Limit::fixed(3))).is_err());
        assert!(RequestBody::from_json(b"[]", Some(Limit::fixed(3))).is_err());
    }

    #[test]
    fn tr_02_a_query_string_carries_all_parameters() {
        let params = GraphqlRequest::from_query_string(
            "query=query%20A%7Ba%7D&operationName=A&variables=%7B%22x%22%3A1%7D&extensions=%7B%22e%22%3A2%7D&_=9",
        )
        .unwrap();
        assert_eq!(params.query.as_deref(), Some("query A{a}"));
        assert_eq!(params.operation_name.as_deref(), Some("A"));
        assert_eq!(params.variables.len(), 1);
        assert_eq!(params.extensions["e"], 2);
        assert!(GraphqlRequest::from_query_string("query=%7Ba%7D&variables=nope").is_err());
    }

    /// What a parameter can be: right, empty, or of a wrong type.
    fn parameter() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "null",
            "\"\"",
            "\" \"",
            "\"{a}\"",
            "\"x\"",
            "{}",
            r#"{"a":1,"b":[null,true,1.5e3,18446744073709551615,{"c":"d"}]}"#,
            r#"{"persistedQuery":{"version":1,"sha256Hash":"x"}}"#,
            "[]",
            "[\"{a}\"]",
            "5",
        ])
    }

    fn body() -> impl Strategy<Value = String> {
        let name = prop::sample::select(vec![
            "query",
            "operationName",
            "variables",
            "extensions",
            "documentId",
            "doc_id",
            "x",
        ]);
        let pairs = prop::collection::vec((name, parameter()), 0..6);
        let object = pairs.prop_map(|pairs| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", pairs.join(","))
        });
        (prop::sample::select(vec!["", " ", "\u{feff}", "["]), object, prop::sample::select(vec!["", "]", "x"]))
            .prop_map(|(before, object, after)| format!("{before}{object}{after}"))
    }

    #[tokio::test]
    async fn ordinary_body_is_read_by_the_library() {
        for text in [
            r#"{"query":"{a}"}"#,
            r#"{"query":"{a}","variables":null,"extensions":null,"operationName":null}"#,
            r#"{"operationName":"A","query":"query A{a}","variables":{"x":[1]},"extensions":{"clientLibrary":{}},"id":1}"#,
        ] {
            assert!(GraphqlRequest::extract(&Bytes::from_static(text.as_bytes())).await.is_some(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn body_is_read_in_one_way(text in body()) {
            let read = RequestBody::read(text.clone().into(), Some(Limit::fixed(3)));
            let read = futures_util::FutureExt::now_or_never(read).unwrap();
            let parsed = RequestBody::from_json(text.as_bytes(), Some(Limit::fixed(3)));
            prop_assert_eq!(read.map_err(|refusal| refusal.message), parsed.map_err(|refusal| refusal.message));
        }

        #[test]
        fn fz_01_any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = RequestBody::from_json(&body, Some(Limit::fixed(5)));
            let _ = GraphqlRequest::from_query_string(&String::from_utf8_lossy(&body));
        }
    }
}
