//! Twilio's status callbacks: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use http::Method;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    hmac_tag, lenient,
    provider::ReceiptStatus,
    receipt::{Receipt, ReceiptError, ReceiptRequest, ReceiptVerifier, ReceiptWebhook},
    registration,
};
use domain::{ids::DeliveryId, status::DeliveryFailure};
use platform::config::{Env, Secret};

const SIGNATURE: &str = "x-twilio-signature";
/// Names the algorithm of the signature.
const SIGNATURE_SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// Twilio posts the status of messages and calls to the callback URL of each.
pub const WEBHOOK: ReceiptWebhook = ReceiptWebhook {
    methods: &[Method::POST],
    read: |env, public_url| Some(Arc::new(Verifier::read(env, public_url)?)),
};

/// Verifies callbacks.
struct Verifier {
    /// The configured callback URL, without its query.
    url: String,
    /// The query of the configured callback URL.
    query: Option<String>,
    auth_tokens: Vec<Secret>,
    shared_keys: Vec<Secret>,
}

impl Verifier {
    /// None if no secret or no URL is configured.
    fn read(env: &Env, public_url: Option<&str>) -> Option<Self> {
        // Read first, so that an invalid value is reported even if no URL is configured.
        let auth_tokens = registration::secrets(env, "TWILIO_AUTH_TOKEN");
        let shared_keys = registration::secrets(env, "TWILIO_WEBHOOK_SECRET");
        let own = env.text("TWILIO_STATUS_CALLBACK_URL");
        let own = own.map(|url| url.split('#').next().unwrap_or_default().to_owned());
        let configured = own.or_else(|| public_url.map(|url| format!("{url}/receipts/twilio")))?;
        (!auth_tokens.is_empty() || !shared_keys.is_empty()).then(|| Self::new(configured, auth_tokens, shared_keys))
    }

    /// A verifier for callbacks to `url`.
    fn new(configured: impl Into<String>, auth_tokens: Vec<Secret>, shared_keys: Vec<Secret>) -> Self {
        let configured = configured.into();
        let (url, query) = match configured.split_once('?') {
            Some((url, query)) => (url.to_owned(), Some(query.to_owned())),
            None => (configured, None),
        };
        Self { url, query, auth_tokens, shared_keys }
    }

    /// The URLs that Twilio may have signed: with the query as received, as configured, and sorted. All have the same
    /// parts, so they are equally secure.
    fn signed_urls(&self, received: Option<&str>) -> Vec<String> {
        let Some(received) = received else { return vec![self.url.clone()] };
        let mut sorted: Vec<_> = received.split('&').collect();
        let own: Vec<_> = self.query.iter().flat_map(|query| query.split('&')).collect();
        let mut as_configured = own.clone();
        as_configured.extend(sorted.iter().filter(|part| !own.contains(part)));
        sorted.sort_unstable();
        let mut parts = as_configured.clone();
        parts.sort_unstable();
        let mut queries = vec![received.to_owned(), sorted.join("&")];
        queries.extend((parts == sorted).then(|| as_configured.join("&")));
        queries.into_iter().map(|query| format!("{}?{query}", self.url)).collect()
    }

    /// Whether one of the keys signed the URL and the fields.
    fn is_signed(&self, url: &str, fields: &[(String, String)], signature: &str, settings: Option<&str>) -> bool {
        let Ok(tag) = STANDARD.decode(signature) else { return false };
        let fields = joined(fields);
        addresses(url).iter().any(|url| {
            let parts: &[&[u8]] = &[url.as_bytes(), fields.as_bytes()];
            match algorithm(settings) {
                "HMAC_SHA256" => is_signed_with::<Hmac<Sha256>>(&self.shared_keys, parts, &tag),
                "HMAC_SHA1" => is_signed_with::<Hmac<Sha1>>(&self.auth_tokens, parts, &tag),
                _ => false,
            }
        })
    }
}

