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
    endpoint::EndpointState,
    refusal::{Code, Refusal},
    request::GraphqlRequest,
    response::ExecutionResult,
    run::{self, RequestIdentity},
    service::{OpenConnection, Permit, Service, Transport},
    ws::{
        closing::SocketEnd,
        frames::{FrameCounter, TooManyFrames},
        operations::{Operations, Result as Outcome, Running},
        protocol::{ClientMessage, Close, Subprotocol},
        rate_limit::TokenBucket,
        write_queue::WriteQueue,
    },
};

pub type Socket = WebSocketStream<FrameCounter<TokioIo<Upgraded>>>;

pub struct Session<E, S: Service> {
    endpoint: Arc<EndpointState<E, S>>,
    socket: Socket,
    subprotocol: Subprotocol,
    client: S::Client,
    /// The token of the handshake's `Authorization` header, for clients that are not browsers.
    handshake_token: Option<BearerToken>,
    /// None until `connection_init` is received.
    admitted: Option<AuthenticatedClient<S::Identity>>,
    refused: Option<BoxFuture<'static, ()>>,
    stopping: BoxFuture<'static, ()>,
    shutting_down: bool,
    operations: Operations,
    write_queue: WriteQueue,
    rate_limit: TokenBucket,
    opened: Instant,
    last_heartbeat: Instant,
    /// Whether a ping was sent and no frame received since. Any frame counts; clients respond to pings automatically.
    awaiting_pong: bool,
    timer: Pin<Box<Sleep>>,
    /// Whether the client or the operations are polled first. It alternates, so that neither starves the other.
    client_first: bool,
    _permit: Permit,
    _open: Permit,
}

/// The client that `connection_init` authenticated.
struct AuthenticatedClient<I> {
    identity: I,
    _permit: Permit,
}

/// An event of a socket.
enum SocketEvent {
    Message(Message),
    Result(Outcome),
    Deadline,
    /// The token is no longer valid.
    Refused,
    /// The server is stopping, and no operation is running any more.
    Drained,
    Broken(Error),
    Disconnected,
}

