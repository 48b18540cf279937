//! Signatures computed with the providers' own libraries (PyPI twilio 9.13.0, vonage-http-client 1.5.2) over invented
//! keys.

use chrono::DateTime;
use domain::Timestamp;
use providers::{ReceiptError, Verifiers};

use super::support::{verifiers, verify};

const URL: &str = "https://verify.example.com/v1/webhooks/twilio/status";
const DELIVERED: &[(&str, &str)] = &[
    ("AccountSid", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("ApiVersion", "2010-04-01"),
    ("From", "+15005550006"),
    ("MessageSid", "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("MessageStatus", "delivered"),
    ("SmsSid", "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("SmsStatus", "delivered"),
    ("To", "+821012345678"),
];

struct Case {
    url: &'static str,
    query: Option<&'static str>,
    fields: Vec<(&'static str, &'static str)>,
    sha1: &'static str,
    sha256: &'static str,
}

fn case(
    url: &'static str,
    query: Option<&'static str>,
    fields: &[(&'static str, &'static str)],
    sha1: &'static str,
    sha256: &'static str,
) -> Case {
    Case { url, query, fields: fields.to_vec(), sha1, sha256 }
}

/// Callbacks as Twilio sends them, and with fields that it may add.
fn twilio_cases() -> Vec<Case> {
    let undelivered = {
        let mut fields = DELIVERED.to_vec();
        fields[4].1 = "undelivered";
        fields[6].1 = "undelivered";
        fields.push(("ErrorCode", "30003"));
        fields
    };
    let future = [DELIVERED, &[("RawDlrDoneDate", "2601020304"), ("SomeNewField", "x y+z&=%")]].concat();
    let body_and_sid = [("Body", ""), ("MessageSid", "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")];
    vec![
        case(
            URL,
            Some("tenant=acme"),
            DELIVERED,
            "XUpP4dNiQ1+NyBin/CNOiRaeM/8=",
            "KXRID7AhDVMzt6ZQkZaQUfzn3IrvwP/pnomt1tTjSQg=",
        ),
        case(URL, None, &undelivered, "SH0b2R6/XXNovMmPSNPfI62n9x8=", "ufMOzksasKzXgMeYOwYmOsXFTXEabPQUvplO6RbcIPM="),
        case(URL, None, &future, "1NxZF9h9VUp+IuckEg+jmtAzP/Q=", "BtIcRUWkUULBUW03MEELmPcuo/n8Hv7sJcehXDLDGpM="),
        case(
            "https://verify.example.com:8443/v1/webhooks/twilio/status",
            None,
            DELIVERED,
            "Ac6l2OsJFhEcdJPyG0kZtOFGZXM=",
            "dhH4KctgHCC8EvIViIdUl05zIdgx/Fnfg6Ghajjat3o=",
        ),
        case(URL, None, &body_and_sid, "NXAuxsolupKDymYGLmNxezekVLU=", "RLfCBsZAlk7e/Uz/NL0MAx2SxawJTvnjmFdX8R+haIQ="),
    ]
}

/// Callbacks with fields in any order, repeated fields and characters that need encoding.
fn twilio_encoding_cases() -> Vec<Case> {
    let call = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ];
    vec![
        case(
            URL,
            None,
            &[("a", "1"), ("B", "2"), ("A", "3")],
            "Ue2x+8h5s6yqFJIEPrC3gXKiPho=",
            "m9yzbtNNSDobnKDSn6Pp9fVQjtpfnakk6nCpVWqqfI8=",
        ),
        case(
            URL,
            None,
            &[("B", "2"), ("B", "1"), ("B", "1"), ("a", "한글")],
            "lHwqiad/RMxTrhqsv2jkdhRHJ+8=",
            "nU963U1sLyJwUIng2cg6SaUdkA/pjfuJjBe+UwFbD7E=",
        ),
        case(
            URL,
            Some("x=%2B1&y=a%20b"),
            &[("To", "+1")],
            "4VgheC3RaDItN2aRud3Z3nLUxtA=",
            "bnq21N4QQokBimvlyH4etaqcGCNkJZv9KKmyddlyMww=",
        ),
        case(
            "https://mycompany.com/myapp.php",
            Some("foo=1&bar=2"),
            &call,
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
            "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=",
        ),
    ]
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The verifier of callbacks to `url`.
fn twilio(url: &str) -> Verifiers {
    verifiers(&[
        ("TWILIO_AUTH_TOKEN", "12345"),
        ("TWILIO_WEBHOOK_SECRET", "12345"),
        ("TWILIO_STATUS_CALLBACK_URL", url),
    ])
}

#[test]
fn twilio_callback_signatures_match() {
    for Case { url, query, fields, sha1, sha256 } in twilio_cases().into_iter().chain(twilio_encoding_cases()) {
        let verifiers = twilio(url);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let verify = |signature, settings: Option<&str>| {
            let mut headers = vec![FORM, ("x-twilio-signature", signature)];
            headers.extend(settings.map(|settings| ("x-twilio-webhooks-signature-settings", settings)));
            verify(&verifiers, "twilio", query, &headers, &body, Timestamp::UNIX_EPOCH)
        };
        let shared = Some("key=webhooks_sharedkey_1,algorithm=HMAC_SHA256");
        for (signature, settings) in [(sha1, None), (sha256, shared), (sha1, Some("algorithm=HMAC_SHA1"))] {
            assert!(verify(signature, settings).is_ok(), "{url} {settings:?}");
        }
        for (signature, settings) in [(sha256, None), (sha1, shared), (sha1, Some("algorithm=HMAC_MD5"))] {
            assert_eq!(verify(signature, settings), Err(ReceiptError::Forged), "{url} {settings:?}");
        }
    }
}

#[test]
fn json_callback_is_signed_by_its_hash() {
    let query = "bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    let verifiers = twilio(URL);
    let headers = [("content-type", "application/json"), ("x-twilio-signature", "FpSiCLSlFWjZublra8WjqZbVt/8=")];
    let verify = |body, query| verify(&verifiers, "twilio", query, &headers, body, Timestamp::UNIX_EPOCH);
    assert_eq!(verify(r#"{"a":1}"#, Some(query)), Ok(vec![]));
    assert_eq!(verify(r#"{"a":2}"#, Some(query)), Err(ReceiptError::Forged));
    assert_eq!(verify(r#"{"a":1}"#, None), Err(ReceiptError::Forged));
}

#[test]
fn vonage_receipt_signatures_match() {
    let table = [
        ("md5", "cdadba6c7b7dc7c31d7110b3acedb5ff"),
        ("sha1", "168c9e0b9ee8ef060fb66c7ccd187cb42adafe6f"),
        ("sha256", "374cd91d3351a6f5809307eb1f007e5272080385cb01f6ef7d8e1016ed475b96"),
        (
            "sha512",
            "df5a50a0f5277ddbeb3f0762309ccc0db3a2b30e5269c808a9680b1a472cc4d3a19c04888d02c5618178324253e0b4c7473bafd045b53f15dd385a65a0dc4595",
        ),
    ];
    let fields = [
        ("messageId", "0A0000001234567B"),
        ("msisdn", "821012345678"),
        ("to", "AcmeInc"),
        ("status", "delivered"),
        ("err-code", "0"),
        ("timestamp", "1700000000"),
        ("nonce", "aaaaaaaa-bbbb"),
        ("text", "a&b=c"),
    ];
    let now = DateTime::from_timestamp(1_700_000_010, 0).unwrap();
    for (method, sig) in table {
        let verifiers = verifiers(&[("VONAGE_SIGNATURE_SECRET", "sigsecret"), ("VONAGE_SIGNATURE_METHOD", method)]);
        let verify = |sig: &str| {
            let mut form = form_urlencoded::Serializer::new(String::new());
            let form = form.extend_pairs(fields).append_pair("sig", sig).finish();
            verify(&verifiers, "vonage", None, &[FORM], &form, now)
        };
        assert_eq!(verify(sig).map(|receipts| receipts.len()), Ok(1), "{method}");
        assert_eq!(verify(&sig.replacen(&sig[..1], "x", 1)), Err(ReceiptError::Forged), "{method}");
    }
}
