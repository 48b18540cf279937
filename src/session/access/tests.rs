//! Access tokens that must be rejected (RFC 8725; docs/security.md, TK-01, TK-05, TK-06, TK-10).

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;
use crate::session::authentication::Method;
use platform::{
    clock::ManualClock,
    keys::{ServerKey, ServerKeys},
};

const SECRET: &str = "Yk3v9QpL7sX2mN8wR4tZ6bH1cF5jD0gKaE";
const OLD_SECRET: &str = "an older one: wR4tZ6bH1cF5jD0gKaE7sX2";

struct TestIssuer {
    tokens: AccessTokens,
    manual_clock: ManualClock,
    account: AccountId,
    session: SessionId,
}

fn settings() -> config::Session {
    let env = config::Env::new([], config::session::SETTINGS.iter().copied());
    config::Session::from_env(&env)
}

fn issuer(source: &KeySource) -> TestIssuer {
    let (clock, manual_clock) = Clock::manual("2026-03-02T03:00:00.250Z".parse().unwrap());
    let entropy = Entropy::seeded(1);
    let (account, session) = (AccountId::new(&entropy), SessionId::new(&entropy));
    TestIssuer {
        tokens: AccessTokens::open(source, &settings(), clock, entropy).unwrap(),
        manual_clock,
        account,
        session,
    }
}

fn no_keys() -> KeySource {
    KeySource {
        secret: None,
        private_key: None,
        accepted_secrets: Vec::new(),
        next_private_key: None,
        previous_public_keys: None,
        server_keys: server_keys(1, &[]),
    }
}

/// Server keys, each generated from a number.
fn server_keys(current: u64, accepted: &[u64]) -> ServerKeys {
    let key = |number: u64| ServerKey::new(Entropy::seeded(number).bytes::<32>().to_vec()).unwrap();
    ServerKeys::new(key(current), accepted.iter().copied().map(key).collect())
}

fn by_secret(secret: &str) -> KeySource {
    KeySource { secret: Some(Secret::new(secret)), ..no_keys() }
}

impl TestIssuer {
    fn issue(&self) -> String {
        let ends = self.tokens.0.clock.now() + Duration::from_secs(7 * 86_400);
        self.issue_until(ends).token.expose().to_owned()
    }

    fn issue_until(&self, session_ends: Timestamp) -> AccessToken {
        self.issue_with(session_ends, Some(Context::SignIn))
    }

    fn issue_with(&self, session_ends: Timestamp, context: Option<Context>) -> AccessToken {
        let authentication = Authentication { at: self.tokens.0.clock.now(), methods: vec![Method::Password], context };
        let grant = AccessGrant {
            account: &self.account,
            username: "hong",
            role: Role::User,
            session: &self.session,
            session_ends,
            authentication,
            generation: 3,
        };
        self.tokens.issue(&grant).unwrap()
    }

    fn accepts(&self, token: &str) -> bool {
        self.tokens.verify(token).is_ok()
    }
}

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Signs an arbitrary header and claims with HS256.
fn forge(header: &Value, claims: &Value, key: &[u8]) -> String {
    let body = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = jsonwebtoken::crypto::sign(body.as_bytes(), &EncodingKey::from_secret(key), Algorithm::HS256);
    format!("{body}.{}", signature.unwrap())
}

fn with(mut value: Value, name: &str, replaced: Value) -> Value {
    value[name] = replaced;
    value
}

fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name);
    value
}

#[test]
fn tk_01_token_has_required_claims_and_no_personal_data() {
    let issuer = issuer(&by_secret(SECRET));
    let token = issuer.issue();
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("HS256")));
    assert_eq!(header["kid"].as_str().unwrap().len(), 16);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("countersign"), &json!("countersign")));
    assert_eq!((&claims["type"], &claims["role"]), (&json!("access"), &json!("USER")));
    assert_eq!((&claims["sub"], &claims["sid"]), (&json!(issuer.account.as_str()), &json!(issuer.session.as_str())));
    assert_eq!(claims["username"], "hong");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert!(claims["jti"].as_str().unwrap().len() >= 22);
    assert_ne!(part(&issuer.issue(), 1)["jti"], claims["jti"]);
    assert!(issuer.accepts(&token));
    assert_eq!(issuer.tokens.verify(&token).unwrap().account, issuer.account);
}

