//! Signatures over random values, compared with those of the providers' own libraries.

use std::{
    collections::BTreeMap,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use domain::Timestamp;
use platform::{clock::Entropy, config::Secret};
use providers::standard_webhooks::{Key, is_authentic};
use serde_json::{Value, json};

use super::super::{
    double::{Double, Reply},
    solapi::answered,
    support::{code_message, stand_in, verifiers, verify},
    transport_errors::all_providers,
};

/// The results of the libraries for these cases.
fn execute(python: &str, cases: &[Value]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/providers/stand_ins/oracle.py");
    let mut oracle = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let cases = serde_json::to_vec(cases).unwrap();
    oracle.stdin.take().unwrap().write_all(&cases).unwrap();
    let output = oracle.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn python() -> Option<String> {
    stand_in("COUNTERSIGN_TEST_ORACLES", "the providers' own libraries as oracles")
}

/// Texts that expose encoding errors of a signer.
fn text(entropy: &Entropy) -> String {
    const CHARACTERS: [&str; 16] =
        ["a", "B", "0", "_", "-", " ", "+", "&", "=", "%", "한", "글", "é", "😀", "\n", "\u{7f}"];
    let [length, bytes @ ..] = entropy.bytes::<13>();
    bytes.iter().take(usize::from(length % 13)).map(|byte| CHARACTERS[usize::from(byte % 16)]).collect()
}

fn fields(entropy: &Entropy) -> Vec<(String, String)> {
    let [count] = entropy.bytes::<1>();
    (0..=count % 8).map(|_| (format!("n{}", text(entropy)), text(entropy))).collect()
}

#[test]
fn twilio_callback_signatures_pass_our_check() {
    let Some(python) = python() else { return };
    let entropy = Entropy::seeded(11);
    let urls = ["https://x.example/receipts/twilio", "https://x.example:8443/a", "http://u:p@x.example/a"];
    let cases: Vec<_> = (0..200)
        .map(|n: usize| {
            let query = n.is_multiple_of(2).then(|| format!("delivery=dlv_{n}&x=%2B1"));
            let algorithm = if n.is_multiple_of(3) { "HMAC_SHA1" } else { "HMAC_SHA256" };
            (urls[n % 3], query, algorithm, fields(&entropy))
        })
        .collect();
    let requests: Vec<_> = cases
        .iter()
        .map(|(url, query, algorithm, fields)| {
            let url = query.as_ref().map_or_else(|| (*url).to_owned(), |query| format!("{url}?{query}"));
            json!({ "oracle": "twilio", "key": "12345", "url": url, "fields": fields, "algorithm": algorithm })
        })
        .collect();
    for ((url, query, algorithm, fields), signature) in cases.iter().zip(execute(&python, &requests)) {
        let verifiers = verifiers(&[
            ("TWILIO_AUTH_TOKEN", "12345"),
            ("TWILIO_WEBHOOK_SECRET", "12345"),
            ("TWILIO_STATUS_CALLBACK_URL", url),
        ]);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature.as_str().unwrap()),
            ("x-twilio-webhooks-signature-settings", &format!("key=k,algorithm={algorithm}")),
        ];
        let verified = verify(&verifiers, "twilio", query.as_deref(), &headers, &body, Timestamp::UNIX_EPOCH);
        assert!(verified.is_ok(), "{query:?} {headers:?} {body}");
    }
}

