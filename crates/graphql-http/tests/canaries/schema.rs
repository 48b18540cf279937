//! A schema that shows what the library does.

use std::{sync::Arc, sync::atomic::AtomicUsize, sync::atomic::Ordering::SeqCst, time::Duration};

use async_graphql::{EmptyMutation, Error, Interface, Object, Schema, SimpleObject, Subscription};
use futures_util::{Stream, stream};

pub type Toy = Schema<Query, Mutation, Events>;

/// How often a resolver with a side effect ran.
pub type Effects = Arc<AtomicUsize>;

pub struct Query;

#[derive(Interface)]
#[graphql(field(name = "name", ty = "&String"))]
pub enum Pet {
    Dog(Dog),
    Cat(Cat),
}

#[derive(SimpleObject)]
pub struct Dog {
    name: String,
    age: i32,
}

#[derive(SimpleObject)]
pub struct Cat {
    name: String,
    age: String,
}

#[Object]
impl Query {
    async fn hello(&self) -> &str {
        "world"
    }

    async fn slow(&self) -> &str {
        tokio::time::sleep(Duration::from_millis(1)).await;
        "done"
    }

    async fn broken(&self) -> Result<Option<String>, Error> {
        Err(Error::new("no"))
    }

    async fn panics(&self) -> String {
        std::hint::black_box(None::<String>).unwrap()
    }

    async fn pet(&self) -> Pet {
        Pet::Cat(Cat { name: "Tom".to_owned(), age: "nine".to_owned() })
    }
}

pub struct Mutation(Effects);

#[Object]
impl Mutation {
    async fn bump(&self) -> usize {
        self.0.fetch_add(1, SeqCst) + 1
    }

    async fn set(&self, to: i32) -> i32 {
        to
    }
}

pub struct Events(Effects);

#[Subscription]
impl Events {
    async fn count(&self, to: usize) -> impl Stream<Item = usize> {
        self.0.fetch_add(1, SeqCst);
        stream::iter(1..=to)
    }

    async fn silence(&self) -> impl Stream<Item = usize> {
        self.0.fetch_add(1, SeqCst);
        stream::pending()
    }
}

/// The schema, and the counter of its side effects.
pub fn toy() -> (Toy, Effects) {
    let effects = Effects::default();
    (Schema::new(Query, Mutation(effects.clone()), Events(effects.clone())), effects)
}

/// A schema of queries only, with limits.
pub fn limited() -> Schema<Query, EmptyMutation, async_graphql::EmptySubscription> {
    Schema::build(Query, EmptyMutation, async_graphql::EmptySubscription).limit_complexity(10).limit_depth(5).finish()
}
