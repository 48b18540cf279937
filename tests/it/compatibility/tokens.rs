//! The claims of tokens, which other back ends read.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::assert_listed;
use crate::support::TestApp;

/// The members of a part of a token: 0 is its header, 1 its claims.
fn members(token: &str, part: usize) -> BTreeSet<String> {
    let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(part).unwrap()).unwrap();
    let part: Value = serde_json::from_slice(&part).unwrap();
    part.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn claims_of_tokens_are_listed() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hana", "+821012345678").await;
    assert_listed("access token header", &members(&signed_in.access, 0));
    assert_listed("access token claim", &members(&signed_in.access, 1));

    let person = app.anonymous();
    let sent = person.send_code_to("+821012345679").await;
    let code = app.code_sent_to("+821012345679").await;
    let confirmed = person.confirm(&sent["id"], &code).await;
    let attestation = confirmed["proof"]["attestation"].as_str().unwrap();
    assert_listed("attestation header", &members(attestation, 0));
    assert_listed("attestation claim", &members(attestation, 1));
    app.stop().await;
}