#[test]
fn token_carries_time_and_methods_of_authentication() {
    let issuer = issuer(&by_secret(SECRET));
    let now = issuer.tokens.0.clock.now();
    let ends = now + Duration::from_secs(86_400);
    for (context, acr) in [
        (None, Value::Null),
        (Some(Context::SignIn), json!("sign_in")),
        (Some(Context::Reauthentication), json!("reauthentication")),
    ] {
        let token = issuer.issue_with(ends, context).token;
        let claims = part(token.expose(), 1);
        assert_eq!((&claims["auth_time"], &claims["amr"]), (&json!(now.timestamp()), &json!(["pwd"])));
        assert_eq!(claims["acr"], acr);
        let at = Timestamp::from_timestamp(now.timestamp(), 0).unwrap();
        let read = issuer.tokens.verify(token.expose()).unwrap().authenticated;
        assert_eq!(read, context.map(|context| Authenticated { at, context }));
    }
    // A token of an earlier version, or one with an unknown context, does not count as a recent authentication.
    let token = issuer.issue();
    let (header, claims) = (part(&token, 0), part(&token, 1));
    for claims in
        [without(claims.clone(), "auth_time"), without(claims.clone(), "acr"), with(claims, "acr", json!("x"))]
    {
        let read = issuer.tokens.verify(&forge(&header, &claims, SECRET.as_bytes())).unwrap();
        assert_eq!(read.authenticated, None, "{claims}");
    }
}

#[test]
fn tk_05_forged_tokens_are_rejected() {
    let issuer = issuer(&by_secret(SECRET));
    let token = issuer.issue();
    let (header, claims) = (part(&token, 0), part(&token, 1));
    // Control: an unmodified token signed by `forge` is accepted.
    assert!(issuer.accepts(&forge(&header, &claims, SECRET.as_bytes())));
    let malformed = malformed_tokens(&token);
    let forged = malformed.into_iter().chain(forged_headers(&header, &claims)).chain(forged_claims(&header, &claims));
    for token in forged {
        assert!(!issuer.accepts(&token), "{token:.200}");
    }
    let another_subject = with(claims, "sub", json!(issuer.session.as_str()));
    assert!(!issuer.accepts(&forge(&header, &another_subject, SECRET.as_bytes())));
}

fn malformed_tokens(token: &str) -> Vec<String> {
    vec![
        String::new(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(100_000),
        token[..=token.rfind('.').unwrap()].to_owned(),
        token[..token.len() - 4].to_owned(),
        format!("{token}AAAA"),
    ]
}

fn forged_headers(header: &Value, claims: &Value) -> Vec<String> {
    let key = SECRET.as_bytes();
    let mut forged = vec![
        forge(header, claims, b""),
        forge(header, claims, b"secret"),
        forge(&with(header.clone(), "typ", json!("JWT")), claims, key),
        forge(&with(header.clone(), "typ", json!("attestation+jwt")), claims, key),
        forge(&without(header.clone(), "typ"), claims, key),
        forge(&without(header.clone(), "kid"), claims, key),
        forge(&with(header.clone(), "kid", json!("../../dev/null")), claims, key),
        forge(&with(header.clone(), "crit", json!(["exp"])), claims, key),
        forge(&with(header.clone(), "jku", json!("https://evil.example/jwks.json")), claims, key),
        forge(&with(header.clone(), "x5u", json!("https://evil.example/x5")), claims, key),
        forge(&with(header.clone(), "jwk", json!({ "kty": "oct", "k": "AAAA" })), claims, key),
        forge(&with(header.clone(), "alg", json!("RS256")), claims, key),
        forge(&with(header.clone(), "alg", json!("HS512")), claims, key),
    ];
    for none in ["none", "None", "NONE", "nOnE"] {
        let header = with(header.clone(), "alg", json!(none));
        let [encoded_header, encoded_claims] =
            [header.to_string(), claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part));
        forged.push(format!("{encoded_header}.{encoded_claims}."));
        forged.push(forge(&header, claims, key));
    }
    forged
}