impl ReceiptVerifier for Verifier {
    fn verify(&self, request: &ReceiptRequest<'_>) -> Result<Vec<Receipt>, ReceiptError> {
        let form = request.has_content_type("application/x-www-form-urlencoded");
        let fields: Vec<_> =
            if form { form_urlencoded::parse(request.body).into_owned().collect() } else { Vec::new() };
        if !form && !body_hash_matches(request.query, request.body) {
            return Err(ReceiptError::Forged);
        }
        let signature = request.header(SIGNATURE).unwrap_or_default();
        let mut urls = self.signed_urls(request.query).into_iter();
        if !urls.any(|url| self.is_signed(&url, &fields, signature, request.header(SIGNATURE_SETTINGS))) {
            return Err(ReceiptError::Forged);
        }
        let fields = if form { fields } else { json_fields(request.body).ok_or(ReceiptError::Malformed)? };
        Ok(receipt(&fields, request.query).into_iter().collect())
    }

    /// A URL without https is not passed to Twilio.
    fn is_reachable(&self) -> bool {
        self.url.starts_with("https://")
    }
}

fn is_signed_with<M: Mac + hmac::KeyInit>(keys: &[Secret], parts: &[&[u8]], tag: &[u8]) -> bool {
    keys.iter().any(|key| hmac_tag::mac::<M>(key.expose().as_bytes(), parts).verify_slice(tag).is_ok())
}

/// The algorithm named in the settings header; without the header, HMAC-SHA1.
fn algorithm(settings: Option<&str>) -> &str {
    let settings = settings.into_iter().flat_map(|settings| settings.split(','));
    let mut named = settings.filter_map(|part| part.split_once('=')).filter(|(name, _)| name.trim() == "algorithm");
    named.next().map_or("HMAC_SHA1", |(_, algorithm)| algorithm.trim())
}

/// The names in byte order, each followed by its distinct values in order, without separators.
fn joined(fields: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in fields {
        sorted.entry(name).or_default().insert(value);
    }
    let pairs = sorted.iter().flat_map(|(name, values)| values.iter().map(move |value| [*name, *value]));
    pairs.flatten().collect()
}

/// The URL as configured, and with its port removed or added: Twilio is not consistent.
fn addresses(url: &str) -> Vec<String> {
    let mut addresses = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return addresses };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host_and_port = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    addresses.push(match host_and_port {
        Some((host, _)) => format!("{scheme}://{host}{path}"),
        None => format!("{scheme}://{authority}:{}{path}", if scheme == "https" { 443 } else { 80 }),
    });
    addresses
}

/// A body that is not a form is signed by its hash in the URL.
fn body_hash_matches(query: Option<&str>, body: &[u8]) -> bool {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut hashes = pairs.filter(|(name, _)| name == "bodySHA256");
    hashes.next().is_some_and(|(_, hash)| {
        let hash = hash.to_ascii_lowercase();
        hex::encode(Sha256::digest(body)).as_bytes().ct_eq(hash.as_bytes()).into()
    })
}

fn json_fields(body: &[u8]) -> Option<Vec<(String, String)>> {
    let fields: BTreeMap<String, lenient::LenientString> = serde_json::from_slice(body).ok()?;
    Some(fields.into_iter().map(|(name, value)| (name, value.as_str().to_owned())).collect())
}

fn receipt(fields: &[(String, String)], query: Option<&str>) -> Option<Receipt> {
    let field = |name| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let either = |one, other| field(one).or_else(|| field(other));
    let (id, status) = match field("CallSid") {
        Some(id) => (id, call_status(field("CallStatus")?)?),
        None => {
            let error = field("ErrorCode").unwrap_or_default();
            (either("MessageSid", "SmsSid")?, message_status(either("MessageStatus", "SmsStatus")?, error)?)
        }
    };
    let mut query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    Some(Receipt {
        provider: "twilio",
        provider_message_id: id.to_owned(),
        delivery: query.find(|(name, _)| name == "delivery").and_then(|(_, id)| DeliveryId::parse(&id)),
        status,
        code: field("ErrorCode").and_then(lenient::code),
    })
}

/// The receipt status of a message status and its error code. None before the message was sent.
pub fn message_status(status: &str, error: &str) -> Option<ReceiptStatus> {
    match status {
        "sending" | "sent" => Some(ReceiptStatus::Sent),
        "delivered" | "read" => Some(ReceiptStatus::Delivered),
        "undelivered" => Some(ReceiptStatus::Undelivered(failure(error).unwrap_or(DeliveryFailure::Recipient))),
        "failed" | "canceled" => Some(ReceiptStatus::Undelivered(failure(error).unwrap_or(DeliveryFailure::Provider))),
        _ => None,
    }
}

