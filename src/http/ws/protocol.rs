//! The messages of both dialects (github.com/enisdenjo/graphql-ws, PROTOCOL.md; and apollographql's
//! subscriptions-transport-ws, PROTOCOL.md), and the codes that sockets are closed with.

use serde_json::{Map, Value, json};

use crate::http::graphql::response::Answer;

/// Bytes of an operation's id; it is kept as long as the operation runs. Clients take a counter or a UUID.
const LONGEST_ID: usize = 256;

/// Which protocol a socket speaks. The names mislead: the newer protocol belongs to the library graphql-ws, and the
/// older one is the one that is called `graphql-ws` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `graphql-transport-ws`.
    Transport,
    /// `graphql-ws`, of subscriptions-transport-ws.
    Legacy,
}

/// What a client may say.
#[derive(Debug, PartialEq)]
pub enum Said {
    Init(Map<String, Value>),
    Ping(Option<Value>),
    Pong,
    Subscribe { id: String, payload: Value },
    Complete { id: String },
    Terminate,
}

/// Why a socket is closed: code and reason. Clients never retry after 4400, 4401, 4409, 4429, 1002 and 1011, and do
/// after 1001, 1012, 1013, 4403 and 4408, with fresh connection parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The client said that it goes.
    Normal,
    /// The server stops.
    GoingAway,
    NoWebSocket,
    NoUtf8,
    TooFast,
    TooLarge,
    /// The account holds as many sockets as it may. That passes, as soon as another tab is closed, so clients shall come
    /// back, with their growing pauses: 1013 is "try again later" in IANA's registry. 4429 means a second
    /// `connection_init`, a mistake of the client's, and is the end for it.
    Crowded,
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
            Close::NoWebSocket => 1002,
            Close::NoUtf8 => 1007,
            Close::TooFast => 1008,
            Close::TooLarge => 1009,
            Close::Crowded => 1013,
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
            Close::NoWebSocket => "Protocol error",
            Close::NoUtf8 => "Text is UTF-8",
            Close::TooFast => "Too many messages",
            Close::TooLarge => "Message too large",
            Close::Crowded => "Too many sockets",
            Close::Invalid => "Invalid message received",
            Close::NotAcknowledged => "Unauthorized",
            Close::Forbidden => "Forbidden",
            Close::InitTimeout => "Connection initialisation timeout",
            Close::Duplicate => "Subscriber for this id already exists",
            Close::TooManyInits => "Too many initialisation requests",
        }
    }
}

impl Dialect {
    /// The dialect of this name in `Sec-WebSocket-Protocol`.
    pub fn named(name: &str) -> Option<Self> {
        [Dialect::Transport, Dialect::Legacy].into_iter().find(|dialect| dialect.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Dialect::Transport => "graphql-transport-ws",
            Dialect::Legacy => "graphql-ws",
        }
    }

    /// Reads a message. None for anything that the dialect does not have.
    pub fn read(self, text: &str) -> Option<Said> {
        let Value::Object(mut message) = serde_json::from_str(text).ok()? else { return None };
        let Some(Value::String(kind)) = message.remove("type") else { return None };
        let payload = message.remove("payload").filter(|payload| !payload.is_null());
        let id = match message.remove("id") {
            Some(Value::String(id)) if (1..=LONGEST_ID).contains(&id.len()) => Some(id),
            _ => None,
        };
        Some(match (self, kind.as_str(), id, payload) {
            (_, "connection_init", _, None) => Said::Init(Map::new()),
            (_, "connection_init", _, Some(Value::Object(payload))) => Said::Init(payload),
            (Dialect::Transport, "ping", _, payload @ (None | Some(Value::Object(_)))) => Said::Ping(payload),
            (Dialect::Transport, "pong", _, None | Some(Value::Object(_))) => Said::Pong,
            (Dialect::Transport, "subscribe", Some(id), Some(payload @ Value::Object(_)))
            | (Dialect::Legacy, "start", Some(id), Some(payload @ Value::Object(_))) => Said::Subscribe { id, payload },
            (Dialect::Transport, "complete", Some(id), _) | (Dialect::Legacy, "stop", Some(id), _) => {
                Said::Complete { id }
            }
            (Dialect::Legacy, "connection_terminate", _, _) => Said::Terminate,
            _ => return None,
        })
    }

