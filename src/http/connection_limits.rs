//! Connection limits: how many connections may be open in total and per client network, and which idle connection is
//! closed in favour of a new one.
//!
//! An idle connection (no request in flight, no stream) can be evicted: if a new connection needs its slot, the
//! connection that has been idle longest is closed. So clients can't exhaust the server with idle connections, and a
//! network that has reached its limit only evicts its own connections. Trusted proxies have no limit of their own,
//! because each of them serves many clients.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ipnet::IpNet;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::http::connection_activity::ConnectionActivity;
use domain::caller::ClientAddress;
use platform::{
    config::http::Http,
    telemetry::metrics::{self, LimitClose},
};

/// How often to look for an idle connection while all are busy.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The connection slots of the server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    max: usize,
    max_per_network: usize,
    proxies: Arc<[IpNet]>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    slot_released: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    open: HashMap<u64, OpenConnection>,
    /// Open connections by client network; those of trusted proxies are not included.
    networks: HashMap<IpAddr, HashSet<u64>>,
}

#[derive(Debug)]
struct OpenConnection {
    network: Option<IpAddr>,
    activity: Arc<ConnectionActivity>,
    evicted: CancellationToken,
}

/// The slot of one open connection; released when dropped.
#[derive(Debug)]
pub struct ConnectionSlot {
    id: u64,
    shared: Arc<Shared>,
    evicted: CancellationToken,
}

/// Why a new connection gets no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitReached {
    /// The network has reached its limit, and all its connections are busy.
    Network,
    /// All connections are busy.
    All,
}

impl ConnectionLimits {
    pub fn new(settings: &Http) -> Self {
        Self {
            max: settings.max_connections,
            max_per_network: settings.connections_per_address,
            proxies: settings.trusted_proxies.clone().into(),
            shared: Arc::default(),
        }
    }

    /// Waits for a slot for a connection from `peer`. None if its network has reached its limit.
    pub async fn acquire(&self, peer: SocketAddr, activity: &Arc<ConnectionActivity>) -> Option<ConnectionSlot> {
        loop {
            match self.try_acquire(peer, activity) {
                Ok(place) => return Some(place),
                Err(LimitReached::Network) => {
                    metrics::connection_closed_by_limit(LimitClose::Address);
                    return None;
                }
                Err(LimitReached::All) => {
                    let _ = tokio::time::timeout(RETRY_INTERVAL, self.shared.slot_released.notified()).await;
                }
            }
        }
    }

    /// A slot, if one is free or an idle connection can be evicted.
    ///
    /// # Errors
    /// [`LimitReached`].
    pub fn try_acquire(
        &self,
        peer: SocketAddr,
        activity: &Arc<ConnectionActivity>,
    ) -> Result<ConnectionSlot, LimitReached> {
        let address = peer.ip().to_canonical();
        let trusted = self.proxies.iter().any(|proxies| proxies.contains(&address));
        let network = (!trusted).then(|| ClientAddress::new(address).network());
        let mut state = self.shared.state();
        if let Some(network) = network
            && state.networks.get(&network).is_some_and(|connection| connection.len() >= self.max_per_network)
            && !state.evict_of(&network)
        {
            return Err(LimitReached::Network);
        }
        if state.open.len() >= self.max && !state.evict_any() {
            return Err(LimitReached::All);
        }
        Ok(state.add(network, activity, &self.shared))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(
        &mut self,
        network: Option<IpAddr>,
        activity: &Arc<ConnectionActivity>,
        shared: &Arc<Shared>,
    ) -> ConnectionSlot {
        let id = self.next;
        self.next += 1;
        let evicted = CancellationToken::new();
        self.open.insert(id, OpenConnection { network, activity: activity.clone(), evicted: evicted.clone() });
        if let Some(network) = network {
            self.networks.entry(network).or_default().insert(id);
        }
        ConnectionSlot { id, shared: shared.clone(), evicted }
    }

    fn remove(&mut self, id: u64) -> Option<OpenConnection> {
        let connection = self.open.remove(&id)?;
        if let Some(network) = connection.network
            && let Some(ids) = self.networks.get_mut(&network)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.networks.remove(&network);
            }
        }
        Some(connection)
    }

    fn evict_of(&mut self, network: &IpAddr) -> bool {
        let ids = self.networks.get(network).into_iter().flatten();
        let idle = longest_idle(ids.filter_map(|id| self.open.get_key_value(id)));
        idle.is_some_and(|id| self.evict(id))
    }

    /// Evicts an idle client connection, else one of a trusted proxy: those are reused for other clients.
    fn evict_any(&mut self) -> bool {
        let of = |proxy: bool| {
            longest_idle(self.open.iter().filter(|(_, connection)| connection.network.is_none() == proxy))
        };
        let idle = of(false).or_else(|| of(true));
        idle.is_some_and(|id| self.evict(id))
    }

    /// Closes a connection, unless a request has just arrived; its slot is free at once.
    fn evict(&mut self, id: u64) -> bool {
        let evicted = self.open.get(&id).is_some_and(|connection| connection.activity.evict());
        if evicted && let Some(connection) = self.remove(id) {
            connection.evicted.cancel();
            metrics::connection_closed_by_limit(LimitClose::Idle);
        }
        evicted
    }
}

