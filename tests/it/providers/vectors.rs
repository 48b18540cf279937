//! Signatures computed with the providers' own libraries (PyPI twilio 9.13.0, vonage-http-client 1.5.2) over invented
//! keys.

use std::collections::BTreeMap;

use chrono::DateTime;
use platform::config::Secret;
use providers::{
    ReceiptError,
    twilio::{Callback, Verifier},
    vonage::{Method, Signature},
};

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

fn twilio_cases() -> Vec<Case> {
    let case = |url, query, fields: &[(&'static str, &'static str)], sha1, sha256| Case {
        url,
        query,
        fields: fields.to_vec(),
        sha1,
        sha256,
    };
    let undelivered = {
        let mut fields = DELIVERED.to_vec();
        fields[4].1 = "undelivered";
        fields[6].1 = "undelivered";
        fields.push(("ErrorCode", "30003"));
        fields
    };
    let future = [DELIVERED, &[("RawDlrDoneDate", "2601020304"), ("SomeNewField", "x y+z&=%")]].concat();
    let body_and_sid = [("Body", ""), ("MessageSid", "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")];
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

#[test]
fn twilio_callback_signatures_match() {
    let key = || vec![Secret::new("12345")];
    for Case { url, query, fields, sha1, sha256 } in twilio_cases() {
        let verifier = Verifier::new(url, key(), key());
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let callback = |signature, settings| Callback {
            query,
            content_type: "application/x-www-form-urlencoded",
            body: body.as_bytes(),
            signature,
            settings,
        };
        let shared = Some("key=webhooks_sharedkey_1,algorithm=HMAC_SHA256");
        for good in [callback(sha1, None), callback(sha256, shared), callback(sha1, Some("algorithm=HMAC_SHA1"))] {
            assert!(verifier.receipt(good).is_ok(), "{good:?}");
        }
        for bad in [callback(sha256, None), callback(sha1, shared), callback(sha1, Some("algorithm=HMAC_MD5"))] {
            assert_eq!(verifier.receipt(bad), Err(ReceiptError::Forged), "{bad:?}");
        }
    }
}

#[test]
fn json_callback_is_signed_by_its_hash() {
    let query = "bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    let verifier = Verifier::new(URL, vec![Secret::new("12345")], vec![]);
    let callback = |body, query| Callback {
        query,
        content_type: "application/json",
        body,
        signature: "FpSiCLSlFWjZublra8WjqZbVt/8=",
        settings: None,
    };
    assert_eq!(verifier.receipt(callback(br#"{"a":1}"#, Some(query))), Ok(None));
    assert_eq!(verifier.receipt(callback(br#"{"a":2}"#, Some(query))), Err(ReceiptError::Forged));
    assert_eq!(verifier.receipt(callback(br#"{"a":1}"#, None)), Err(ReceiptError::Forged));
}

#[test]
fn vonage_receipt_signatures_match() {
    let table = [
        (Method::Md5, "cdadba6c7b7dc7c31d7110b3acedb5ff"),
        (Method::Sha1, "168c9e0b9ee8ef060fb66c7ccd187cb42adafe6f"),
        (Method::Sha256, "374cd91d3351a6f5809307eb1f007e5272080385cb01f6ef7d8e1016ed475b96"),
        (
            Method::Sha512,
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
        let signature = Signature::new(vec![Secret::new("sigsecret")], method);
        assert_eq!(signature.sign(fields), sig);
        let mut signed: BTreeMap<_, _> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        signed.insert("sig".to_owned(), sig.to_owned());
        assert!(matches!(signature.receipt(&signed, now), Ok(Some(_))));
        signed.insert("sig".to_owned(), sig.replacen(&sig[..1], "x", 1));
        assert_eq!(signature.receipt(&signed, now), Err(ReceiptError::Forged));
    }
}
