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

use crate::http::pulse::Pulse;
use domain::caller::ClientAddress;
use platform::{
    config::http::Http,
    telemetry::metrics::{self, TurnedAway},
};

/// How often to look for an idle connection while all are busy.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The connection slots of the server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    most: usize,
    most_of_network: usize,
    proxies: Arc<[IpNet]>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    held: HashMap<u64, Held>,
    /// Open connections by client network; those of trusted proxies are not included.
    networks: HashMap<IpAddr, HashSet<u64>>,
}

#[derive(Debug)]
struct Held {
    network: Option<IpAddr>,
    pulse: Arc<Pulse>,
    evicted: CancellationToken,
}

/// The slot of one open connection; released when dropped.
#[derive(Debug)]
pub struct Place {
    id: u64,
    shared: Arc<Shared>,
    evicted: CancellationToken,
}

/// Why a new connection gets no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The network has reached its limit, and all its connections are busy.
    Network,
    /// All connections are busy.
    All,
}

impl Places {
    pub fn new(settings: &Http) -> Self {
        Self {
            most: settings.max_connections,
            most_of_network: settings.connections_per_address,
            proxies: settings.trusted_proxies.clone().into(),
            shared: Arc::default(),
        }
    }

    /// Waits for a slot for a connection from `peer`. None if its network has reached its limit.
    pub async fn take(&self, peer: SocketAddr, pulse: &Arc<Pulse>) -> Option<Place> {
        loop {
            match self.try_take(peer, pulse) {
                Ok(place) => return Some(place),
                Err(Full::Network) => {
                    metrics::connection_turned_away(TurnedAway::Address);
                    return None;
                }
                Err(Full::All) => {
                    let _ = tokio::time::timeout(RETRY_INTERVAL, self.shared.freed.notified()).await;
                }
            }
        }
    }

    /// A slot, if one is free or an idle connection can be evicted.
    ///
    /// # Errors
    /// [`Full`].
    pub fn try_take(&self, peer: SocketAddr, pulse: &Arc<Pulse>) -> Result<Place, Full> {
        let address = peer.ip().to_canonical();
        let trusted = self.proxies.iter().any(|proxies| proxies.contains(&address));
        let network = (!trusted).then(|| ClientAddress::new(address).network());
        let mut state = self.shared.state();
        if let Some(network) = network
            && state.networks.get(&network).is_some_and(|held| held.len() >= self.most_of_network)
            && !state.evict_of(&network)
        {
            return Err(Full::Network);
        }
        if state.held.len() >= self.most && !state.evict_any() {
            return Err(Full::All);
        }
        Ok(state.add(network, pulse, &self.shared))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, network: Option<IpAddr>, pulse: &Arc<Pulse>, shared: &Arc<Shared>) -> Place {
        let id = self.next;
        self.next += 1;
        let evicted = CancellationToken::new();
        self.held.insert(id, Held { network, pulse: pulse.clone(), evicted: evicted.clone() });
        if let Some(network) = network {
            self.networks.entry(network).or_default().insert(id);
        }
        Place { id, shared: shared.clone(), evicted }
    }

    fn remove(&mut self, id: u64) -> Option<Held> {
        let held = self.held.remove(&id)?;
        if let Some(network) = held.network
            && let Some(ids) = self.networks.get_mut(&network)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.networks.remove(&network);
            }
        }
        Some(held)
    }

    fn evict_of(&mut self, network: &IpAddr) -> bool {
        let ids = self.networks.get(network).into_iter().flatten();
        let idle = longest_idle(ids.filter_map(|id| self.held.get_key_value(id)));
        idle.is_some_and(|id| self.evict(id))
    }

    /// Evicts an idle client connection, else one of a trusted proxy: those are reused for other clients.
    fn evict_any(&mut self) -> bool {
        let of = |proxy: bool| longest_idle(self.held.iter().filter(|(_, held)| held.network.is_none() == proxy));
        let idle = of(false).or_else(|| of(true));
        idle.is_some_and(|id| self.evict(id))
    }

    /// Closes a connection, unless a request has just arrived; its slot is free at once.
    fn evict(&mut self, id: u64) -> bool {
        let evicted = self.held.get(&id).is_some_and(|held| held.pulse.evict());
        if evicted && let Some(held) = self.remove(id) {
            held.evicted.cancel();
            metrics::connection_turned_away(TurnedAway::Idle);
        }
        evicted
    }
}

