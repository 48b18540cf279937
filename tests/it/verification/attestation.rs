//! Attestations of a confirmed verification, as another back end verifies them.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;

use crate::support::Setup;

/// Verified with the published key alone: issuer, audience, subject, purpose, channel, times.
#[tokio::test]
async fn attestation_is_verifiable_with_the_published_key() {
    // The library checks against the system clock, so the server's clock is set to the future.
    let setup = Setup::new().await.with("PUBLIC_URL", "https://id.example.com").at("2099-03-02T03:00:00Z");
    let app = setup.with("ATTESTATION_AUDIENCE", "shop").start().await;
    let client = app.anonymous();
    let id = client.send_code_to("010-2222-3333").await["id"].clone();
    let code = app.code_sent_to("+821022223333").await;
    let proof = client.confirm(&id, &code).await["proof"].clone();
    let jwks = reqwest::get(format!("{}/.well-known/jwks.json", app.url())).await.unwrap();
    let jwks: JwkSet = jwks.json().await.unwrap();
    let token = proof["attestation"].as_str().unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = DecodingKey::from_jwk(jwks.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["shop"]);
    validation.set_issuer(&["https://id.example.com"]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], "+821022223333");
    assert_eq!((claims["purpose"].as_str(), claims["channel"].as_str()), (Some("CONTACT"), Some("SMS")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    assert!(claims["jti"].as_str().unwrap().len() >= 32);
    // The verification id is a capability and is not in the attestation.
    assert!(!claims.to_string().contains(id.as_str().unwrap()));
    validation.set_audience(&["another"]);
    assert!(jsonwebtoken::decode::<Value>(token, &key, &validation).is_err());
    app.stop().await;
}

/// The checks of the samples in docs/attestation.md, in order. Returns the first check that fails.
fn first_failed_check(token: &str, keys: &JwkSet, audience: &str) -> Option<&'static str> {
    let header = jsonwebtoken::decode_header(token).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&["https://id.example.com"]);
    validation.set_required_spec_claims(&["sub", "exp"]);
    validation.validate_aud = false;
    let key = header.kid.and_then(|kid| keys.find(&kid).cloned()).and_then(|jwk| DecodingKey::from_jwk(&jwk).ok());
    let Some(checked) = key.and_then(|key| jsonwebtoken::decode::<Value>(token, &key, &validation).ok()) else {
        return Some("signature and issuer");
    };
    let checks = [
        ("audience", checked.claims["aud"] == audience),
        ("type", checked.header.typ.as_deref() == Some("attestation+jwt")),
        ("purpose", checked.claims["purpose"] == "CONTACT"),
    ];
    checks.into_iter().find(|(_, passes)| !passes).map(|(check, _)| check)
}

/// An access token that is signed with a key of the same JWKS, even for the same issuer and audience, fails
/// the checks of the samples. With the defaults the audience alone rejects it, and so does each of the other checks.
#[tokio::test]
async fn access_token_is_not_accepted_as_attestation() {
    let seed = platform::clock::Entropy::System.bytes::<32>();
    let der = [&platform::keys::ED25519_PKCS8_PREFIX[..], &seed].concat();
    let der = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let setup = Setup::new().await.at("2099-03-02T03:00:00Z").with("PUBLIC_URL", "https://id.example.com");
    let setup = setup.without("JWT_SECRET").with("JWT_PRIVATE_KEY", &pem).with("JWT_ISSUER", "https://id.example.com");
    let app = setup.start().await;
    let same = app.another_process_with(&[("JWT_AUDIENCE", Some("countersign-attestation"))]).await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let refreshed = same.anonymous().refresh(&signed_in.refresh).await;
    let jwks = reqwest::get(format!("{}/.well-known/jwks.json", app.url())).await.unwrap();
    let jwks: JwkSet = jwks.json().await.unwrap();
    assert_eq!(jwks.keys.len(), 2, "both keys are published");
    let client = app.anonymous();
    let id = client.send_code_to("010-2222-3333").await["id"].clone();
    let proof = client.confirm(&id, &app.code_sent_to("+821022223333").await).await["proof"].clone();
    let audience = "countersign-attestation";
    assert_eq!(first_failed_check(proof["attestation"].as_str().unwrap(), &jwks, audience), None);
    assert_eq!(first_failed_check(&signed_in.access, &jwks, audience), Some("audience"));
    let confusing = refreshed["tokens"]["accessToken"].as_str().unwrap();
    assert_eq!(first_failed_check(confusing, &jwks, audience), Some("type"));
    let claims = confusing.split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert!(claims["purpose"].is_null() && claims["aud"] == audience, "{claims}");
    for app in [same, app] {
        app.stop().await;
    }
}

/// The samples check everything that distinguishes an attestation from other tokens.
#[test]
fn documented_samples_check_type_audience_and_purpose() {
    let read = |file: &str| std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let text = read("docs/attestation.md");
    let samples = text.split("```").skip(1).step_by(2).filter(|block| block.contains("EdDSA"));
    let samples: Vec<_> = samples.filter(|block| block.starts_with("js") || block.starts_with("python")).collect();
    assert_eq!(samples.len(), 2);
    for sample in samples {
        for check in ["attestation+jwt", "countersign-attestation", "CONTACT", "purpose"] {
            assert!(sample.contains(check), "{check} is missing in\n{sample}");
        }
    }
}
