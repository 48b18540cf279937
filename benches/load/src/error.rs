//! Errors of operations, by kind.

use serde_json::Value;

/// The kind of an error, by which errors are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadError(pub String);

impl LoadError {
    pub fn new(kind: impl Into<String>) -> Self {
        Self(kind.into())
    }

    /// The error in a response: a GraphQL error, or a refusal in `field`.
    pub fn in_response(response: &Value, field: &str) -> Option<Self> {
        if let Some(error) = response["errors"].get(0) {
            return Some(Self::new(error["extensions"]["code"].as_str().unwrap_or("error_without_code")));
        }
        let answer = &response["data"][field];
        match answer["code"].as_str() {
            Some(code) => Some(Self::new(code)),
            None if answer.is_null() => Some(Self::new("no_data")),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn distinguishes_refusals_errors_and_missing_data() {
        let kind = |response: Value| LoadError::in_response(&response, "send").map(|error| error.0);
        assert_eq!(kind(json!({"data": {"send": {"verification": {}}}})), None);
        assert_eq!(kind(json!({"data": {"send": {"code": "QUOTA_EXCEEDED"}}})).unwrap(), "QUOTA_EXCEEDED");
        let failed = json!({"errors": [{"extensions": {"code": "UNAVAILABLE"}}], "data": null});
        assert_eq!(kind(failed).unwrap(), "UNAVAILABLE");
        assert_eq!(kind(json!({"data": null})).unwrap(), "no_data");
    }
}
