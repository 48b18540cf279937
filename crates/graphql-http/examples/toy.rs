//! A toy schema on all transports.
//!
//! ```sh
//! cargo run -p countersign-graphql-http --example toy
//! curl localhost:8000/graphql -H 'content-type: application/json' -d '{"query":"{ hello }"}'
//! curl localhost:8000/graphql -H 'content-type: application/json' -H 'accept: text/event-stream' \
//!   -d '{"query":"subscription { count(to: 3, ms: 500) }"}'
//! curl localhost:8000/graphql -H 'content-type: application/json' \
//!   -H 'accept: multipart/mixed;subscriptionSpec=1.0' -d '{"query":"subscription { count(to: 3, ms: 500) }"}'
//! ```
//!
//! WebSocket clients connect to `ws://localhost:8000/graphql` with the subprotocol `graphql-transport-ws`. A token is
//! optional; the valid one is `secret`.

use std::{
    error::Error,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use async_graphql::{Context, Object, Subscription};
use axum::{Router, http::request::Parts};
use countersign_graphql_http::{
    Access, Authentication, Authenticator, BearerToken, Endpoint, Operations, Schema, Settings, Shutdown,
};
use futures_util::{Stream, StreamExt, stream};
use tokio::net::TcpListener;

struct Query;

#[Object]
impl Query {
    async fn hello(&self) -> &str {
        "world"
    }

    /// Whether the client is signed in.
    async fn signed_in(&self, context: &Context<'_>) -> bool {
        matches!(context.data_unchecked(), Identity::SignedIn)
    }
}

struct Mutation(AtomicUsize);

#[Object]
impl Mutation {
    async fn bump(&self) -> usize {
        self.0.fetch_add(1, SeqCst) + 1
    }
}

struct Events;

#[Subscription]
impl Events {
    /// 1 to `to`, one every `ms` milliseconds.
    async fn count(&self, to: usize, #[graphql(default)] ms: u64) -> impl Stream<Item = usize> {
        stream::iter(1..=to).then(move |number| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            number
        })
    }
}

/// The client's identity, for resolvers.
#[derive(Clone)]
enum Identity {
    Anonymous,
    SignedIn,
}

struct Toy;

impl Authenticator for Toy {
    type Client = ();
    type Identity = Identity;

    fn client(&self, _: &Parts) {}

    fn authenticate(&self, token: Option<&BearerToken>) -> Authentication<Identity> {
        match token.map(BearerToken::expose) {
            None => Authentication::Accepted(Identity::Anonymous),
            Some("secret") => Authentication::Accepted(Identity::SignedIn),
            Some(_) => Authentication::Refused(Identity::Anonymous),
        }
    }
}

// The defaults: no limits by client, no metrics.
impl Access for Toy {}
impl Operations for Toy {}

/// The toy under `/graphql`. Its sockets and streams end when `stop` is requested.
pub fn router(stop: Shutdown) -> Result<Router, String> {
    let executor = async_graphql::Schema::new(Query, Mutation(AtomicUsize::new(0)), Events);
    let schema = Schema { sdl: executor.sdl(), executor, scalars: |_, _| None };
    let settings = Settings { introspection: true, ..Settings::default() };
    Ok(Endpoint::new(schema, settings, Toy, stop)?.router("/graphql"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    println!("http://{}/graphql", listener.local_addr()?);
    axum::serve(listener, router(Shutdown::default())?).await?;
    Ok(())
}
