//! How a socket ends (RFC 6455, section 7).

use std::future::poll_fn;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::http::ws::{outbox::Outbox, protocol::Close, session::Socket};

/// Bytes read and thrown away after a close frame that the client did not expect.
const LINGER: usize = 1024 * 1024;

/// The end of a socket.
pub enum End {
    /// With a close frame of ours.
    Close(Close),
    /// The same, though the client may be in the middle of something that we don't read to its end.
    Broken(Close),
    /// By the client's close frame, to be answered.
    Closed,
    /// Nobody is there to say anything to.
    Gone,
}

impl End {
    /// Says what is left to say. The caller sees to it that this takes no longer than it may.
    pub async fn act(self, socket: &mut Socket, outbox: &mut Outbox) {
        match self {
            End::Gone => {}
            End::Closed => await_close(socket).await,
            End::Close(close) => {
                if write(close, socket, outbox).await.is_ok() {
                    await_close(socket).await;
                }
            }
            End::Broken(close) => {
                if write(close, socket, outbox).await.is_ok() {
                    throw_away(socket).await;
                }
            }
        }
    }
}

async fn write(close: Close, socket: &mut Socket, outbox: &mut Outbox) -> Result<(), Error> {
    let frame = CloseFrame { code: CloseCode::from(close.code()), reason: Utf8Bytes::from_static(close.reason()) };
    poll_fn(|context| outbox.poll_send(socket, context)).await?;
    socket.send(Message::Close(Some(frame))).await
}

/// Reads on until both close frames are exchanged; the library writes ours where it is an answer.
async fn await_close(socket: &mut Socket) {
    while let Some(Ok(_)) = socket.next().await {}
}

/// Reads what can't be read as frames any more. A connection that is closed with unread data in it is reset, and the
/// close frame lost.
async fn throw_away(socket: &mut Socket) {
    let (mut scrap, mut left) = ([0; 2048], LINGER);
    while let Ok(read @ 1..) = socket.get_mut().read(&mut scrap).await {
        left = left.saturating_sub(read);
        if left == 0 {
            break;
        }
    }
}