/// The delivery failure of an error code (<https://www.twilio.com/docs/api/errors>).
fn failure(error: &str) -> Option<DeliveryFailure> {
    Some(match error {
        // Unreachable, unknown, or a landline.
        "30003" | "30005" | "30006" => DeliveryFailure::Recipient,
        // Blocked, filtered by the carrier, or opted out.
        "30004" | "30007" | "21610" => DeliveryFailure::Blocked,
        // Queue overflow, account suspended, unknown error, or sender not registered.
        "30001" | "30002" | "30008" | "30034" => DeliveryFailure::Provider,
        // The validity period expired.
        "30036" => DeliveryFailure::Expired,
        _ => return None,
    })
}

fn call_status(status: &str) -> Option<ReceiptStatus> {
    match status {
        "ringing" | "in-progress" | "answered" => Some(ReceiptStatus::Sent),
        "completed" => Some(ReceiptStatus::Delivered),
        "busy" | "no-answer" => Some(ReceiptStatus::Undelivered(DeliveryFailure::Recipient)),
        "failed" | "canceled" => Some(ReceiptStatus::Undelivered(DeliveryFailure::Provider)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use domain::Timestamp;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn verify(
        verifier: &Verifier,
        query: Option<&str>,
        content_type: &str,
        body: &str,
        signature: &str,
    ) -> Result<Vec<Receipt>, ReceiptError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", content_type.parse().unwrap());
        headers.insert(SIGNATURE, signature.parse().unwrap());
        let body = body.as_bytes();
        verifier.verify(&ReceiptRequest { query, headers: &headers, body, received_at: Timestamp::UNIX_EPOCH })
    }

    #[test]
    fn the_documented_example_is_authentic() {
        let verifier = Verifier::new("https://mycompany.com/myapp.php", vec![Secret::new("12345")], vec![]);
        let body = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
        let query = Some("foo=1&bar=2");
        let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        assert_eq!(verify(&verifier, query, FORM, body, signature), Ok(vec![]));
        for forged in [
            verify(&verifier, query, FORM, body, "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            verify(&verifier, None, FORM, body, signature),
            verify(&verifier, query, "text/plain", body, signature),
        ] {
            assert_eq!(forged, Err(ReceiptError::Forged));
        }
    }

    /// If the URL has a query, Twilio may call it as configured and sign it sorted, or the other way round.
    #[test]
    fn a_query_may_be_signed_as_received_as_configured_or_sorted() {
        let configured = "https://x.example/t?z=1&a=2";
        let verifier = Verifier::new(configured, vec![Secret::new("12345")], vec![]);
        let sign = |url: &str| {
            let tag = hmac_tag::mac::<Hmac<Sha1>>(b"12345", &[url.as_bytes(), b"MessageSidSM1MessageStatussent"]);
            STANDARD.encode(tag.finalize().into_bytes())
        };
        let delivery = "delivery=dlv_x";
        let genuine = |received: &str, signed: &str| {
            let signature = sign(&format!("https://x.example/t?{signed}"));
            verify(&verifier, Some(received), FORM, "MessageSid=SM1&MessageStatus=sent", &signature).is_ok()
        };
        let (as_configured, sorted) = (format!("z=1&a=2&{delivery}"), format!("a=2&{delivery}&z=1"));
        for (received, signed) in
            [(&as_configured, &as_configured), (&as_configured, &sorted), (&sorted, &as_configured), (&sorted, &sorted)]
        {
            assert!(genuine(received, signed), "{received} signed as {signed}");
        }
        assert!(!genuine(&as_configured, &format!("z=1&a=2&{delivery}1")));
        assert!(!genuine(&format!("{as_configured}&b=3"), &as_configured));
        assert!(!genuine("z=1", &as_configured));
    }

    #[test]
    fn a_port_is_removed_or_added() {
        let of = |url| addresses(url).pop().unwrap();
        assert_eq!(of("https://x.example:8443/a?b"), "https://x.example/a?b");
        assert_eq!(of("https://u:p@x.example/a"), "https://u:p@x.example:443/a");
        assert_eq!(of("http://x.example"), "http://x.example:80");
        assert_eq!(of("https://[::1]/a"), "https://[::1]:443/a");
    }
}
