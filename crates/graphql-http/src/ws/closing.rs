//! Closing a socket (RFC 6455, section 7).

use std::future::poll_fn;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::ws::{protocol::Close, session::Socket, write_queue::WriteQueue};

/// Bytes that are read and discarded after a close frame that the client did not expect.
const MAX_DRAINED: usize = 1024 * 1024;

/// How a socket ends.
pub enum SocketEnd {
    /// The server sends a close frame.
    Close(Close),
    /// As `Close`, but the client may be in the middle of a message that is not read to its end.
    Broken(Close),
    /// The client sent a close frame, which requires a close frame in response.
    Closed,
    /// The connection is lost.
    Disconnected,
}

impl SocketEnd {
    /// Performs the closing handshake. The caller limits its duration.
    pub async fn close(self, socket: &mut Socket, outbox: &mut WriteQueue) {
        match self {
            SocketEnd::Disconnected => {}
            SocketEnd::Closed => await_close(socket).await,
            SocketEnd::Close(close) => {
                if write(close, socket, outbox).await.is_ok() {
                    await_close(socket).await;
                }
            }
            SocketEnd::Broken(close) => {
                if write(close, socket, outbox).await.is_ok() {
                    discard(socket).await;
                }
            }
        }
    }
}

async fn write(close: Close, socket: &mut Socket, outbox: &mut WriteQueue) -> Result<(), Error> {
    let frame = CloseFrame { code: CloseCode::from(close.code()), reason: Utf8Bytes::from_static(close.reason()) };
    poll_fn(|context| outbox.poll_send(socket, context)).await?;
    socket.send(Message::Close(Some(frame))).await
}

/// Reads until both close frames are exchanged; the library sends the close frame that responds to the client's.
async fn await_close(socket: &mut Socket) {
    while let Some(Ok(_)) = socket.next().await {}
}

/// Reads and discards bytes that can no longer be parsed as frames. If a connection is closed with unread data, the
/// kernel resets it, and the close frame is lost.
async fn discard(socket: &mut Socket) {
    let (mut buffer, mut left) = ([0; 2048], MAX_DRAINED);
    while let Ok(read @ 1..) = socket.get_mut().read(&mut buffer).await {
        left = left.saturating_sub(read);
        if left == 0 {
            break;
        }
    }
}
