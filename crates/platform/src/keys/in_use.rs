//! The ids of the keys of a process.

use serde::{Deserialize, Serialize};

use super::folder::KeyKind;

/// The ids of one key in rows and tokens. A secret of access tokens has one id for each server key, since its ids are
/// derived with those.
pub type Ids = Vec<String>;

/// The keys of a process. The first one of each kind is the current key, the others are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeysInUse {
    pub server: Vec<Ids>,
    pub jwt: Vec<Ids>,
    pub attestation: Vec<Ids>,
}

impl KeysInUse {
    pub fn of(&self, kind: KeyKind) -> &[Ids] {
        match kind {
            KeyKind::Server => &self.server,
            KeyKind::Jwt => &self.jwt,
            KeyKind::Attestation => &self.attestation,
        }
    }

    /// The current key. `None`: there is none yet.
    pub fn current(&self, kind: KeyKind) -> Option<&Ids> {
        self.of(kind).first()
    }

    /// Whether a key is current or accepted.
    pub fn accepts(&self, kind: KeyKind, key: &[String]) -> bool {
        self.of(kind).iter().any(|ids| ids.iter().any(|id| key.contains(id)))
    }

    /// Whether this process accepts what the other process signs or derives with its current key.
    pub fn accepts_current_of(&self, other: &Self, kind: KeyKind) -> bool {
        // The other process writes the first id of the key.
        other.current(kind).is_none_or(|key| self.accepts(kind, &key[..key.len().min(1)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(server: &[&str]) -> KeysInUse {
        KeysInUse { server: server.iter().map(|id| vec![(*id).to_owned()]).collect(), ..KeysInUse::default() }
    }

    #[test]
    fn only_adjacent_phases_accept_each_other() {
        let (before, accepted, used) = (keys(&["old"]), keys(&["old", "new"]), keys(&["new", "old"]));
        let both = |one: &KeysInUse, other: &KeysInUse| {
            let kind = KeyKind::Server;
            (one.accepts_current_of(other, kind), other.accepts_current_of(one, kind))
        };
        assert_eq!(both(&before, &accepted), (true, true));
        assert_eq!(both(&accepted, &used), (true, true));
        assert_eq!(both(&before, &used), (false, true));
        assert_eq!(both(&before, &keys(&["new"])), (false, false));
        assert!(before.accepts_current_of(&KeysInUse::default(), KeyKind::Server));
    }

    #[test]
    fn keys_of_another_version_can_be_parsed() {
        let read: KeysInUse = serde_json::from_str(r#"{"server":[["ab"]],"sealing":[["cd"]]}"#).unwrap();
        assert_eq!(read, keys(&["ab"]));
    }
}
