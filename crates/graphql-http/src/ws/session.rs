//! The task of a socket: it reads, runs operations, writes, and enforces timeouts.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_graphql::{Executor, parser::types::OperationType};
use futures_util::{FutureExt, Stream, future::BoxFuture};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, Utf8Bytes},
};

use crate::{
    bearer::BearerToken,
    document::admission::Operation,
    endpoint::Shared,
    refusal::{Code, Refusal},
    request::GraphqlRequest,
    response::Answer,
    run::{self, Asker},
    service::{Open, Permit, Service, Transport},
    ws::{
        ending::End,
        frames::{FrameCounter, TooManyFrames},
        operations::{Operations, Result as Outcome, Running},
        outbox::WriteQueue,
        pace::Pace,
        protocol::{ClientMessage, Close, Subprotocol},
    },
};

pub type Socket = WebSocketStream<FrameCounter<TokioIo<Upgraded>>>;

pub struct Session<E, S: Service> {
    endpoint: Arc<Shared<E, S>>,
    socket: Socket,
    dialect: Subprotocol,
    client: S::Client,
    /// The token of the handshake's `Authorization` header, for clients that are not browsers.
    handshake_token: Option<BearerToken>,
    /// None until `connection_init` is received.
    admitted: Option<Admitted<S::Identity>>,
    refused: Option<BoxFuture<'static, ()>>,
    stopping: BoxFuture<'static, ()>,
    leaving: bool,
    operations: Operations,
    outbox: WriteQueue,
    pace: Pace,
    opened: Instant,
    last_heartbeat: Instant,
    /// Whether a ping was sent and no frame received since. Any frame counts; clients answer pings automatically.
    awaiting_pong: bool,
    timer: Pin<Box<Sleep>>,
    /// Whether the client or the operations are polled first. It alternates, so that neither starves the other.
    client_first: bool,
    _place: Permit,
    _counted: Permit,
}

/// The client that `connection_init` authenticated.
struct Admitted<I> {
    identity: I,
    _place: Permit,
}

/// An event of a socket.
enum SocketEvent {
    Message(Message),
    Result(Outcome),
    Deadline,
    /// The token is no longer valid.
    Refused,
    /// The server is stopping, and no operation is running any more.
    Left,
    Broken(Error),
    Gone,
}

impl<E: Executor, S: Service> Session<E, S> {
    pub fn new(
        endpoint: Arc<Shared<E, S>>,
        socket: Socket,
        dialect: Subprotocol,
        client: S::Client,
        handshake_token: Option<BearerToken>,
        place: Permit,
    ) -> Self {
        let now = Instant::now();
        let counted = endpoint.service.opened(Open::Socket);
        Self {
            stopping: endpoint.stop.asked_owned().boxed(),
            timer: Box::pin(tokio::time::sleep_until(now + endpoint.settings.timeouts.init)),
            endpoint,
            socket,
            dialect,
            client,
            handshake_token,
            admitted: None,
            refused: None,
            leaving: false,
            operations: Operations::default(),
            outbox: WriteQueue::default(),
            pace: Pace::of_messages(now),
            opened: now,
            last_heartbeat: now,
            awaiting_pong: false,
            client_first: false,
            _place: place,
            _counted: counted,
        }
    }