fn longest_idle<'a>(connection: impl Iterator<Item = (&'a u64, &'a OpenConnection)>) -> Option<u64> {
    let idle = connection.filter_map(|(id, connection)| Some((connection.activity.idle_since()?, *id)));
    idle.min().map(|(_, id)| id)
}

impl ConnectionSlot {
    /// Cancelled when the connection is evicted.
    pub fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.shared.state().remove(self.id);
        self.shared.slot_released.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn places(max: usize, max_per_network: usize, proxies: &[&str]) -> ConnectionLimits {
        let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
        ConnectionLimits { max, max_per_network, proxies, shared: Arc::default() }
    }

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 50_000)
    }

    fn activity() -> Arc<ConnectionActivity> {
        ConnectionActivity::new(Instant::now())
    }

    #[test]
    fn full_network_evicts_only_its_own_connections() {
        let places = places(10, 2, &[]);
        let other = places.try_acquire(peer("192.0.2.9"), &activity()).unwrap();
        let first = places.try_acquire(peer("2001:db8::1"), &activity()).unwrap();
        let second = places.try_acquire(peer("2001:db8::2"), &activity()).unwrap();
        let third = places.try_acquire(peer("2001:db8::ffff"), &activity()).unwrap();
        let closed = [&other, &first, &second, &third].map(|place| place.evicted.is_cancelled());
        assert_eq!(closed, [false, true, false, false], "the connection that was idle longest is closed");
        drop((first, second, third));
        assert_eq!(places.shared.state().open.len(), 1);
        assert_eq!(places.shared.state().networks.len(), 1, "networks without connections are removed");
    }

    #[test]
    fn busy_connections_are_never_evicted() {
        let places = places(3, 2, &[]);
        let (one, two, three) = (activity(), activity(), activity());
        let _requests = [one.serving().unwrap(), two.serving().unwrap()];
        let _held = [places.try_acquire(peer("192.0.2.1"), &one), places.try_acquire(peer("192.0.2.1"), &two)];
        assert_eq!(places.try_acquire(peer("192.0.2.1"), &activity()).err(), Some(LimitReached::Network));
        let third = places.try_acquire(peer("192.0.2.2"), &three).unwrap();
        three.upgraded();
        assert_eq!(places.try_acquire(peer("192.0.2.3"), &activity()).err(), Some(LimitReached::All));
        drop(third);
        assert!(places.try_acquire(peer("192.0.2.3"), &activity()).is_ok());
    }

    #[test]
    fn evicted_connection_starts_no_request() {
        let places = places(1, 1, &[]);
        let first = activity();
        let _first = places.try_acquire(peer("192.0.2.1"), &first).unwrap();
        let _second = places.try_acquire(peer("192.0.2.2"), &activity()).unwrap();
        assert!(first.serving().is_none());
    }

    #[test]
    fn trusted_proxy_has_no_limit_and_is_evicted_last() {
        let places = places(4, 2, &["10.0.0.0/8"]);
        let proxied = [0; 3].map(|_| places.try_acquire(peer("::ffff:10.0.0.1"), &activity()).unwrap());
        let client = places.try_acquire(peer("192.0.2.1"), &activity()).unwrap();
        let _new = [0; 2].map(|_| places.try_acquire(peer("10.0.0.1"), &activity()).unwrap());
        let closed = proxied.each_ref().map(|place| place.evicted.is_cancelled());
        assert_eq!((client.evicted.is_cancelled(), closed), (true, [true, false, false]));
    }
}
