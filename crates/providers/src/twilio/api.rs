//! Shared by Twilio Messaging, Calls and Verify: the account, Basic authentication, form bodies, and error codes.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    http_client::{HttpClient, ProviderResponse, TransportError},
    lenient::{self, LenientString},
    provider::Outcome,
    registration::{self, SettingsReader},
};
use platform::config::Secret;

/// The account and its credentials.
#[derive(Clone)]
pub struct Account {
    pub sid: String,
    user: String,
    password: Secret,
}

impl Account {
    /// Reads the account SID with its auth token or an API key.
    pub fn read(reader: &mut SettingsReader<'_>) -> Self {
        let sid = reader.identifier("TWILIO_ACCOUNT_SID", "");
        if !sid.is_empty() && !sid.starts_with("AC") {
            reader.env().add_error("TWILIO_ACCOUNT_SID", "the SID of an account, which starts with AC");
        }
        let env = reader.env();
        let key = env.is_set("TWILIO_API_KEY_SID");
        let token = registration::secrets(env, "TWILIO_AUTH_TOKEN").into_iter().next();
        let (user, password) = match (key, token) {
            (true, _) => (reader.text("TWILIO_API_KEY_SID"), reader.secret("TWILIO_API_KEY_SECRET")),
            (false, Some(token)) => (sid.clone(), token),
            (false, None) => {
                reader.missing("TWILIO_AUTH_TOKEN or TWILIO_API_KEY_SID with TWILIO_API_KEY_SECRET");
                (String::new(), Secret::new(""))
            }
        };
        Self { sid, user, password }
    }

    /// Posts a form.
    pub async fn post(
        &self,
        http: &HttpClient,
        url: String,
        form: &[(&str, &str)],
    ) -> Result<ProviderResponse, TransportError> {
        http.send(http.post(url).basic_auth(&self.user, Some(self.password.expose())).form(form)).await
    }

    pub async fn get(&self, http: &HttpClient, url: String) -> Result<ProviderResponse, TransportError> {
        http.send(http.get(url).basic_auth(&self.user, Some(self.password.expose()))).await
    }
}

/// The lifetime of a message in seconds, limited to what Twilio accepts (1 to 36,000; below 6 it warns).
pub fn validity(ttl: Duration) -> String {
    ttl.as_secs().clamp(6, 36_000).to_string()
}

/// `{"code":20429,…}`, or RFC 9457 problem JSON; other fields are ignored.
#[derive(Deserialize)]
struct ErrorResponse {
    #[serde(default)]
    code: LenientString,
}

/// Twilio's error code in an error response; empty if there is none.
pub fn error_code(response: &ProviderResponse) -> String {
    response.json::<ErrorResponse>().map(|refusal| refusal.code.as_str().to_owned()).unwrap_or_default()
}

/// The outcome of an error response (<https://www.twilio.com/docs/api/errors>).
pub fn rejection_outcome(response: &ProviderResponse) -> Outcome {
    let reported = error_code(response);
    let code = lenient::code(&reported);
    match reported.as_str() {
        // To: invalid, no route, no SMS, a landline; 21214 to 21217 for calls; for Verify: invalid, landline.
        "21211" | "21612" | "21614" | "21635" | "21214" | "21216" | "21217" | "60200" | "60205" => {
            Outcome::RejectedRecipient { code }
        }
        // Opted out; destinations blocked by Verify Fraud Guard.
        "21610" | "60410" | "60605" => Outcome::Blocked { code },
        // From: invalid, not owned, missing, not registered, of another channel than To; 21210 for calls; a Messaging
        // Service that no longer exists or has no number.
        "21212" | "21606" | "21603" | "21659" | "21660" | "21701" | "21703" | "21704" | "21910" | "30034" | "21210" => {
            Outcome::RejectedSender { code }
        }
        // Country not allowed (21215 and 13227 for calls), number not verified in a trial account (21219 for calls),
        // rejected by rules of Verify, limits of Verify for that number (sends, checks, concurrent requests).
        "21408" | "21215" | "13227" | "21608" | "21219" | "60220" | "60238" | "60202" | "60203" | "60212" => {
            Outcome::RejectedDestination { code }
        }
        // Body missing or too long.
        "21602" | "21617" => Outcome::RejectedContent { code },
        // Credentials, permissions, suspended account, test credentials; wrong address.
        "20003" | "20004" | "20005" | "20006" | "20008" | "20404" => Outcome::Misconfigured { code },
        // Concurrency (10004 for calls), the queue of the sender, the limit of Verify for the whole service.
        "20429" | "10004" | "21611" | "60207" => Outcome::Throttled { retry_after: response.retry_after },
        _ => response.outcome_by_status(code),
    }
}
