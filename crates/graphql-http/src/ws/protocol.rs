//! The messages of both subprotocols (github.com/enisdenjo/graphql-ws, PROTOCOL.md; and apollographql's
//! subscriptions-transport-ws, PROTOCOL.md), and the close codes.

use std::str::FromStr;

use async_graphql::http::WebSocketProtocols;
use serde_json::{Map, Value, json};

use crate::response::ExecutionResult;

/// Maximum length in bytes of an operation's id, which is kept as long as the operation runs. Clients use counters or
/// UUIDs.
const MAX_ID: usize = 256;

/// The subprotocol of a socket. The names are misleading: the newer protocol belongs to the library graphql-ws, and the
/// older one is called `graphql-ws` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// `graphql-transport-ws`.
    Transport,
    /// `graphql-ws`, of subscriptions-transport-ws.
    Legacy,
}

impl From<WebSocketProtocols> for Subprotocol {
    fn from(protocol: WebSocketProtocols) -> Self {
        match protocol {
            WebSocketProtocols::GraphQLWS => Self::Transport,
            WebSocketProtocols::SubscriptionsTransportWS => Self::Legacy,
        }
    }
}

/// A message of a client.
#[derive(Debug, PartialEq)]
pub enum ClientMessage {
    Init(Map<String, Value>),
    Ping(Option<Value>),
    Pong,
    Subscribe { id: String, payload: Value },
    Complete { id: String },
    Terminate,
}

/// Why a socket is closed: code and reason. Clients do not retry after 4400, 4401, 4409, 4429, 1002 and 1011. They do
/// retry after 1001, 1012, 1013, 4403 and 4408, with new connection parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The client terminated the connection.
    Normal,
    /// The server is stopping.
    GoingAway,
    ProtocolError,
    InvalidUtf8,
    RateExceeded,
    TooLarge,
    /// The account has reached its limit of sockets. Clients should retry with increasing delays, because the limit is
    /// no longer reached once another tab is closed: 1013 is "try again later" in IANA's registry. 4429 means a second
    /// `connection_init`, a client error, after which clients do not retry.
    TryAgainLater,
    Invalid,
    NotAcknowledged,
    Forbidden,
    InitTimeout,
    Duplicate,
    TooManyInits,
}

impl Close {
    pub fn code(self) -> u16 {
        match self {
            Close::Normal => 1000,
            Close::GoingAway => 1001,
            Close::ProtocolError => 1002,
            Close::InvalidUtf8 => 1007,
            Close::RateExceeded => 1008,
            Close::TooLarge => 1009,
            Close::TryAgainLater => 1013,
            Close::Invalid => 4400,
            Close::NotAcknowledged => 4401,
            Close::Forbidden => 4403,
            Close::InitTimeout => 4408,
            Close::Duplicate => 4409,
            Close::TooManyInits => 4429,
        }
    }

    pub fn reason(self) -> &'static str {
        match self {
            Close::Normal => "Normal closure",
            Close::GoingAway => "The server is stopping",
            Close::ProtocolError => "Protocol error",
            Close::InvalidUtf8 => "Text is UTF-8",
            Close::RateExceeded => "Too many messages",
            Close::TooLarge => "Message too large",
            Close::TryAgainLater => "Too many sockets",
            Close::Invalid => "Invalid message received",
            Close::NotAcknowledged => "Unauthorized",
            Close::Forbidden => "Forbidden",
            Close::InitTimeout => "Connection initialisation timeout",
            Close::Duplicate => "Subscriber for this id already exists",
            Close::TooManyInits => "Too many initialisation requests",
        }
    }
}