    /// Runs until the socket ends. Boxed, because the future would otherwise store the session twice.
    pub async fn run(mut self: Box<Self>) {
        let end = loop {
            let event = poll_fn(|context| self.poll_event(context)).await;
            if let Err(end) = self.handle(event) {
                break end;
            }
        };
        // Running operations are dropped first: they may hold a database connection.
        self.operations = Operations::default();
        self.refused = None;
        let farewell = self.endpoint.settings.timeouts.close;
        // If the peer takes longer, the connection is closed without the closing handshake.
        let _ = tokio::time::timeout(farewell, end.close(&mut self.socket, &mut self.outbox)).await;
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<SocketEvent> {
        if let Poll::Ready(Err(_)) = self.outbox.poll_send(&mut self.socket, context) {
            return Poll::Ready(SocketEvent::Gone);
        }
        // Checked before any event is sent: none may be sent once the token is refused.
        if self.refused.as_mut().is_some_and(|refused| refused.poll_unpin(context).is_ready()) {
            return Poll::Ready(SocketEvent::Refused);
        }
        if !self.leaving && self.stopping.poll_unpin(context).is_ready() {
            self.leaving = true;
            self.operations.stop_subscriptions();
        }
        if self.leaving && self.operations.is_empty() && self.outbox.is_empty() {
            return Poll::Ready(SocketEvent::Left);
        }
        self.client_first = !self.client_first;
        for client in [self.client_first, !self.client_first] {
            let event = if client { self.poll_client(context) } else { self.poll_operations(context) };
            if event.is_ready() {
                return event;
            }
        }
        let deadline = self.next_deadline();
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.poll_unpin(context).map(|()| SocketEvent::Deadline)
    }

    fn poll_client(&mut self, context: &mut Context<'_>) -> Poll<SocketEvent> {
        if self.outbox.is_full() {
            return Poll::Pending;
        }
        Pin::new(&mut self.socket).poll_next(context).map(|message| match message {
            Some(Ok(message)) => SocketEvent::Message(message),
            Some(Err(error)) => SocketEvent::Broken(error),
            None => SocketEvent::Gone,
        })
    }

    /// Operations are polled only if everything is written: a slow reader slows down its own operations, and costs the
    /// memory of one message.
    fn poll_operations(&mut self, context: &mut Context<'_>) -> Poll<SocketEvent> {
        if !self.outbox.is_empty() {
            return Poll::Pending;
        }
        self.operations.poll_next(context).map(SocketEvent::Result)
    }

    fn next_deadline(&self) -> Instant {
        let patience = &self.endpoint.settings.timeouts;
        let init = self.admitted.is_none().then(|| self.opened + patience.init);
        let stall = self.outbox.blocked_since().map(|since| since + patience.write);
        let heartbeat = self.last_heartbeat + patience.heartbeat;
        [init, stall].into_iter().flatten().fold(heartbeat, Instant::min)
    }

    fn handle(&mut self, event: SocketEvent) -> Result<(), End> {
        match event {
            SocketEvent::Message(message) => self.on_message(message),
            SocketEvent::Result(outcome) => {
                self.on_result(outcome);
                Ok(())
            }
            SocketEvent::Deadline => self.on_deadline(),
            SocketEvent::Refused => Err(End::Close(Close::Forbidden)),
            SocketEvent::Left => Err(End::Close(Close::GoingAway)),
            SocketEvent::Broken(Error::Capacity(_)) => Err(End::Broken(Close::TooLarge)),
            SocketEvent::Broken(Error::Utf8(_)) => Err(End::Broken(Close::InvalidUtf8)),
            SocketEvent::Broken(Error::Protocol(_)) => Err(End::Broken(Close::ProtocolError)),
            SocketEvent::Broken(Error::Io(error)) if TooManyFrames::is(&error) => Err(End::Broken(Close::RateExceeded)),
            SocketEvent::Gone | SocketEvent::Broken(_) => Err(End::Disconnected),
        }
    }

    fn on_deadline(&mut self) -> Result<(), End> {
        let (now, patience) = (Instant::now(), &self.endpoint.settings.timeouts);
        if self.admitted.is_none() && now >= self.opened + patience.init {
            return Err(End::Close(Close::InitTimeout));
        }
        let stalled = self.outbox.blocked_since().is_some_and(|since| now >= since + patience.write);
        let due = now >= self.last_heartbeat + patience.heartbeat;
        if stalled || (due && self.awaiting_pong) {
            return Err(End::Disconnected);
        }
        if due {
            (self.last_heartbeat, self.awaiting_pong) = (now, true);
            self.outbox.push(Message::Ping(bytes::Bytes::new()));
            self.outbox_keep_alive();
        }
        Ok(())
    }

    fn outbox_keep_alive(&mut self) {
        if let (Some(message), Some(_)) = (self.dialect.keep_alive(), &self.admitted) {
            self.outbox.push(message);
        }
    }

    fn on_message(&mut self, message: Message) -> Result<(), End> {
        self.awaiting_pong = false;
        if !self.pace.allows(Instant::now()) {
            return Err(End::Close(Close::RateExceeded));
        }
        match message {
            Message::Text(text) => self.on_text(&text).map_err(End::Close),
            Message::Binary(_) => Err(End::Close(Close::Invalid)),
            Message::Close(_) => Err(End::Closed),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn on_text(&mut self, text: &Utf8Bytes) -> Result<(), Close> {
        match self.dialect.read(text).ok_or(Close::Invalid)? {
            ClientMessage::Init(payload) => self.init(&payload),
            ClientMessage::Ping(payload) => {
                self.outbox.push(self.dialect.pong(payload));
                Ok(())
            }
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, payload } => self.subscribe(id, payload),
            ClientMessage::Complete { id } => {
                self.operations.stop(&id);
                Ok(())
            }
            ClientMessage::Terminate => Err(Close::Normal),
        }
    }

    fn init(&mut self, payload: &Map<String, Value>) -> Result<(), Close> {
        if self.admitted.is_some() {
            return Err(Close::TooManyInits);
        }
        let service = &self.endpoint.service;
        let token = BearerToken::in_payload(payload).or_else(|| self.handshake_token.take());
        let authenticated = service.authenticate(token.as_ref());
        if authenticated.is_refused() {
            if let Some(message) = self.dialect.init_refused() {
                self.outbox.push(message);
            }
            return Err(Close::Forbidden);
        }
        let identity = authenticated.into_identity();
        let place = service.open_as(&self.client, &identity).map_err(|_| Close::TryAgainLater)?;
        self.refused = service.until_invalid(token, &identity);
        self.admitted = Some(Admitted { identity, _place: place });
        self.outbox.push(self.dialect.ack());
        self.outbox_keep_alive();
        Ok(())
    }

    fn subscribe(&mut self, id: String, payload: Value) -> Result<(), Close> {
        let Some(admitted) = &self.admitted else { return Err(Close::NotAcknowledged) };
        if self.operations.has(&id) {
            match self.dialect {
                Subprotocol::Transport => return Err(Close::Duplicate),
                Subprotocol::Legacy => self.operations.stop(&id),
            }
        }
        let ask = GraphqlRequest::from_value(payload).map_err(|_| Close::Invalid)?;
        if ask.query.is_none() && ask.document_id.is_none() && ask.extensions.is_empty() {
            return Err(Close::Invalid);
        }
        match self.admit(ask) {
            Ok(operation) => {
                let subscription = operation.kind == OperationType::Subscription;
                let service = &self.endpoint.service;
                let counted = subscription.then(|| service.opened(Open::Stream(Transport::WebSocket)));
                let client = service.next_operation(&self.client);
                let asker = Asker { client, identity: admitted.identity.clone() };
                let results = run::stream(&self.endpoint, operation, asker);
                self.operations.start(Running { id: id.into(), subscription, results, _counted: counted });
            }
            Err(refusal) => self.outbox.push(self.dialect.error(&id, &Answer::new(refusal.into_result()))),
        }
        Ok(())
    }

    fn admit(&self, ask: GraphqlRequest) -> Result<Operation, Refusal> {
        let limit = self.endpoint.settings.operations_per_socket;
        if self.leaving {
            return Err(Refusal::unavailable("The server is stopping; please retry."));
        }
        if self.operations.len() >= limit.most {
            let (most, hint) = (limit.most, limit.hint());
            let message = format!("Limit of {most} concurrent operations per socket reached{hint}.");
            return Err(Refusal::document(Code::RateLimited, message));
        }
        self.endpoint.admit(ask)
    }

    fn on_result(&mut self, outcome: Outcome) {
        let Outcome { id, response } = outcome;
        let Some(response) = response else {
            self.outbox.push(self.dialect.complete(&id));
            return;
        };
        let answer = Answer::new(response);
        if answer.executed() {
            self.outbox.push(self.dialect.next(&id, &answer));
        } else {
            self.operations.stop(&id);
            self.outbox.push(self.dialect.error(&id, &answer));
        }
    }
}
