//! Content negotiation of the response (RFC 9110, section 12.5.1; GraphQL over HTTP, "Media types").

use async_graphql::parser::types::OperationType;
use axum::http::{HeaderMap, header};

use crate::service::Transport;

/// Media type of a single result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`: errors before execution also have the status 200, as older clients expect.
    Json,
    /// `application/graphql-response+json`: errors before execution have a 4xx status and no `data`.
    GraphqlResponse,
}

impl Media {
    /// The value of the `Content-Type` header.
    pub fn content_type(self) -> &'static str {
        match self {
            Media::Json => "application/json; charset=utf-8",
            Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// Form of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseForm {
    Single(Media),
    EventStream,
    Multipart,
}

impl ResponseForm {
    /// The transport of the results.
    pub fn transport(self) -> Transport {
        match self {
            ResponseForm::Single(_) => Transport::Http,
            ResponseForm::EventStream => Transport::EventStream,
            ResponseForm::Multipart => Transport::Multipart,
        }
    }
}

/// The media types that a client accepts, each with its weight (0 if not accepted).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accepts {
    json: f32,
    graphql_response: f32,
    event_stream: f32,
    multipart: f32,
}

impl Accepts {
    /// Reads the `Accept` headers. Without a header the result is JSON, for clients older than the other types. An
    /// empty list counts as no header: RFC 9110, section 12.5.1, allows it, and proxies send it.
    pub fn read(headers: &HeaderMap) -> Self {
        let mut accepts = Self::default();
        let lines = headers.get_all(header::ACCEPT);
        if lines.iter().all(|line| line.as_bytes().iter().all(|byte| matches!(byte, b',' | b' ' | b'\t'))) {
            return Self { json: 1.0, ..accepts };
        }
        let ranges = lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut weight, mut subscriptions) = (1.0_f32, false);
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name.trim().to_ascii_lowercase().as_str() {
                    "q" => weight = value.trim().parse().unwrap_or(0.0),
                    "subscriptionspec" => subscriptions = value.trim().trim_matches('"').starts_with('1'),
                    _ => {}
                }
            }
            let slot = match kind.as_str() {
                "application/json" | "application/*" | "*/*" => &mut accepts.json,
                "application/graphql-response+json" => &mut accepts.graphql_response,
                "text/event-stream" => &mut accepts.event_stream,
                // Other protocols use the same type (file uploads, `@defer`); the parameter identifies Apollo's.
                "multipart/mixed" if subscriptions => &mut accepts.multipart,
                _ => continue,
            };
            *slot = slot.max(weight.clamp(0.0, 1.0));
        }
        accepts
    }

    /// The media type of a single result, also used for errors before the form is known. None if none is accepted.
    pub fn single(self) -> Option<Media> {
        let media = if self.graphql_response >= self.json { Media::GraphqlResponse } else { Media::Json };
        (self.graphql_response.max(self.json) > 0.0).then_some(media)
    }

    /// Whether any supported form is accepted.
    pub fn anything(self) -> bool {
        self.single().is_some() || self.stream().is_some()
    }

    /// The form of the response to an operation of this kind. The response to a query is a stream only if no single result
    /// is accepted, because some clients list all types that they support in every request. None if no form is
    /// suitable, e.g. for a subscription if only single results are accepted.
    pub fn form(self, kind: OperationType) -> Option<ResponseForm> {
        match kind {
            OperationType::Subscription => self.stream(),
            OperationType::Query | OperationType::Mutation => self.single().map(ResponseForm::Single).or(self.stream()),
        }
    }

    fn stream(self) -> Option<ResponseForm> {
        let form =
            if self.event_stream >= self.multipart { ResponseForm::EventStream } else { ResponseForm::Multipart };
        (self.event_stream.max(self.multipart) > 0.0).then_some(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(accept: &str, kind: OperationType) -> Option<ResponseForm> {
        let mut headers = HeaderMap::new();
        if accept != "absent" {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        Accepts::read(&headers).form(kind)
    }

    #[test]
    fn tr_05_response_form_follows_accept_header() {
        use OperationType::{Query, Subscription};
        const JSON: Option<ResponseForm> = Some(ResponseForm::Single(Media::Json));
        const GRAPHQL: Option<ResponseForm> = Some(ResponseForm::Single(Media::GraphqlResponse));
        for (accept, kind, expected) in [
            ("absent", Query, JSON),
            ("", Query, JSON),
            (" , ,", Query, JSON),
            (",application/graphql-response+json,", Query, GRAPHQL),
            ("", Subscription, None),
            (";q=1", Query, None),
            ("*/*", Query, JSON),
            ("application/json", Query, JSON),
            ("application/graphql-response+json", Query, GRAPHQL),
            ("application/graphql-response+json,application/json;q=0.9", Query, GRAPHQL),
            ("application/json, application/graphql-response+json;q=0.5", Query, JSON),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Query, JSON),
            // urql sends one list with all types.
            (
                "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
                Query,
                GRAPHQL,
            ),
            ("text/event-stream, multipart/mixed", Subscription, Some(ResponseForm::EventStream)),
            // graphql-sse and EventSource.
            ("text/event-stream", Query, Some(ResponseForm::EventStream)),
            ("text/event-stream", Subscription, Some(ResponseForm::EventStream)),
            // Apollo Client; Apollo Router's documentation.
            (
                "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json",
                Subscription,
                Some(ResponseForm::Multipart),
            ),
            (
                "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=\"1.0\"",
                Subscription,
                Some(ResponseForm::Multipart),
            ),
            ("multipart/mixed;subscriptionSpec=1.0, application/json", Subscription, Some(ResponseForm::Multipart)),
            ("multipart/mixed;subscriptionSpec=1.0, application/json", Query, JSON),
            ("application/json", Subscription, None),
            ("text/html", Query, None),
            ("application/json;q=0", Query, None),
            ("multipart/mixed;deferSpec=20220824", Query, None),
        ] {
            assert_eq!(form(accept, kind), expected, "{accept} for {kind:?}");
        }
    }
}
