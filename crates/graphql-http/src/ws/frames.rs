//! Counts the frames of a socket below the WebSocket library.
//!
//! The library (0.30) returns whole messages. A client that starts a message and never ends it can send any number of
//! continuation frames, even empty ones, without a message being counted, and the library keeps reading.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::ws::rate_limit::TokenBucket;

/// The byte stream of a socket. Reading fails once the client has exceeded the frame rate.
#[derive(Debug)]
pub struct FrameCounter<S> {
    stream: S,
    frames: Frames,
    rate_limit: TokenBucket,
    /// Whether the rate was exceeded. The caller discards what is read afterwards.
    refused: bool,
}

/// The client sent more frames than it may.
#[derive(Debug)]
pub struct TooManyFrames;

impl std::fmt::Display for TooManyFrames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too many frames")
    }
}

impl std::error::Error for TooManyFrames {}

impl TooManyFrames {
    /// Whether this is the cause of a read error.
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|error| error.is::<Self>())
    }
}

impl<S> FrameCounter<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, frames: Frames::default(), rate_limit: TokenBucket::of_frames(Instant::now()), refused: false }
    }

    fn allows(&mut self, bytes: &[u8]) -> bool {
        let now = Instant::now();
        (0..self.frames.count(bytes)).all(|_| self.rate_limit.allows(now))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FrameCounter<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if !self.refused && !self.allows(&buffer.filled()[before..]) {
            self.refused = true;
            return Poll::Ready(Err(io::Error::other(TooManyFrames)));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FrameCounter<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Maximum header length: two bytes, eight of length, four of mask.
const MAX_HEADER: usize = 14;

/// Finds frame boundaries (RFC 6455, section 5.2).
#[derive(Debug, Default)]
struct Frames {
    /// The received part of the current header.
    header: [u8; MAX_HEADER],
    header_length: usize,
    /// Remaining bytes of the current payload.
    payload: u64,
}

impl Frames {
    /// Number of headers that end in these bytes.
    fn count(&mut self, mut bytes: &[u8]) -> usize {
        let mut frames = 0;
        while !bytes.is_empty() {
            if self.payload > 0 {
                let skipped = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
                self.payload -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header[self.header_length] = bytes[0];
            self.header_length += 1;
            bytes = &bytes[1..];
            if let Some(payload) = self.payload_length() {
                (self.payload, self.header_length) = (payload, 0);
                frames += 1;
            }
        }
        frames
    }

    /// Length of the payload, once the header is complete.
    fn payload_length(&self) -> Option<u64> {
        let [_, second, ..] = self.header;
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        if self.header_length < 2 || self.header_length < 2 + extended + mask {
            return None;
        }
        let long = self.header[2..2 + extended].iter().fold(0u64, |length, byte| (length << 8) | u64::from(*byte));
        Some(if extended == 0 { u64::from(second & 0x7f) } else { long })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A masked frame with a payload of this length.
    fn frame(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        match length {
            0..126 => bytes.push(0x80 | length as u8),
            126..65_536 => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        // The mask and the payload look like headers.
        bytes.extend(std::iter::repeat_n(0x81, 4 + length));
        bytes
    }

    proptest! {
        #[test]
        fn frames_are_counted_regardless_of_chunking(
            lengths in prop::collection::vec(prop_oneof![0..130usize, 125..127usize, 65_530..65_540usize], 0..20),
            step in 1..2000usize,
        ) {
            let bytes: Vec<u8> = lengths.iter().flat_map(|length| frame(*length)).collect();
            let mut frames = Frames::default();
            let open: usize = bytes.chunks(step).map(|chunk| frames.count(chunk)).sum();
            prop_assert_eq!(open, lengths.len());
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let mut frames = Frames::default();
            prop_assert!(frames.count(&bytes) <= bytes.len() / 2);
        }
    }
}