#[test]
fn vonage_signatures_pass_our_check_and_standard_webhooks_signatures_equal_ours() {
    let Some(python) = python() else { return };
    let entropy = Entropy::seeded(12);
    let vonage: Vec<_> = (0..100)
        .map(|n| {
            let mut fields: BTreeMap<_, _> = fields(&entropy).into_iter().collect();
            fields.insert("timestamp".to_owned(), "1700000000".to_owned());
            (["md5", "sha1", "sha256", "sha512"][n % 4], fields)
        })
        .collect();
    let requests: Vec<_> = vonage
        .iter()
        .map(|(method, fields)| json!({ "oracle": "vonage", "key": "secret", "method": method, "fields": fields }))
        .collect();
    let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    for ((method, fields), signature) in vonage.iter().zip(execute(&python, &requests)) {
        let verifiers = verifiers(&[("VONAGE_SIGNATURE_SECRET", "secret"), ("VONAGE_SIGNATURE_METHOD", method)]);
        let mut form = form_urlencoded::Serializer::new(String::new());
        let form = form.extend_pairs(fields).append_pair("sig", signature.as_str().unwrap()).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(verify(&verifiers, "vonage", None, &headers, &form, now), Ok(vec![]), "{method} {fields:?}");
    }

    let bodies: Vec<_> = (0..50)
        .map(|_| (format!("whsec_{}", STANDARD.encode(entropy.bytes::<32>())), text(&entropy), text(&entropy)))
        .collect();
    let requests: Vec<_> = bodies
        .iter()
        .map(|(key, id, body)| {
            json!({ "oracle": "webhook", "key": key, "id": id, "timestamp": 1_700_000_000, "body": body })
        })
        .collect();
    for ((key, id, body), results) in bodies.iter().zip(execute(&python, &requests)) {
        let key = Key::parse(&Secret::new(key.as_str())).unwrap();
        assert_eq!(results, key.sign(id, 1_700_000_000, body.as_bytes()));
        assert!(is_authentic(&[key], id, "1700000000", results.as_str().unwrap(), body.as_bytes(), now));
    }
}

#[tokio::test]
async fn sens_and_solapi_requests_are_signed_like_their_sdks() {
    let Some(python) = python() else { return };
    let double = Double::start().await;
    for provider in all_providers(&double.url()) {
        provider.send(&code_message()).await;
        provider.poll("id1").await;
    }
    let seen = double.take();
    let mut requests = Vec::new();
    let mut expected = Vec::new();
    for request in &seen {
        let header = |name| request.header(name);
        if !header("x-ncp-apigw-signature-v2").is_empty() {
            let served = ["/sms/v2", "/alimtalk/v2"].into_iter().find(|root| request.line.starts_with(root)).unwrap();
            requests.push(json!({
                "oracle": "sens", "host": format!("https://sens.example{served}"),
                "key": header("x-ncp-iam-access-key"), "secret": "SecretKeyExample0123456789abcdefABCDEF",
                "method": request.method, "path": &request.line[served.len()..],
                "timestamp": header("x-ncp-apigw-timestamp"),
            }));
            expected.push(header("x-ncp-apigw-signature-v2"));
        }
        if let Some(parts) = header("authorization").strip_prefix("HMAC-SHA256 ") {
            let part =
                |name: &str| parts.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).unwrap();
            requests.push(json!({ "oracle": "solapi", "key": "secret", "date": part("date"), "salt": part("salt") }));
            expected.push(part("signature"));
        }
    }
    assert_eq!(expected.len(), 6, "a send and a poll of each, AlimTalk by SENS too");
    assert_eq!(execute(&python, &requests), expected);
}

/// Solapi's own SDK accepts the responses of our test double and sends it requests like ours.
#[tokio::test(flavor = "multi_thread")]
async fn solapi_sdk_works_with_our_double() {
    let Some(python) = python() else { return };
    let double = Double::start().await;
    double.then(Reply::json(200, &answered(true, "2000"))).then(Reply::json(200, &answered(false, "1062")));
    let case = json!({
        "oracle": "solapi_send", "url": double.url(), "key": "APIKEYEXAMPLE01", "secret": "s", "from": "0212345678",
        "to": "01012345678", "text": "인증번호 123456",
    });
    let cases = [case.clone(), case];
    let results = tokio::task::spawn_blocking(move || execute(&python, &cases)).await.unwrap();
    assert_eq!(results, [json!("G4V20260102030405ABCDEFGHIJKLMNO"), json!(["1062"])]);

    let sdk_fields = double.take().remove(0);
    double.then(Reply::json(200, &answered(true, "2000")));
    super::super::solapi::solapi(&double.url(), &[]).send(&code_message()).await;
    let ours = double.take_one();
    assert_eq!((&sdk_fields.method, &sdk_fields.line), (&ours.method, &ours.line));
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (sdk_fields, ours) = (sdk_fields.json(), ours.json());
    for name in names(&ours) {
        assert!(names(&sdk_fields).contains(&name), "{name} is not in {sdk_fields}");
    }
    assert_eq!(
        (&sdk_fields["messages"][0]["to"], &sdk_fields["messages"][0]["from"]),
        (&ours["messages"][0]["to"], &ours["messages"][0]["from"])
    );
}