fn forged_claims(header: &Value, claims: &Value) -> Vec<String> {
    let key = SECRET.as_bytes();
    let mut forged = Vec::new();
    for (name, value) in [
        ("iss", json!("another issuer")),
        ("aud", json!("another service")),
        ("aud", json!(["another service"])),
        ("type", json!("refresh")),
        ("sub", json!("")),
        ("sid", json!("ses_")),
        ("role", json!("ROOT")),
        ("exp", json!("never")),
        ("exp", json!(i64::MAX)),
        ("exp", json!(claims["iat"])),
        ("iat", json!(claims["iat"].as_i64().unwrap() + 61)),
        ("nbf", json!(claims["iat"].as_i64().unwrap() + 61)),
    ] {
        forged.push(forge(header, &with(claims.clone(), name, value), key));
    }
    for name in ["iss", "aud", "sub", "sid", "exp", "iat", "type", "role", "jti", "username"] {
        forged.push(forge(header, &without(claims.clone(), name), key));
    }
    forged
}

#[test]
fn token_expires_on_time_and_not_after_its_session() {
    let issuer = issuer(&by_secret(SECRET));
    let token = issuer.issue();
    issuer.manual_clock.advance(Duration::from_millis(3_599_749));
    assert!(issuer.accepts(&token));
    issuer.manual_clock.advance(Duration::from_millis(1));
    assert!(!issuer.accepts(&token));

    let ends = issuer.tokens.0.clock.now() + Duration::from_secs(60);
    let short = issuer.issue_until(ends);
    assert_eq!(short.expires_at, ends);
}

#[test]
fn tk_10_previous_secret_is_accepted_until_removed() {
    let old = issuer(&by_secret(OLD_SECRET));
    let token = old.issue();
    let rotated = issuer(&KeySource { accepted_secrets: vec![Secret::new(OLD_SECRET)], ..by_secret(SECRET) });
    assert!(rotated.accepts(&token));
    assert_ne!(part(&rotated.issue(), 0)["kid"], part(&token, 0)["kid"]);
    assert!(!issuer(&by_secret(SECRET)).accepts(&token));
}

