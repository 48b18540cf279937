//! One connection: HTTP/1.1 with upgrades, and the deadlines of its activity.

use std::{
    fmt,
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use axum::{Router, body::Body, extract::Request};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};
use tower::Service;

use crate::http::{
    body_deadline::BodyWithDeadline,
    client::Peer,
    connection_activity::{ConnectionActivity, ObservedStream, Serving},
};
use graphql_http::Shutdown;
use platform::config::http::Timeouts;

/// Maximum size in bytes of a request's head in hyper. It is larger than the middleware's limits for target and
/// headers, so that the middleware refuses with an error message.
const MAX_HEAD: usize = 32 * 1024;

/// Serves the requests of one connection until it ends or exceeds a deadline.
pub async fn serve<S>(
    stream: ObservedStream<S>,
    activity: Arc<ConnectionActivity>,
    peer: SocketAddr,
    router: Router,
    timeouts: &Timeouts,
    stop: &Shutdown,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (serving, activity) = (activity.serving(), activity.clone());
        let (mut router, body_deadline) = (router.clone(), Instant::now() + timeouts.body);
        async move {
            let serving = serving.ok_or(ConnectionEvicted)?;
            let mut request: Request = request.map(|body| Body::new(BodyWithDeadline::new(body, body_deadline)));
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(activity);
            let Ok(response) = router.call(request).await;
            Ok::<_, ConnectionEvicted>(response.map(|body| until_sent(body, serving)))
        }
    });
    let mut http = http1::Builder::new();
    // Timeouts of heads and idle connections are enforced by the deadlines below.
    http.timer(TokioTimer::new()).header_read_timeout(None).max_header_size(MAX_HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let mut stopping = pin!(stop.requested().fuse());
    let mut drain_until: Option<Instant> = None;
    let mut shutdown_started = false;
    let mut timer = pin!(sleep_until(Instant::now() + timeouts.head));
    poll_fn(|context| {
        if drain_until.is_none() && stopping.as_mut().poll(context).is_ready() {
            // A client with a kept-alive connection may be writing a request at this moment.
            drain_until = Some(Instant::now() + timeouts.drain_delay);
            activity.close_after_response();
        }
        let is_drained = |until| activity.is_serving() || (activity.is_quiet() && Instant::now() >= until);
        if drain_until.is_some_and(is_drained) && !shutdown_started {
            shutdown_started = true;
            connection.as_mut().graceful_shutdown();
        }
        if connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let drain_until = drain_until.filter(|_| !shutdown_started && activity.is_quiet());
        let deadline = match (activity.deadline(timeouts), drain_until) {
            (Some(deadline), Some(until)) if until < deadline => {
                if poll_until(timer.as_mut(), until, context).is_ready() {
                    // Poll once more, to start the graceful shutdown.
                    context.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            (Some(deadline), _) => deadline,
            (None, _) => return Poll::Pending,
        };
        poll_until(timer.as_mut(), deadline, context)
    })
    .await;
}

fn poll_until(mut timer: Pin<&mut Sleep>, deadline: Instant, context: &mut TaskContext<'_>) -> Poll<()> {
    if timer.deadline() != deadline {
        timer.as_mut().reset(deadline);
    }
    timer.poll(context)
}

/// The connection was evicted before this request was started.
#[derive(Clone, Copy, Debug)]
struct ConnectionEvicted;

impl fmt::Display for ConnectionEvicted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was closed in favour of another one")
    }
}

impl std::error::Error for ConnectionEvicted {}

/// The body, which holds `serving` until it is sent or dropped.
fn until_sent(body: Body, serving: Serving) -> Body {
    Body::new(body.map_frame(move |frame| {
        let _held = &serving;
        frame
    }))
}
