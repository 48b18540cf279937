//! A schema unrelated to verification, so that the HTTP layer is tested by itself.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_graphql::{Context, Error, ErrorExtensions, Object, OneofObject, Schema, SimpleObject, Subscription, Union};
use countersign::{
    graphql::cookies::Cookies,
    http::auth::Judge,
    session::gate::{Auth, Role, SignedIn, TokenRefused},
};
use domain::caller::Caller;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;

pub type Toy = Schema<Query, Mutation, Events>;

/// Counters of what the resolvers did.
#[derive(Clone, Default)]
pub struct Traces {
    /// How often the mutation was executed.
    pub bumps: Arc<AtomicUsize>,
    /// The number of running resolvers.
    pub running: Arc<AtomicUsize>,
}

/// Increments the counter while it exists.
struct RunningGuard(Arc<AtomicUsize>);

impl RunningGuard {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count.clone())
    }
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

pub struct Query(Traces);

#[Object]
impl Query {
    async fn hello(&self) -> &str {
        "world"
    }

    async fn nested(&self) -> Self {
        Self(self.0.clone())
    }

    async fn echo(&self, text: String) -> String {
        text
    }

    async fn number(&self, of: i32) -> i32 {
        of
    }

    async fn choose(&self, one: Choice) -> String {
        match one {
            Choice::Text(text) => text,
            Choice::Number(number) => number.to_string(),
        }
    }

    async fn big(&self, bytes: usize) -> String {
        "x".repeat(bytes)
    }

    async fn broken(&self) -> async_graphql::Result<Option<String>> {
        Err(Error::new("no").extend_with(|_, extensions| extensions.set("code", "NOT_FOUND")))
    }

    async fn panics(&self) -> String {
        let empty: [&str; 0] = [];
        empty[self.0.running.load(SeqCst)].to_owned()
    }

    async fn slow(&self, ms: u64) -> &str {
        let _alive = RunningGuard::new(&self.0.running);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        "done"
    }

    async fn pet(&self, dog: bool) -> Pet {
        if dog { Pet::Dog(Dog) } else { Pet::Cat(Cat) }
    }

    async fn who(&self, context: &Context<'_>) -> String {
        match context.data_unchecked::<Auth>() {
            Auth::Anonymous => "anonymous".to_owned(),
            Auth::Refused => "refused".to_owned(),
            Auth::SignedIn(_) => "signed in".to_owned(),
        }
    }

    async fn address(&self, context: &Context<'_>) -> String {
        context.data_unchecked::<Caller>().address.ip().to_string()
    }

    async fn request_id(&self, context: &Context<'_>) -> String {
        context.data_unchecked::<Caller>().request_id.to_string()
    }

    async fn cookie(&self, context: &Context<'_>, name: String) -> Option<String> {
        context.data_unchecked::<Cookies>().named(&name).next().map(|value| value.expose().to_owned())
    }
}

#[derive(Union)]
pub enum Pet {
    Cat(Cat),
    Dog(Dog),
}

pub struct Cat;

#[Object]
impl Cat {
    async fn name(&self) -> &str {
        "Tom"
    }

    async fn lives(&self) -> i32 {
        9
    }

    async fn twin(&self) -> Self {
        Self
    }

    async fn slow(&self, ms: u64) -> &str {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        "done"
    }
}

pub struct Dog;

#[Object]
impl Dog {
    async fn name(&self) -> &str {
        "Rex"
    }

    async fn chip(&self) -> Option<i32> {
        None
    }

    async fn twin(&self) -> Self {
        Self
    }

    async fn slow(&self, ms: u64) -> &str {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        "done"
    }
}

#[derive(OneofObject)]
pub enum Choice {
    Text(String),
    Number(i32),
}

/// An object with several fields to select.
#[derive(SimpleObject)]
pub struct Step {
    number: usize,
    left: usize,
}

pub struct Mutation(Traces);