/// An Ed25519 key in PKCS #8, from its seed (RFC 8410).
fn ed25519_pem(seed: u8) -> Secret {
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend_from_slice(&[seed; 32]);
    Secret::new(format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----", STANDARD.encode(der)))
}

fn by_private_key(pem: Secret) -> KeySource {
    KeySource { private_key: Some(pem), ..no_keys() }
}

/// The public key of an issuer, as a PEM.
fn public_pem(issuer: &TestIssuer) -> String {
    let jwk = json!(issuer.tokens.public_keys()[0]);
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend_from_slice(&URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap());
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

#[test]
fn tk_10_private_key_signs_and_previous_key_is_accepted() {
    let old = issuer(&by_private_key(ed25519_pem(7)));
    let token = old.issue();
    assert_eq!(part(&token, 0)["alg"], "EdDSA");
    assert!(old.accepts(&token));
    let jwk = json!(old.tokens.public_keys()[0]);
    assert_eq!((&jwk["kid"], &jwk["use"]), (&part(&token, 0)["kid"], &json!("sig")));
    assert!(jwk.get("d").is_none());

    let new = issuer(&KeySource {
        previous_public_keys: Some(Secret::new(public_pem(&old))),
        accepted_secrets: vec![Secret::new(SECRET)],
        ..by_private_key(ed25519_pem(9))
    });
    assert!(new.accepts(&token));
    assert!(new.accepts(&issuer(&by_secret(SECRET)).issue()));
    assert_eq!(new.tokens.public_keys().len(), 2);
    assert!(!issuer(&by_private_key(ed25519_pem(9))).accepts(&token));
}

#[test]
fn tk_05_public_key_is_not_accepted_as_a_secret() {
    let issuer = issuer(&by_private_key(ed25519_pem(7)));
    let token = issuer.issue();
    let header = with(part(&token, 0), "alg", json!("HS256"));
    let pem = public_pem(&issuer);
    let raw = URL_SAFE_NO_PAD.decode(json!(issuer.tokens.public_keys()[0])["x"].as_str().unwrap()).unwrap();
    for key in [pem.as_bytes(), pem.trim().as_bytes(), &raw] {
        assert!(!issuer.accepts(&forge(&header, &part(&token, 1), key)));
    }
}

#[test]
fn invalid_key_is_rejected_with_the_name_of_its_setting() {
    let refused = |source: &KeySource| {
        let (clock, _) = Clock::manual(Timestamp::UNIX_EPOCH);
        AccessTokens::open(source, &settings(), clock, Entropy::seeded(1)).map(|_| ()).unwrap_err()
    };
    assert!(refused(&no_keys()).starts_with("JWT_SECRET"));
    assert!(refused(&by_private_key(Secret::new("hello"))).starts_with("JWT_PRIVATE_KEY"));
    let wrong = KeySource { previous_public_keys: Some(Secret::new("hello")), ..by_secret(SECRET) };
    assert!(refused(&wrong).starts_with("JWT_PUBLIC_KEYS_PREVIOUS"));
}

/// The id in the header cannot be used to confirm a guess at the secret. It differs by server key, and processes that
/// have both server keys accept both ids.
#[test]
fn id_of_a_secret_is_keyed_and_survives_server_key_rotation() {
    let under = |server_keys: ServerKeys| issuer(&KeySource { server_keys, ..by_secret(SECRET) });
    let (old, new) = (under(server_keys(1, &[2])), under(server_keys(2, &[1])));
    let (first, second) = (old.issue(), new.issue());
    assert_ne!(part(&first, 0)["kid"], part(&second, 0)["kid"]);
    assert!(old.accepts(&second) && new.accepts(&first));
    assert!(!under(server_keys(3, &[])).accepts(&first));
}

/// A token signed by an earlier version, with an unkeyed id, is accepted until it expires. New tokens do not use that
/// id.
#[test]
fn tokens_with_the_unkeyed_id_of_earlier_versions_are_accepted() {
    use sha2::{Digest, Sha256};
    let issuer = issuer(&by_secret(SECRET));
    let token = issuer.issue();
    let digest = Sha256::new().chain_update(b"countersign/jwt-key-id/").chain_update(SECRET).finalize();
    let unkeyed = json!(hex::encode(&digest[..8]));
    assert_ne!(part(&token, 0)["kid"], unkeyed);
    let earlier = forge(&with(part(&token, 0), "kid", unkeyed), &part(&token, 1), SECRET.as_bytes());
    assert!(issuer.accepts(&earlier));
}

/// First phase of a key rotation: the next key is accepted before it is used for signing.
#[test]
fn next_key_is_accepted_and_published_before_it_signs() {
    let next = ed25519_pem(9);
    let before = issuer(&KeySource { next_private_key: Some(next.clone()), ..by_secret(SECRET) });
    let after = issuer(&KeySource { accepted_secrets: vec![Secret::new(SECRET)], ..by_private_key(next) });
    assert_eq!(before.tokens.public_keys(), after.tokens.public_keys());
    assert!(before.accepts(&after.issue()) && after.accepts(&before.issue()));
    assert_eq!(part(&before.issue(), 0)["alg"], "HS256");
}