    pub fn ack(self) -> &'static str {
        r#"{"type":"connection_ack"}"#
    }

    /// What keeps a client of this dialect from thinking the server dead, beside the ping frames of WebSocket itself:
    /// old clients count these messages.
    pub fn keep_alive(self) -> Option<&'static str> {
        (self == Dialect::Legacy).then_some(r#"{"type":"ka"}"#)
    }

    /// What a refused `connection_init` is answered before the socket is closed.
    pub fn init_refused(self) -> Option<&'static str> {
        (self == Dialect::Legacy).then_some(r#"{"type":"connection_error","payload":{"message":"Forbidden"}}"#)
    }

    pub fn pong(self, payload: Option<Value>) -> String {
        match payload {
            Some(payload) => json!({"type": "pong", "payload": payload}).to_string(),
            None => r#"{"type":"pong"}"#.to_owned(),
        }
    }

    /// A result of the operation `id`.
    pub fn next(self, id: &str, answer: &Answer) -> String {
        let kind = match self {
            Dialect::Transport => "next",
            Dialect::Legacy => "data",
        };
        format!(r#"{{"id":{},"type":"{kind}","payload":{}}}"#, json!(id), answer.to_json())
    }

    /// The operation `id` was never begun. The newer dialect takes all errors, the older one has room for one.
    pub fn error(self, id: &str, answer: &Answer) -> String {
        match self {
            Dialect::Transport => json!({"id": id, "type": "error", "payload": answer.errors()}).to_string(),
            Dialect::Legacy => json!({"id": id, "type": "error", "payload": answer.errors().first()}).to_string(),
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
    fn each_dialect_reads_its_own_messages() {
        let (transport, legacy) = (Dialect::Transport, Dialect::Legacy);
        let subscribe = |kind: &str| format!(r#"{{"id":"1","type":"{kind}","payload":{{"query":"{{a}}"}}}}"#);
        assert!(matches!(transport.read(&subscribe("subscribe")), Some(Said::Subscribe { id, .. }) if id == "1"));
        assert!(matches!(legacy.read(&subscribe("start")), Some(Said::Subscribe { .. })));
        assert_eq!(transport.read(&subscribe("start")), None);
        assert_eq!(legacy.read(&subscribe("subscribe")), None);
        assert_eq!(transport.read(r#"{"type":"ping"}"#), Some(Said::Ping(None)));
        assert_eq!(legacy.read(r#"{"type":"ping"}"#), None);
        assert_eq!(legacy.read(r#"{"id":"1","type":"stop"}"#), Some(Said::Complete { id: "1".to_owned() }));
        assert_eq!(transport.read(r#"{"type":"connection_init","payload":null}"#), Some(Said::Init(Map::new())));
    }

    #[test]
    fn sb_01_whatever_else_is_said_is_invalid() {
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
            assert_eq!(Dialect::Transport.read(text), None, "{text}");
        }
    }

    #[test]
    fn reasons_fit_into_a_close_frame_and_tell_nothing() {
        for close in [Close::Forbidden, Close::Invalid, Close::InitTimeout, Close::Duplicate, Close::TooManyInits] {
            assert!(close.reason().len() <= 123 && !close.reason().contains("token"));
        }
    }

    proptest! {
        #[test]
        fn fz_01_any_text_is_read_or_refused(text in "\\PC{0,100}") {
            let _ = Dialect::Transport.read(&text);
            let _ = Dialect::Legacy.read(&text);
        }
    }
}
