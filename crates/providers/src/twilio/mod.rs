//! Twilio Programmable Messaging (SMS) and Calls (voice): <https://www.twilio.com/docs/messaging/api/message-resource>,
//! <https://www.twilio.com/docs/voice/api/call-resource>.

mod api;
mod receipts;
pub(crate) mod verify;

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    base_url,
    http_client::{HttpClient, TransportError},
    provider::{Capabilities, Channel, Outcome, Outgoing, Provider, Receipts, SendFuture},
    registration::{ProviderFactory, Registration, SettingsReader},
    twilio::api::Account,
};
use domain::locale::Locale;
use platform::config::Setting;

const CAPABILITIES: Capabilities = Capabilities::of(&[Channel::Sms, Channel::Voice]).with_receipts(Receipts::Webhook);

/// The maximum length of `Twiml` and of a message body, in characters.
const MAX_TWIML: usize = 4000;
const MAX_BODY: usize = 1600;

/// Twilio Programmable Messaging and Calls (<https://www.twilio.com/docs/messaging/api/message-resource>).
pub const REGISTRATION: Registration = Registration {
    name: "twilio",
    capabilities: CAPABILITIES,
    settings: &[
        Setting::optional("TWILIO_ACCOUNT_SID", "The account at Twilio (AC…)."),
        Setting::secret(
            "TWILIO_AUTH_TOKEN",
            "The auth token of the account: it authenticates requests, and receipts are signed with it. During \
             rotation: the new and the old token, separated by a comma.",
        ),
        Setting::optional("TWILIO_API_KEY_SID", "An API key (SK…) to authenticate with instead of the token."),
        Setting::secret("TWILIO_API_KEY_SECRET", "The secret of the API key."),
        Setting::optional("TWILIO_FROM_NUMBER", "The sender: a number in E.164, a short code or a name."),
        Setting::optional(
            "TWILIO_MESSAGING_SERVICE_SID",
            "A Messaging Service (MG…) to send from, instead of a number.",
        ),
        Setting::optional("TWILIO_VOICE_FROM_NUMBER", "The number that calls. If unset: TWILIO_FROM_NUMBER."),
        Setting::optional(
            "TWILIO_STATUS_CALLBACK_URL",
            "The URL for Twilio's receipts. If unset: /receipts/twilio below PUBLIC_URL, if that is https.",
        ),
        Setting::secret(
            "TWILIO_WEBHOOK_SECRET",
            "The secret of a shared key, if receipts are signed with HMAC_SHA256. During rotation: two secrets, \
             separated by a comma.",
        ),
        Setting::new("TWILIO_API_BASE_URL", "https://api.twilio.com", "The base URL of Twilio's API; for tests."),
    ],
    receipts: Some(receipts::WEBHOOK),
    read,
};

struct Twilio {
    http: HttpClient,
    account: Account,
    base: String,
    sender: Option<Sender>,
    caller: Option<String>,
    callback: Option<String>,
}

/// The sender of a text message.
enum Sender {
    Number(String),
    Service(String),
}

fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let account = Account::read(reader);
    let base = reader.base_url("TWILIO_API_BASE_URL");
    let env = reader.env();
    let number = env.text("TWILIO_FROM_NUMBER");
    let service = env.text("TWILIO_MESSAGING_SERVICE_SID").map(Sender::Service);
    let caller = env.text("TWILIO_VOICE_FROM_NUMBER").or_else(|| number.clone());
    let sender = service.or(number.map(Sender::Number));
    if reader.supports(Channel::Sms) && sender.is_none() {
        reader.missing("TWILIO_FROM_NUMBER or TWILIO_MESSAGING_SERVICE_SID");
    }
    if reader.supports(Channel::Voice) && caller.is_none() {
        reader.missing("TWILIO_VOICE_FROM_NUMBER or TWILIO_FROM_NUMBER");
    }
    let callback = env.parse_optional("TWILIO_STATUS_CALLBACK_URL", |text| base_url::parse(text).map(String::from));
    Box::new(move |deps| {
        let callback = deps.receipt_url(callback.as_deref(), "twilio");
        Arc::new(Twilio { http: deps.http.clone(), account, base, sender, caller, callback })
    })
}

