//! Vonage's delivery receipts and its signature:
//! <https://developer.vonage.com/en/getting-started/concepts/signing-messages>.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::receipt::{Receipt, ReceiptError};
use crate::{
    hmac_tag,
    lenient::{self, LenientString},
    provider::ReceiptStatus,
    registration,
};
use domain::{Timestamp, ids::DeliveryId, status::DeliveryFailure};
use platform::config::{Env, Secret};

/// The maximum clock difference to Vonage, and the window in which a captured receipt could be replayed.
const TOLERANCE_SECONDS: u64 = 5 * 60;

/// How requests are signed, in both directions.
#[derive(Clone, Debug)]
pub struct Signature {
    secrets: Vec<Secret>,
    method: Method,
}

/// The account's setting; each is an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Signature {
    /// None if no secret is configured.
    pub fn read(env: &Env) -> Option<Self> {
        let methods =
            [("md5", Method::Md5), ("sha1", Method::Sha1), ("sha256", Method::Sha256), ("sha512", Method::Sha512)];
        let method = env.choice("VONAGE_SIGNATURE_METHOD", &methods);
        let secrets = registration::secrets(env, "VONAGE_SIGNATURE_SECRET");
        (!secrets.is_empty()).then_some(Self { secrets, method })
    }

    pub fn new(secrets: Vec<Secret>, method: Method) -> Self {
        Self { secrets, method }
    }

    /// The `sig` of these fields with the first secret.
    pub fn sign<'a>(&self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let text = joined(fields);
        self.secrets.first().map(|secret| hex::encode(self.method.tag(secret, &text))).unwrap_or_default()
    }

    /// The receipt in these fields (of a query, a form or JSON). None if its status is not relevant.
    ///
    /// # Errors
    /// Why it is not a valid receipt.
    pub fn receipt(&self, fields: &BTreeMap<String, String>, now: Timestamp) -> Result<Option<Receipt>, ReceiptError> {
        if !self.is_genuine(fields, now) {
            return Err(ReceiptError::Forged);
        }
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let id = field("messageId");
        let Some(status) = status(field("status"), field("err-code")).filter(|_| !id.is_empty()) else {
            return Ok(None);
        };
        let code = Some(field("err-code")).filter(|code| *code != "0").and_then(lenient::code);
        Ok(Some(Receipt {
            provider: "vonage",
            provider_message_id: id.to_owned(),
            delivery: DeliveryId::parse(field("client-ref")),
            status,
            code,
        }))
    }

    fn is_genuine(&self, fields: &BTreeMap<String, String>, now: Timestamp) -> bool {
        let sent = fields.get("timestamp").and_then(|timestamp| timestamp.parse::<i64>().ok());
        let fresh = sent.is_some_and(|sent| now.timestamp().abs_diff(sent) <= TOLERANCE_SECONDS);
        let Some(tag) = fields.get("sig").and_then(|sig| hex::decode(sig).ok()) else { return false };
        let text = joined(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        fresh && self.secrets.iter().any(|secret| self.method.verifies(secret, &text, &tag))
    }
}

impl Method {
    fn tag(self, secret: &Secret, text: &str) -> Vec<u8> {
        fn tag<M: Mac + KeyInit>(secret: &Secret, text: &str) -> Vec<u8> {
            hmac_tag::mac::<M>(secret.expose().as_bytes(), &[text.as_bytes()]).finalize().into_bytes().to_vec()
        }
        match self {
            Method::Md5 => tag::<Hmac<Md5>>(secret, text),
            Method::Sha1 => tag::<Hmac<Sha1>>(secret, text),
            Method::Sha256 => tag::<Hmac<Sha256>>(secret, text),
            Method::Sha512 => tag::<Hmac<Sha512>>(secret, text),
        }
    }

    fn verifies(self, secret: &Secret, text: &str, tag: &[u8]) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.tag(secret, text).as_slice(), tag).into()
    }
}

/// The fields except `sig`, sorted by name, each as `&name=value`, with `&` and `=` in values replaced by `_`.
fn joined<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let sorted: BTreeMap<_, _> = fields.into_iter().filter(|(name, _)| *name != "sig").collect();
    sorted.into_iter().map(|(name, value)| format!("&{name}={}", value.replace(['&', '='], "_"))).collect()
}

/// The fields of a form or of a query.
pub fn form_fields(form: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(form).into_owned().collect()
}

/// The fields of a JSON object.
///
/// # Errors
/// If the body is not a JSON object.
pub fn json_fields(json: &[u8]) -> Result<BTreeMap<String, String>, ReceiptError> {
    let fields: BTreeMap<String, LenientString> = serde_json::from_slice(json).map_err(|_| ReceiptError::Malformed)?;
    Ok(fields.into_iter().map(|(name, value)| (name, value.as_str().to_owned())).collect())
}

fn status(status: &str, error: &str) -> Option<ReceiptStatus> {
    match status {
        "accepted" | "buffered" => Some(ReceiptStatus::Sent),
        "delivered" => Some(ReceiptStatus::Delivered),
        "expired" => Some(ReceiptStatus::Undelivered(DeliveryFailure::Expired)),
        "failed" | "rejected" => Some(ReceiptStatus::Undelivered(failure(error))),
        _ => None,
    }
}

/// The delivery failure of an error code (<https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts>).
fn failure(error: &str) -> DeliveryFailure {
    match error {
        // Barred by the user, spam filters, age limits, or blocked by the carrier.
        "4" | "6" | "13" | "14" => DeliveryFailure::Blocked,
        "10" => DeliveryFailure::Content,
        // Network error, insufficient credit, or a general error.
        "8" | "15" | "99" => DeliveryFailure::Provider,
        _ => DeliveryFailure::Recipient,
    }
}