impl Subprotocol {
    /// The first of the offered names that is supported: clients list them in their order of preference.
    pub fn negotiate<'a>(mut offered: impl Iterator<Item = &'a str>) -> Option<Self> {
        offered.find_map(|name| {
            let protocol = WebSocketProtocols::from_str(name).ok()?;
            // The library ignores case. A client compares the name in the response exactly (RFC 6455, section 4.1).
            (protocol.sec_websocket_protocol() == name).then_some(protocol.into())
        })
    }

    /// The name in `Sec-WebSocket-Protocol`.
    pub fn name(self) -> &'static str {
        match self {
            Subprotocol::Transport => WebSocketProtocols::GraphQLWS,
            Subprotocol::Legacy => WebSocketProtocols::SubscriptionsTransportWS,
        }
        .sec_websocket_protocol()
    }

    /// Parses a message. None if the subprotocol does not have it.
    pub fn read(self, text: &str) -> Option<ClientMessage> {
        let Value::Object(mut message) = serde_json::from_str(text).ok()? else { return None };
        let Some(Value::String(kind)) = message.remove("type") else { return None };
        let payload = message.remove("payload").filter(|payload| !payload.is_null());
        let id = match message.remove("id") {
            Some(Value::String(id)) if (1..=MAX_ID).contains(&id.len()) => Some(id),
            _ => None,
        };
        Some(match (self, kind.as_str(), id, payload) {
            (_, "connection_init", _, None) => ClientMessage::Init(Map::new()),
            (_, "connection_init", _, Some(Value::Object(payload))) => ClientMessage::Init(payload),
            (Subprotocol::Transport, "ping", _, payload @ (None | Some(Value::Object(_)))) => {
                ClientMessage::Ping(payload)
            }
            (Subprotocol::Transport, "pong", _, None | Some(Value::Object(_))) => ClientMessage::Pong,
            (Subprotocol::Transport, "subscribe", Some(id), Some(payload @ Value::Object(_)))
            | (Subprotocol::Legacy, "start", Some(id), Some(payload @ Value::Object(_))) => {
                ClientMessage::Subscribe { id, payload }
            }
            (Subprotocol::Transport, "complete", Some(id), _) | (Subprotocol::Legacy, "stop", Some(id), _) => {
                ClientMessage::Complete { id }
            }
            (Subprotocol::Legacy, "connection_terminate", _, _) => ClientMessage::Terminate,
            _ => return None,
        })
    }

    pub fn ack(self) -> &'static str {
        r#"{"type":"connection_ack"}"#
    }

    /// Keep-alive message, sent in addition to WebSocket ping frames: older clients expect it and otherwise consider
    /// the server dead.
    pub fn keep_alive(self) -> Option<&'static str> {
        (self == Subprotocol::Legacy).then_some(r#"{"type":"ka"}"#)
    }

    /// Reply to a refused `connection_init`, sent before the socket is closed.
    pub fn init_refused(self) -> Option<&'static str> {
        (self == Subprotocol::Legacy).then_some(r#"{"type":"connection_error","payload":{"message":"Forbidden"}}"#)
    }

    pub fn pong(self, payload: Option<Value>) -> String {
        match payload {
            Some(payload) => json!({"type": "pong", "payload": payload}).to_string(),
            None => r#"{"type":"pong"}"#.to_owned(),
        }
    }

    /// A result of the operation `id`.
    pub fn next(self, id: &str, result: &ExecutionResult) -> String {
        let kind = match self {
            Subprotocol::Transport => "next",
            Subprotocol::Legacy => "data",
        };
        format!(r#"{{"id":{},"type":"{kind}","payload":{}}}"#, json!(id), result.to_json())
    }

    /// Errors of the operation `id`, which was not started. The newer subprotocol has all errors, the older one only
    /// the first.
    pub fn error(self, id: &str, result: &ExecutionResult) -> String {
        match self {
            Subprotocol::Transport => json!({"id": id, "type": "error", "payload": result.errors()}).to_string(),
            Subprotocol::Legacy => json!({"id": id, "type": "error", "payload": result.errors().first()}).to_string(),
        }
    }

    pub fn complete(self, id: &str) -> String {
        json!({"id": id, "type": "complete"}).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_subprotocol_reads_its_own_messages() {
        let (transport, legacy) = (Subprotocol::Transport, Subprotocol::Legacy);
        let subscribe = |kind: &str| format!(r#"{{"id":"1","type":"{kind}","payload":{{"query":"{{a}}"}}}}"#);
        assert!(
            matches!(transport.read(&subscribe("subscribe")), Some(ClientMessage::Subscribe { id, .. }) if id == "1")
        );
        assert!(matches!(legacy.read(&subscribe("start")), Some(ClientMessage::Subscribe { .. })));
        assert_eq!(transport.read(&subscribe("start")), None);
        assert_eq!(legacy.read(&subscribe("subscribe")), None);
        assert_eq!(transport.read(r#"{"type":"ping"}"#), Some(ClientMessage::Ping(None)));
        assert_eq!(legacy.read(r#"{"type":"ping"}"#), None);
        assert_eq!(legacy.read(r#"{"id":"1","type":"stop"}"#), Some(ClientMessage::Complete { id: "1".to_owned() }));
        assert_eq!(
            transport.read(r#"{"type":"connection_init","payload":null}"#),
            Some(ClientMessage::Init(Map::new()))
        );
    }

    #[test]
    fn first_supported_protocol_is_negotiated() {
        let negotiated = |names: &str| Subprotocol::negotiate(names.split(',')).map(Subprotocol::name);
        assert_eq!(negotiated("graphql-ws,graphql-transport-ws"), Some("graphql-ws"));
        assert_eq!(negotiated("mqtt,graphql-transport-ws,graphql-ws"), Some("graphql-transport-ws"));
        assert_eq!(negotiated("GRAPHQL-WS,mqtt"), None);
    }

    #[test]
    fn sb_01_other_messages_are_invalid() {
        for text in [
            "",
            "nope",
            "[]",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"what"}"#,
            r#"{"type":"connection_init","payload":"token"}"#,
            r#"{"type":"subscribe","payload":{}}"#,
            r#"{"type":"subscribe","id":1,"payload":{}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":[]}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"ping","payload":"x"}"#,
        ] {
            assert_eq!(Subprotocol::Transport.read(text), None, "{text}");
        }
    }

    #[test]
    fn close_reasons_are_short_and_reveal_nothing() {
        for close in [Close::Forbidden, Close::Invalid, Close::InitTimeout, Close::Duplicate, Close::TooManyInits] {
            assert!(close.reason().len() <= 123 && !close.reason().contains("token"));
        }
    }

    proptest! {
        #[test]
        fn fz_01_any_text_is_read_or_refused(text in "\\PC{0,100}") {
            let _ = Subprotocol::Transport.read(&text);
            let _ = Subprotocol::Legacy.read(&text);
        }
    }
}