impl Provider for Twilio {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            match message.channel {
                Channel::Voice => self.start_call(message).await,
                Channel::Sms | Channel::Email => self.send_text(message).await,
            }
        })
    }
}

impl Twilio {
    async fn send_text(&self, message: &Outgoing) -> Outcome {
        if message.text.expose().chars().count() > MAX_BODY {
            return Outcome::Unsupported { code: "text_too_long" };
        }
        let validity = api::validity(message.ttl);
        let callback = self.callback(message);
        let mut form = vec![
            ("To", message.to.as_str()),
            ("Body", message.text.expose()),
            // An expired code should not be delivered.
            ("ValidityPeriod", &validity),
            // Replaces look-alikes of GSM characters, which would double the number of segments.
            ("SmartEncoded", "true"),
        ];
        match &self.sender {
            Some(Sender::Number(number)) => form.push(("From", number)),
            Some(Sender::Service(sid)) => form.push(("MessagingServiceSid", sid)),
            None => {}
        }
        form.extend(callback.iter().map(|url| ("StatusCallback", url.as_str())));
        self.create("Messages", &form).await
    }

    async fn start_call(&self, message: &Outgoing) -> Outcome {
        let twiml = twiml(message.text.expose(), message.locale);
        if twiml.chars().count() > MAX_TWIML {
            return Outcome::Unsupported { code: "text_too_long" };
        }
        let callback = self.callback(message);
        let from = self.caller.as_deref().unwrap_or_default();
        let mut form = vec![("To", message.to.as_str()), ("From", from), ("Twiml", &twiml)];
        // Twilio calls it once, when the call is over.
        form.extend(callback.iter().map(|url| ("StatusCallback", url.as_str())));
        self.create("Calls", &form).await
    }

    /// The callback URL contains the delivery id, because a receipt may arrive before the response with Twilio's id.
    fn callback(&self, message: &Outgoing) -> Option<String> {
        let url = self.callback.as_ref()?;
        let separator = if url.contains('?') { '&' } else { '?' };
        Some(format!("{url}{separator}delivery={}", message.id.as_str()))
    }

    async fn create(&self, resource: &str, form: &[(&str, &str)]) -> Outcome {
        #[derive(Deserialize)]
        struct Created {
            sid: String,
        }
        let url = format!("{}/2010-04-01/Accounts/{}/{resource}.json", self.base, self.account.sid);
        match self.account.post(&self.http, url, form).await {
            Ok(response) if response.status.is_success() => match response.json::<Created>() {
                Some(created) => Outcome::Accepted { provider_message_id: Some(created.sid) },
                None => Outcome::Unknown,
            },
            Ok(response) => api::rejection_outcome(&response),
            Err(error) => TransportError::into(error),
        }
    }
}

/// The voice text as TwiML.
fn twiml(text: &str, locale: Locale) -> String {
    let language = match locale {
        Locale::Ko => "ko-KR",
        Locale::En => "en-US",
    };
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // XML 1.0 allows no other control characters, not even escaped.
            char if char.is_control() && !matches!(char, '\n' | '\t') => {}
            char => escaped.push(char),
        }
    }
    format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say language="{language}">{escaped}</Say></Response>"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DL-06: names in the text are escaped.
    #[test]
    fn twiml_escapes_the_text() {
        let escaped = twiml("A&B <Dial>\u{0}1, 2\"'", Locale::Ko);
        assert!(
            escaped.ends_with(r#"<Say language="ko-KR">A&amp;B &lt;Dial&gt;1, 2&quot;&apos;</Say></Response>"#),
            "{escaped}"
        );
    }
}
