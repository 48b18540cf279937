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
    graphql::cookies::Cookies,
    http::{
        auth::{Credentials, bearer_in},
        graphql::{
            admission::Operation,
            refusal::{Code, Refusal},
            request::Ask,
            response::Answer,
            run::{self, Asker},
        },
        seats::{AccountSeat, AddressSeat},
        wire::Wire,
        ws::{
            ending::End,
            frames::{Counted, TooManyFrames},
            operations::{Operations, Result as Outcome, Running},
            outbox::Outbox,
            pace::Pace,
            protocol::{Close, Dialect, Said},
        },
    },
    session::gate::Auth,
};
use domain::caller::Caller;
use platform::{
    config::Secret,
    telemetry::metrics::{OpenSocket, OpenStream},
};

pub type Socket = WebSocketStream<Counted<TokioIo<Upgraded>>>;

pub struct Session<E> {
    wire: Arc<Wire<E>>,
    socket: Socket,
    dialect: Dialect,
    caller: Caller,
    /// The token of the handshake's `Authorization` header, for clients that are not browsers.
    handshake_bearer: Option<Secret>,
    /// None until `connection_init` is received.
    admitted: Option<Admitted>,
    refused: Option<BoxFuture<'static, ()>>,
    stopping: BoxFuture<'static, ()>,
    leaving: bool,
    operations: Operations,
    outbox: Outbox,
    pace: Pace,
    opened: Instant,
    last_heartbeat: Instant,
    /// Whether a ping was sent and no frame received since. Any frame counts; clients answer pings automatically.
    awaiting_pong: bool,
    timer: Pin<Box<Sleep>>,
    /// Whether the client or the operations are polled first. It alternates, so that neither starves the other.
    client_first: bool,
    _seat: AddressSeat,
    _counted: OpenSocket,
}

/// The client that `connection_init` authenticated.
struct Admitted {
    auth: Auth,
    _seat: Option<AccountSeat>,
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

impl<E: Executor> Session<E> {
    pub fn new(
        wire: Arc<Wire<E>>,
        socket: Socket,
        dialect: Dialect,
        caller: Caller,
        handshake_bearer: Option<Secret>,
        seat: AddressSeat,
    ) -> Self {
        let now = Instant::now();
        Self {
            stopping: wire.stop.asked_owned().boxed(),
            timer: Box::pin(tokio::time::sleep_until(now + wire.settings.patience.init)),
            wire,
            socket,
            dialect,
            caller,
            handshake_bearer,
            admitted: None,
            refused: None,
            leaving: false,
            operations: Operations::default(),
            outbox: Outbox::default(),
            pace: Pace::of_messages(now),
            opened: now,
            last_heartbeat: now,
            awaiting_pong: false,
            client_first: false,
            _seat: seat,
            _counted: OpenSocket::new(),
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
        let farewell = self.wire.settings.patience.farewell;
        // If the peer takes longer, the connection is closed without the closing handshake.
        let _ = tokio::time::timeout(farewell, end.act(&mut self.socket, &mut self.outbox)).await;
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
        let patience = &self.wire.settings.patience;
        let init = self.admitted.is_none().then(|| self.opened + patience.init);
        let stall = self.outbox.blocked_since().map(|since| since + patience.stall);
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
            SocketEvent::Broken(Error::Utf8(_)) => Err(End::Broken(Close::NoUtf8)),
            SocketEvent::Broken(Error::Protocol(_)) => Err(End::Broken(Close::NoWebSocket)),
            SocketEvent::Broken(Error::Io(error)) if TooManyFrames::is(&error) => Err(End::Broken(Close::TooFast)),
            SocketEvent::Gone | SocketEvent::Broken(_) => Err(End::Gone),
        }
    }

    fn on_deadline(&mut self) -> Result<(), End> {
        let (now, patience) = (Instant::now(), &self.wire.settings.patience);
        if self.admitted.is_none() && now >= self.opened + patience.init {
            return Err(End::Close(Close::InitTimeout));
        }
        let stalled = self.outbox.blocked_since().is_some_and(|since| now >= since + patience.stall);
        let due = now >= self.last_heartbeat + patience.heartbeat;
        if stalled || (due && self.awaiting_pong) {
            return Err(End::Gone);
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
            return Err(End::Close(Close::TooFast));
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
            Said::Init(payload) => self.init(&payload),
            Said::Ping(payload) => {
                self.outbox.push(self.dialect.pong(payload));
                Ok(())
            }
            Said::Pong => Ok(()),
            Said::Subscribe { id, payload } => self.subscribe(id, payload),
            Said::Complete { id } => {
                self.operations.stop(&id);
                Ok(())
            }
            Said::Terminate => Err(Close::Normal),
        }
    }

    fn init(&mut self, payload: &Map<String, Value>) -> Result<(), Close> {
        if self.admitted.is_some() {
            return Err(Close::TooManyInits);
        }
        let bearer = bearer_in(payload).or_else(|| self.handshake_bearer.take());
        let credentials = Credentials::judge(bearer, &*self.wire.judge);
        if credentials.auth == Auth::Refused {
            if let Some(message) = self.dialect.init_refused() {
                self.outbox.push(message);
            }
            return Err(Close::Forbidden);
        }
        let seat = self.wire.seats.of(&credentials.auth).map_err(|full| {
            tracing::info!(?full, address = %self.caller.address, "socket limit reached");
            Close::Crowded
        })?;
        self.refused = credentials.until_refused(&self.wire.judge, &self.wire.clock);
        self.admitted = Some(Admitted { auth: credentials.auth, _seat: seat });
        self.outbox.push(self.dialect.ack());
        self.outbox_keep_alive();
        Ok(())
    }

    fn subscribe(&mut self, id: String, payload: Value) -> Result<(), Close> {
        let Some(admitted) = &self.admitted else { return Err(Close::NotAcknowledged) };
        if self.operations.has(&id) {
            match self.dialect {
                Dialect::Transport => return Err(Close::Duplicate),
                Dialect::Legacy => self.operations.stop(&id),
            }
        }
        let ask = Ask::from_value(payload).map_err(|_| Close::Invalid)?;
        if ask.query.is_none() && ask.document_id.is_none() && ask.extensions.is_empty() {
            return Err(Close::Invalid);
        }
        match self.admit(ask) {
            Ok(operation) => {
                let subscription = operation.kind == OperationType::Subscription;
                let counted = subscription.then(|| OpenStream::new("websocket"));
                let caller = self.wire.clients.again(&self.caller);
                let asker = Asker { caller, auth: admitted.auth.clone(), cookies: Cookies::none() };
                let results = run::stream(&self.wire, operation, asker);
                self.operations.start(Running { id: id.into(), subscription, results, _counted: counted });
            }
            Err(refusal) => self.outbox.push(self.dialect.error(&id, &Answer::new(refusal.into_result()))),
        }
        Ok(())
    }

    fn admit(&self, ask: Ask) -> Result<Operation, Refusal> {
        let most = self.wire.settings.operations_per_socket;
        if self.leaving {
            return Err(Refusal::unavailable("The server is stopping; please retry."));
        }
        if self.operations.len() >= most {
            let message = format!("Limit of {most} concurrent operations per socket reached (OPERATIONS_PER_SOCKET).");
            return Err(Refusal::document(Code::RateLimited, message));
        }
        self.wire.admission.admit(ask)
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