impl<E: Executor, S: Service> Session<E, S> {
    pub fn new(
        endpoint: Arc<EndpointState<E, S>>,
        socket: Socket,
        subprotocol: Subprotocol,
        client: S::Client,
        handshake_token: Option<BearerToken>,
        permit: Permit,
    ) -> Self {
        let now = Instant::now();
        let open = endpoint.service.opened(OpenConnection::Socket);
        Self {
            stopping: endpoint.shutdown.requested_owned().boxed(),
            timer: Box::pin(tokio::time::sleep_until(now + endpoint.settings.timeouts.init)),
            endpoint,
            socket,
            subprotocol,
            client,
            handshake_token,
            admitted: None,
            refused: None,
            shutting_down: false,
            operations: Operations::default(),
            write_queue: WriteQueue::default(),
            rate_limit: TokenBucket::of_messages(now),
            opened: now,
            last_heartbeat: now,
            awaiting_pong: false,
            client_first: false,
            _permit: permit,
            _open: open,
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
        let close_timeout = self.endpoint.settings.timeouts.close;
        // If the peer takes longer, the connection is closed without the closing handshake.
        let _ = tokio::time::timeout(close_timeout, end.close(&mut self.socket, &mut self.write_queue)).await;
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<SocketEvent> {
        if let Poll::Ready(Err(_)) = self.write_queue.poll_send(&mut self.socket, context) {
            return Poll::Ready(SocketEvent::Disconnected);
        }
        // Checked before any event is sent: none may be sent once the token is refused.
        if self.refused.as_mut().is_some_and(|refused| refused.poll_unpin(context).is_ready()) {
            return Poll::Ready(SocketEvent::Refused);
        }
        if !self.shutting_down && self.stopping.poll_unpin(context).is_ready() {
            self.shutting_down = true;
            self.operations.stop_subscriptions();
        }
        if self.shutting_down && self.operations.is_empty() && self.write_queue.is_empty() {
            return Poll::Ready(SocketEvent::Drained);
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
        if self.write_queue.is_full() {
            return Poll::Pending;
        }
        Pin::new(&mut self.socket).poll_next(context).map(|message| match message {
            Some(Ok(message)) => SocketEvent::Message(message),
            Some(Err(error)) => SocketEvent::Broken(error),
            None => SocketEvent::Disconnected,
        })
    }

    /// Operations are polled only if everything is written: a slow reader slows down its own operations, and costs the
    /// memory of one message.
    fn poll_operations(&mut self, context: &mut Context<'_>) -> Poll<SocketEvent> {
        if !self.write_queue.is_empty() {
            return Poll::Pending;
        }
        self.operations.poll_next(context).map(SocketEvent::Result)
    }

    fn next_deadline(&self) -> Instant {
        let timeouts = &self.endpoint.settings.timeouts;
        let init = self.admitted.is_none().then(|| self.opened + timeouts.init);
        let stall = self.write_queue.blocked_since().map(|since| since + timeouts.write);
        let heartbeat = self.last_heartbeat + timeouts.heartbeat;
        [init, stall].into_iter().flatten().fold(heartbeat, Instant::min)
    }

    fn handle(&mut self, event: SocketEvent) -> Result<(), SocketEnd> {
        match event {
            SocketEvent::Message(message) => self.on_message(message),
            SocketEvent::Result(outcome) => {
                self.on_result(outcome);
                Ok(())
            }
            SocketEvent::Deadline => self.on_deadline(),
            SocketEvent::Refused => Err(SocketEnd::Close(Close::Forbidden)),
            SocketEvent::Drained => Err(SocketEnd::Close(Close::GoingAway)),
            SocketEvent::Broken(Error::Capacity(_)) => Err(SocketEnd::Broken(Close::TooLarge)),
            SocketEvent::Broken(Error::Utf8(_)) => Err(SocketEnd::Broken(Close::InvalidUtf8)),
            SocketEvent::Broken(Error::Protocol(_)) => Err(SocketEnd::Broken(Close::ProtocolError)),
            SocketEvent::Broken(Error::Io(error)) if TooManyFrames::is(&error) => {
                Err(SocketEnd::Broken(Close::RateExceeded))
            }
            SocketEvent::Disconnected | SocketEvent::Broken(_) => Err(SocketEnd::Disconnected),
        }
    }

    fn on_deadline(&mut self) -> Result<(), SocketEnd> {
        let (now, timeouts) = (Instant::now(), &self.endpoint.settings.timeouts);
        if self.admitted.is_none() && now >= self.opened + timeouts.init {
            return Err(SocketEnd::Close(Close::InitTimeout));
        }
        let stalled = self.write_queue.blocked_since().is_some_and(|since| now >= since + timeouts.write);
        let due = now >= self.last_heartbeat + timeouts.heartbeat;
        if stalled || (due && self.awaiting_pong) {
            return Err(SocketEnd::Disconnected);
        }
        if due {
            (self.last_heartbeat, self.awaiting_pong) = (now, true);
            self.write_queue.push(Message::Ping(bytes::Bytes::new()));
            self.queue_keep_alive();
        }
        Ok(())
    }

    fn queue_keep_alive(&mut self) {
        if let (Some(message), Some(_)) = (self.subprotocol.keep_alive(), &self.admitted) {
            self.write_queue.push(message);
        }
    }

    fn on_message(&mut self, message: Message) -> Result<(), SocketEnd> {
        self.awaiting_pong = false;
        if !self.rate_limit.allows(Instant::now()) {
            return Err(SocketEnd::Close(Close::RateExceeded));
        }
        match message {
            Message::Text(text) => self.on_text(&text).map_err(SocketEnd::Close),
            Message::Binary(_) => Err(SocketEnd::Close(Close::Invalid)),
            Message::Close(_) => Err(SocketEnd::Closed),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn on_text(&mut self, text: &Utf8Bytes) -> Result<(), Close> {
        match self.subprotocol.read(text).ok_or(Close::Invalid)? {
            ClientMessage::Init(payload) => self.init(&payload),
            ClientMessage::Ping(payload) => {
                self.write_queue.push(self.subprotocol.pong(payload));
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
            if let Some(message) = self.subprotocol.init_refused() {
                self.write_queue.push(message);
            }
            return Err(Close::Forbidden);
        }
        let identity = authenticated.into_identity();
        let permit = service.acquire_for_identity(&self.client, &identity).map_err(|_| Close::TryAgainLater)?;
        self.refused = service.until_invalid(token, &identity);
        self.admitted = Some(AuthenticatedClient { identity, _permit: permit });
        self.write_queue.push(self.subprotocol.ack());
        self.queue_keep_alive();
        Ok(())
    }

    fn subscribe(&mut self, id: String, payload: Value) -> Result<(), Close> {
        let Some(admitted) = &self.admitted else { return Err(Close::NotAcknowledged) };
        if self.operations.has(&id) {
            match self.subprotocol {
                Subprotocol::Transport => return Err(Close::Duplicate),
                Subprotocol::Legacy => self.operations.stop(&id),
            }
        }
        let params = GraphqlRequest::from_value(payload).map_err(|_| Close::Invalid)?;
        if params.query.is_none() && params.document_id.is_none() && params.extensions.is_empty() {
            return Err(Close::Invalid);
        }
        match self.admit(params) {
            Ok(operation) => {
                let subscription = operation.kind == OperationType::Subscription;
                let service = &self.endpoint.service;
                let open = subscription.then(|| service.opened(OpenConnection::Stream(Transport::WebSocket)));
                let client = service.next_operation(&self.client);
                let caller = RequestIdentity { client, identity: admitted.identity.clone() };
                let results = run::stream(&self.endpoint, operation, caller);
                self.operations.start(Running { id: id.into(), subscription, results, _open: open });
            }
            Err(refusal) => {
                self.write_queue.push(self.subprotocol.error(&id, &ExecutionResult::new(refusal.into_result())));
            }
        }
        Ok(())
    }

    fn admit(&self, params: GraphqlRequest) -> Result<Operation, Refusal> {
        let limit = self.endpoint.settings.operations_per_socket;
        if self.shutting_down {
            return Err(Refusal::unavailable("The server is stopping; please retry."));
        }
        if self.operations.len() >= limit.max {
            let (max, hint) = (limit.max, limit.hint());
            let message = format!("Limit of {max} concurrent operations per socket reached{hint}.");
            return Err(Refusal::document(Code::RateLimited, message));
        }
        self.endpoint.admit(params)
    }

    fn on_result(&mut self, outcome: Outcome) {
        let Outcome { id, response } = outcome;
        let Some(response) = response else {
            self.write_queue.push(self.subprotocol.complete(&id));
            return;
        };
        let result = ExecutionResult::new(response);
        if result.executed() {
            self.write_queue.push(self.subprotocol.next(&id, &result));
        } else {
            self.operations.stop(&id);
            self.write_queue.push(self.subprotocol.error(&id, &result));
        }
    }
}
