//! Access tokens signed with a private key: other services verify them with the published keys, and cannot create any.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode, jwk::JwkSet,
};
use serde_json::{Value, json};

use crate::support::{Setup, SignedIn, TestApp};

/// An RSA key pair: private and public key in PEM.
fn rsa() -> (String, String) {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let pem =
        |label: &str, der: &[u8]| format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der));
    (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref()))
}

async fn published(app: &TestApp) -> JwkSet {
    let url = format!("{}/.well-known/jwks.json", app.url());
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// Verifies a token as another back end does: with the published keys and only this algorithm.
fn verified(token: &str, keys: &JwkSet) -> Value {
    let header = decode_header(token).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::RS256, Some("at+jwt")));
    let jwk = keys.find(header.kid.as_deref().unwrap()).unwrap();
    assert_eq!(json!(jwk)["use"], "sig");
    assert!(json!(jwk).get("d").is_none(), "the private key is published");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&["countersign"]);
    validation.set_audience(&["countersign"]);
    // The test's clock is set to another year.
    validation.validate_exp = false;
    decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap().claims
}

#[tokio::test]
async fn tk_10_rs256_tokens_are_verifiable_and_survive_key_rotation() {
    let ((first, first_public), (second, _)) = (rsa(), rsa());
    let app = Setup::new().await.without("JWT_SECRET").with("JWT_PRIVATE_KEY", &first).start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let claims = verified(&signed_in.access, &published(&app).await);
    assert_eq!((&claims["sub"], &claims["type"]), (&signed_in.user["id"], &json!("access")));

    // The key is replaced process by process: its tokens are still accepted, and new tokens use the new key.
    let settings =
        [("JWT_PRIVATE_KEY", Some(second.as_str())), ("JWT_PUBLIC_KEYS_PREVIOUS", Some(first_public.as_str()))];
    let rotated = app.another_process_with(&settings).await;
    assert_eq!(rotated.client_for(&signed_in).me().await["username"], "hong");
    let fresh = SignedIn::of(&rotated.anonymous().sign_in_as("hong").await);
    let kid = |token: &str| decode_header(token).unwrap().kid.unwrap();
    assert_ne!(kid(&fresh.access), kid(&signed_in.access));
    for token in [&fresh.access, &signed_in.access] {
        verified(token, &published(&rotated).await);
    }
    // A key that is removed from the settings is no longer accepted.
    let later = app.another_process_with(&[("JWT_PRIVATE_KEY", Some(second.as_str()))]).await;
    assert_eq!(later.client_for(&signed_in).me().await, Value::Null);
    assert_eq!(later.client_for(&fresh).me().await["username"], "hong");
    for app in [later, rotated, app] {
        app.stop().await;
    }
}

/// TK-05, over the wire: the header of a token cannot choose the algorithm, and a published key cannot sign.
#[tokio::test]
async fn tk_05_algorithm_confusion_is_rejected() {
    let (private, public) = rsa();
    let app = Setup::new().await.without("JWT_SECRET").with("JWT_PRIVATE_KEY", &private).start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let keys = published(&app).await;
    let claims = verified(&signed_in.access, &keys);
    let kid = decode_header(&signed_in.access).unwrap().kid;
    let header = |algorithm| Header { typ: Some("at+jwt".to_owned()), kid: kid.clone(), ..Header::new(algorithm) };
    // The same claims signed with the right key are accepted, so the following rejections are due to the signature.
    let key = EncodingKey::from_rsa_pem(private.as_bytes()).unwrap();
    let valid = encode(&header(Algorithm::RS256), &claims, &key).unwrap();
    assert_eq!(app.anonymous().with_token(&valid).me().await["username"], "hong");

    let mut forged = Vec::new();
    let modulus = json!(keys.find(kid.as_deref().unwrap()).unwrap())["n"].as_str().unwrap().to_owned();
    for secret in [public.as_bytes(), public.trim().as_bytes(), modulus.as_bytes(), b"", b"secret"] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            forged.push(encode(&header(algorithm), &claims, &EncodingKey::from_secret(secret)).unwrap());
        }
    }
    let (foreign_keys, _) = rsa();
    let foreign_keys = EncodingKey::from_rsa_pem(foreign_keys.as_bytes()).unwrap();
    forged.push(encode(&header(Algorithm::RS256), &claims, &foreign_keys).unwrap());
    // Another algorithm with the same key is not accepted.
    forged.push(encode(&header(Algorithm::RS512), &claims, &key).unwrap());
    forged.push(encode(&header(Algorithm::PS256), &claims, &key).unwrap());
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = valid.rsplit('.').next().unwrap();
    for none in ["none", "None", "NONE", "nOnE"] {
        let head = text(&json!({ "alg": none, "typ": "at+jwt", "kid": kid }));
        forged.push(format!("{head}.{}.", text(&claims)));
        forged.push(format!("{head}.{}.{signature}", text(&claims)));
    }
    let mut others = claims.clone();
    others["role"] = json!("ADMIN");
    let [head, _, tail] = valid.split('.').collect::<Vec<_>>()[..] else { panic!("{valid}") };
    forged.push(format!("{head}.{}.{tail}", text(&others)));
    forged.push(format!("{head}.{}", text(&claims)));
    forged.push(format!("{valid}.{tail}"));
    // TK-06: signed by us, but not an access token.
    let attestation = app.anonymous().send_code_to("+821099990000").await;
    let code = app.code_sent_to("+821099990000").await;
    let proof = app.anonymous().confirm(&attestation["id"], &code).await["proof"].clone();
    forged.extend(["attestation", "token"].map(|kind| proof[kind].as_str().unwrap().to_owned()));
    forged.extend([signed_in.refresh.clone(), signed_in.device.clone()]);
    for token in forged {
        assert_eq!(app.anonymous().with_token(&token).me().await, Value::Null, "{token}");
        let code =
            app.anonymous().with_token(&token).execute("mutation { signOut { sessionsEnded } }", json!({})).await;
        assert_eq!(code["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{token}");
    }
    assert_eq!(app.client_for(&signed_in).me().await["username"], "hong");
    app.stop().await;
}
