//! Tokens of revoked sessions are rejected, by the process that ended them and by the others.

use std::time::Duration;

use super::{AccessGrant, AccessTokens, Authentication, Confirmations, KeySource, gate::*};
use domain::{
    Timestamp,
    ids::{AccountId, SessionId},
};
use platform::{
    clock::{Clock, Entropy},
    config,
    keys::{ServerKey, ServerKeys},
    secret::Secret,
};

fn gate() -> (Gate, AccessTokens, Clock) {
    let (clock, _) = Clock::manual("2026-03-02T03:00:00Z".parse().unwrap());
    let env = config::Env::new([], config::session::SETTINGS.iter().copied());
    let settings = config::Session::from_env(&env);
    let server_key = ServerKey::new(Entropy::seeded(1).bytes::<32>().to_vec()).unwrap();
    let source = KeySource {
        secret: Some(Secret::new("Yk3v9QpL7sX2mN8wR4tZ6bH1cF5jD0gKaE")),
        private_key: None,
        accepted_secrets: Vec::new(),
        next_private_key: None,
        previous_public_keys: None,
        server_keys: ServerKeys::new(server_key, Vec::new()),
    };
    let access = AccessTokens::open(&source, &settings, clock.clone(), Entropy::seeded(1)).unwrap();
    (Gate::new(access.clone(), Confirmations::default(), clock.clone()), access, clock)
}

#[test]
fn tk_07_token_of_an_ended_session_is_rejected_and_others_are_not() {
    let (gate, access, clock) = gate();
    let entropy = Entropy::seeded(2);
    let account = AccountId::new(&entropy);
    let ends = clock.now() + Duration::from_secs(86_400);
    let token = |session: &SessionId| {
        let grant = AccessGrant {
            account: &account,
            username: "hong",
            role: Role::User,
            session,
            session_ends: ends,
            authentication: Authentication { at: clock.now(), methods: Vec::new(), context: None },
            generation: 0,
        };
        access.issue(&grant).unwrap().token.expose().to_owned()
    };
    let [ended, other] = [(), ()].map(|()| SessionId::new(&entropy));
    let (ended_token, other_token) = (token(&ended), token(&other));
    let ticks = gate.revocations();
    assert_eq!(gate.judge(&ended_token).unwrap().session, ended);
    gate.revoke([ended.clone()], clock.now());
    assert_eq!(gate.judge(&ended_token), Err(TokenRefused));
    assert!(gate.judge(&other_token).is_ok());
    assert!(ticks.has_changed().unwrap());
    // A repeated notification, through Redis or from the database, is not a change.
    let mut ticks = gate.revocations();
    gate.revoke([ended], Timestamp::UNIX_EPOCH);
    assert!(!ticks.has_changed().unwrap());
    ticks.mark_unchanged();
}
