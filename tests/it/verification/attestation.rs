//! The fact of a confirmation, as another back end checks it by itself.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;

use crate::support::Setup;

/// Verified with the published key alone: issuer, audience, subject, purpose, channel, times.
#[tokio::test]
async fn another_back_end_can_check_it_with_the_published_key() {
    // The library looks at the system's clock, so the service's stands at a time that is yet to come.
    let setup = Setup::new().await.with("PUBLIC_URL", "https://id.example.com").at("2099-03-02T03:00:00Z");
    let app = setup.with("ATTESTATION_AUDIENCE", "shop").start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to("010-2222-3333").await["id"].clone();
    let code = app.code_sent_to("+821022223333").await;
    let proof = visitor.confirm(&id, &code).await["proof"].clone();
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
    // The id is a capability and stays with whoever holds it.
    assert!(!claims.to_string().contains(id.as_str().unwrap()));
    validation.set_audience(&["another"]);
    assert!(jsonwebtoken::decode::<Value>(token, &key, &validation).is_err());
    app.stop().await;
}