#[Object]
impl Mutation {
    async fn bump(&self) -> usize {
        self.0.bumps.fetch_add(1, SeqCst) + 1
    }

    async fn slow_bump(&self, ms: u64) -> usize {
        let _alive = RunningGuard::new(&self.0.running);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        self.0.bumps.fetch_add(1, SeqCst) + 1
    }

    async fn set_cookie(&self, context: &Context<'_>, value: String) -> bool {
        let cookies = context.data_unchecked::<Cookies>();
        cookies.set(format!("toy={value}; HttpOnly; Path=/graphql"));
        cookies.writable()
    }
}

pub struct Events(Traces);

#[Subscription]
impl Events {
    /// 1 to `to`, one every `ms` milliseconds; the first after `first` milliseconds if given.
    async fn count(&self, to: usize, #[graphql(default)] ms: u64, first: Option<u64>) -> impl Stream<Item = usize> {
        let alive = RunningGuard::new(&self.0.running);
        stream::iter(1..=to).then(move |number| {
            let _alive = &alive;
            let wait = first.filter(|_| number == 1).unwrap_or(ms);
            async move {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                number
            }
        })
    }

    /// 1 to `to`.
    async fn steps(&self, to: usize) -> impl Stream<Item = Step> {
        stream::iter((1..=to).map(move |number| Step { number, left: to - number }))
    }

    /// Emits nothing.
    async fn silence(&self) -> impl Stream<Item = usize> {
        let alive = RunningGuard::new(&self.0.running);
        stream::pending().inspect(move |_| {
            let _alive = &alive;
        })
    }

    /// Emits as fast as the client reads.
    async fn flood(&self, bytes: usize) -> impl Stream<Item = String> {
        let alive = RunningGuard::new(&self.0.running);
        stream::repeat_with(move || {
            let _alive = &alive;
            "x".repeat(bytes)
        })
    }

    async fn missing(&self) -> async_graphql::Result<impl Stream<Item = usize> + use<>> {
        Err::<stream::Empty<usize>, _>(
            Error::new("There is none.").extend_with(|_, extensions| extensions.set("code", "NOT_FOUND")),
        )
    }

    async fn panicking(&self) -> impl Stream<Item = usize> {
        stream::iter([1, 0]).map(|divisor| 1 / divisor)
    }
}

pub fn schema(traces: &Traces) -> Toy {
    Schema::build(Query(traces.clone()), Mutation(traces.clone()), Events(traces.clone())).finish()
}

/// Accepts the tokens `good`, until it is revoked, and `other`, of another account.
#[derive(Clone)]
pub struct Tokens {
    signed_in: Arc<Mutex<Option<SignedIn>>>,
    other: SignedIn,
    ticks: watch::Sender<u64>,
}

impl Tokens {
    pub fn new(expires_at: domain::Timestamp) -> Self {
        let entropy = platform::clock::Entropy::seeded(1);
        let new_session = || SignedIn {
            account: domain::ids::AccountId::new(&entropy),
            session: domain::ids::SessionId::new(&entropy),
            role: Role::User,
            expires_at,
            authenticated: None,
            generation: 0,
        };
        Self {
            signed_in: Arc::new(Mutex::new(Some(new_session()))),
            other: new_session(),
            ticks: watch::Sender::new(0),
        }
    }

    pub fn revoke(&self) {
        *self.signed_in.lock().unwrap() = None;
        self.tick();
    }

    /// Announces a revocation that does not concern this token.
    pub fn tick(&self) {
        self.ticks.send_modify(|ticks| *ticks += 1);
    }
}

impl Judge for Tokens {
    fn judge(&self, bearer: &str) -> Result<SignedIn, TokenRefused> {
        match bearer {
            "good" => self.signed_in.lock().unwrap().clone().ok_or(TokenRefused),
            "other" => Ok(self.other.clone()),
            _ => Err(TokenRefused),
        }
    }

    fn revocations(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }
}
