//! The parameters of a GraphQL request, parsed from a JSON body or a query string (GraphQL over HTTP, "Request").

use async_graphql::Variables;
use serde_json::{Map, Value};

use crate::{refusal::Refusal, settings::Limit};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The parameters of one GraphQL request: correctly typed, but not validated yet.
#[derive(Debug, Default)]
pub struct GraphqlRequest {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Variables,
    pub extensions: Map<String, Value>,
    /// Identifies a persisted document.
    pub document_id: Option<String>,
}

/// The content of a request body.
#[derive(Debug)]
pub enum RequestBody {
    One(GraphqlRequest),
    /// A non-empty array of requests.
    Batch(Vec<GraphqlRequest>),
}

impl RequestBody {
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
                if items.is_empty() || items.len() > limit.most {
                    let (most, hint) = (limit.most, limit.hint());
                    let message = format!("A batch must have 1 to {most} operations{hint}, not {}.", items.len());
                    return Err(Refusal::malformed(message));
                }
                items.into_iter().map(GraphqlRequest::from_value).collect::<Result<_, _>>().map(RequestBody::Batch)
            }
            (other, _) => GraphqlRequest::from_value(other).map(RequestBody::One),
        }
    }
}

impl GraphqlRequest {
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
        let mut name = |parameter| text(&mut object, parameter).map(|name| name.filter(|name| !name.is_empty()));
        // GraphiQL sends an empty name if there is none.
        let (operation_name, document_id, doc_id) = (name("operationName")?, name("documentId")?, name("doc_id")?);
        let mut ask = Self {
            query: text(&mut object, "query")?,
            operation_name,
            variables: Variables::from_json(Value::Object(map(&mut object, "variables")?)),
            extensions: map(&mut object, "extensions")?,
            // Relay's documentation uses `doc_id`.
            document_id: document_id.or(doc_id),
        };
        let named = ask.document_id.is_some() || ask.persisted_query().is_some();
        // Clients whose types require a query send an empty one together with the name of a document.
        ask.query = ask.query.filter(|query| !(named && query.trim().is_empty()));
        Ok(ask)
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
            RequestBody::One(ask) => Ok(ask),
            RequestBody::Batch(_) => unreachable!("batching is off"),
        }
    }

    #[test]
    fn tr_01_null_is_absent_and_unknown_properties_are_ignored() {
        let ask = one(r#"{"query":"{a}","operationName":null,"variables":null,"extensions":null,"id":7}"#).unwrap();
        assert_eq!(ask.query.as_deref(), Some("{a}"));
        assert!(ask.operation_name.is_none() && ask.variables.is_empty() && ask.extensions.is_empty());
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
        let ask =
            one("\u{feff}{\"query\":\"{a}\",\"variables\":\"\",\"extensions\":\" \",\"documentId\":\"\"}").unwrap();
        assert_eq!(ask.query.as_deref(), Some("{a}"));
        assert!(ask.variables.is_empty() && ask.extensions.is_empty() && ask.document_id.is_none());
        assert!(one("\u{feff}\u{feff}{\"query\":\"{a}\"}").is_err());
        for named in [r#""documentId":"x""#, r#""doc_id":"x""#, r#""extensions":{"persistedQuery":{}}"#] {
            let ask = one(&format!(r#"{{"query":" \n",{named}}}"#)).unwrap();
            assert!(ask.query.is_none(), "{named}");
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
            matches!(RequestBody::from_json(array(3).as_bytes(), Some(Limit::fixed(3))), Ok(RequestBody::Batch(asks)) if asks.len() == 3)
        );
        assert!(RequestBody::from_json(array(4).as_bytes(), Some(Limit::fixed(3))).is_err());
        assert!(RequestBody::from_json(b"[]", Some(Limit::fixed(3))).is_err());
    }

    #[test]
    fn tr_02_a_query_string_carries_all_parameters() {
        let ask = GraphqlRequest::from_query_string(
            "query=query%20A%7Ba%7D&operationName=A&variables=%7B%22x%22%3A1%7D&extensions=%7B%22e%22%3A2%7D&_=9",
        )
        .unwrap();
        assert_eq!(ask.query.as_deref(), Some("query A{a}"));
        assert_eq!(ask.operation_name.as_deref(), Some("A"));
        assert_eq!(ask.variables.len(), 1);
        assert_eq!(ask.extensions["e"], 2);
        assert!(GraphqlRequest::from_query_string("query=%7Ba%7D&variables=nope").is_err());
    }

    proptest! {
        #[test]
        fn fz_01_any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = RequestBody::from_json(&body, Some(Limit::fixed(5)));
            let _ = GraphqlRequest::from_query_string(&String::from_utf8_lossy(&body));
        }
    }
}