fn longest_idle<'a>(held: impl Iterator<Item = (&'a u64, &'a Held)>) -> Option<u64> {
    let idle = held.filter_map(|(id, held)| Some((held.pulse.idle_since()?, *id)));
    idle.min().map(|(_, id)| id)
}

impl Place {
    /// Cancelled when the connection is evicted.
    pub fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.state().remove(self.id);
        self.shared.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn places(most: usize, most_of_network: usize, proxies: &[&str]) -> Places {
        let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
        Places { most, most_of_network, proxies, shared: Arc::default() }
    }

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 50_000)
    }

    fn pulse() -> Arc<Pulse> {
        Pulse::new(Instant::now())
    }

    #[test]
    fn full_network_evicts_only_its_own_connections() {
        let places = places(10, 2, &[]);
        let other = places.try_take(peer("192.0.2.9"), &pulse()).unwrap();
        let first = places.try_take(peer("2001:db8::1"), &pulse()).unwrap();
        let second = places.try_take(peer("2001:db8::2"), &pulse()).unwrap();
        let third = places.try_take(peer("2001:db8::ffff"), &pulse()).unwrap();
        let closed = [&other, &first, &second, &third].map(|place| place.evicted.is_cancelled());
        assert_eq!(closed, [false, true, false, false], "the connection that was idle longest is closed");
        drop((first, second, third));
        assert_eq!(places.shared.state().held.len(), 1);
        assert_eq!(places.shared.state().networks.len(), 1, "networks without connections are removed");
    }

    #[test]
    fn busy_connections_are_never_evicted() {
        let places = places(3, 2, &[]);
        let (one, two, three) = (pulse(), pulse(), pulse());
        let _requests = [one.serving().unwrap(), two.serving().unwrap()];
        let _held = [places.try_take(peer("192.0.2.1"), &one), places.try_take(peer("192.0.2.1"), &two)];
        assert_eq!(places.try_take(peer("192.0.2.1"), &pulse()).err(), Some(Full::Network));
        let third = places.try_take(peer("192.0.2.2"), &three).unwrap();
        three.upgraded();
        assert_eq!(places.try_take(peer("192.0.2.3"), &pulse()).err(), Some(Full::All));
        drop(third);
        assert!(places.try_take(peer("192.0.2.3"), &pulse()).is_ok());
    }

    #[test]
    fn evicted_connection_starts_no_request() {
        let places = places(1, 1, &[]);
        let first = pulse();
        let _first = places.try_take(peer("192.0.2.1"), &first).unwrap();
        let _second = places.try_take(peer("192.0.2.2"), &pulse()).unwrap();
        assert!(first.serving().is_none());
    }

    #[test]
    fn trusted_proxy_has_no_limit_and_is_evicted_last() {
        let places = places(4, 2, &["10.0.0.0/8"]);
        let proxied = [0; 3].map(|_| places.try_take(peer("::ffff:10.0.0.1"), &pulse()).unwrap());
        let client = places.try_take(peer("192.0.2.1"), &pulse()).unwrap();
        let _new = [0; 2].map(|_| places.try_take(peer("10.0.0.1"), &pulse()).unwrap());
        let closed = proxied.each_ref().map(|place| place.evicted.is_cancelled());
        assert_eq!((client.evicted.is_cancelled(), closed), (true, [true, false, false]));
    }
}
