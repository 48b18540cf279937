//! One connection: HTTP/1.1 with upgrades, and the deadlines of its activity.

use std::{fmt, future::poll_fn, net::SocketAddr, pin::pin, sync::Arc, task::Poll};

use axum::{Router, body::Body, extract::Request};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until},
};
use tower::Service;

use crate::http::{
    body_deadline::BodyWithDeadline,
    client::Peer,
    connection_activity::{ConnectionActivity, ObservedStream, Serving},
};
use graphql_http::Stop;
use platform::config::http::Timeouts;

/// Maximum size in bytes of a request's head in hyper. It is larger than the middleware's limits for target and
/// headers, so that the middleware refuses with an error message.
const MAX_HEAD: usize = 32 * 1024;

/// Serves the requests of one connection until it ends or exceeds a deadline.
pub async fn serve<S>(
    stream: ObservedStream<S>,
    pulse: Arc<ConnectionActivity>,
    peer: SocketAddr,
    router: Router,
    patience: &Timeouts,
    stop: &Stop,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (serving, pulse) = (pulse.serving(), pulse.clone());
        let (mut router, body_deadline) = (router.clone(), Instant::now() + patience.body);
        async move {
            let serving = serving.ok_or(Evicted)?;
            let mut request: Request = request.map(|body| Body::new(BodyWithDeadline::new(body, body_deadline)));
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(pulse);
            let Ok(response) = router.call(request).await;
            Ok::<_, Evicted>(response.map(|body| until_sent(body, serving)))
        }
    });
    let mut http = http1::Builder::new();
    // Timeouts of heads and idle connections are enforced by the deadlines below.
    http.timer(TokioTimer::new()).header_read_timeout(None).max_header_size(MAX_HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let mut stopping = pin!(stop.asked().fuse());
    let mut parting: Option<Instant> = None;
    let mut shutdown_started = false;
    let mut timer = pin!(sleep_until(Instant::now() + patience.head));
    poll_fn(|context| {
        if parting.is_none() && stopping.as_mut().poll(context).is_ready() {
            // A client with a kept-alive connection may be writing a request at this moment.
            parting = Some(Instant::now() + patience.drain_delay);
            pulse.leave();
        }
        let over = parting.is_some_and(|parting| pulse.is_serving() || (pulse.is_quiet() && Instant::now() >= parting));
        if over && !shutdown_started {
            shutdown_started = true;
            connection.as_mut().graceful_shutdown();
        }
        if connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let parting = parting.filter(|_| !shutdown_started && pulse.is_quiet());
        let deadline = match (pulse.deadline(patience), parting) {
            (Some(deadline), Some(parting)) if parting < deadline => {
                if timer.deadline() != parting {
                    timer.as_mut().reset(parting);
                }
                if timer.as_mut().poll(context).is_ready() {
                    // Poll once more, to start the graceful shutdown.
                    context.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            (Some(deadline), _) => deadline,
            (None, _) => return Poll::Pending,
        };
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context)
    })
    .await;
}

/// The connection was evicted before this request was started.
#[derive(Clone, Copy, Debug)]
struct Evicted;

impl fmt::Display for Evicted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was closed in favour of another one")
    }
}

impl std::error::Error for Evicted {}

/// The body, which holds `serving` until it is sent or dropped.
fn until_sent(body: Body, serving: Serving) -> Body {
    Body::new(body.map_frame(move |frame| {
        let _held = &serving;
        frame
    }))
}
