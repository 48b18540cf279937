//! E-mail over SMTP, by lettre: with implicit TLS or STARTTLS; unencrypted only to a loopback address.

mod session;

use std::{sync::Arc, time::Duration};

use lettre::{
    Address,
    address::Envelope,
    message::{
        Mailbox, Message, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, TlsParameters},
        extension::ClientId,
    },
};

use crate::{
    base_url,
    provider::{Capabilities, Channel, Outcome, Outgoing, Provider, SendFuture},
    registration::{ProviderFactory, Registration, SettingsReader},
    smtp::session::{Security, Server, Sessions, Timeouts},
};
use domain::Timestamp;
use platform::{
    clock::Clock,
    config::{Env, Setting},
};

const CAPABILITIES: Capabilities = Capabilities::of(&[Channel::Email]);

/// A mail server (RFC 5321).
pub const REGISTRATION: Registration = Registration {
    name: "smtp",
    capabilities: CAPABILITIES,
    settings: &[
        Setting::optional("SMTP_HOST", "The mail server through which messages are sent."),
        Setting::optional(
            "SMTP_PORT",
            "The port of the mail server. If unset: 465 for implicit TLS, 587 for STARTTLS, 25 for none.",
        ),
        Setting::optional("SMTP_USERNAME", "The username for authentication. If unset: no authentication."),
        Setting::secret("SMTP_PASSWORD", "The password for authentication."),
        Setting::new(
            "SMTP_TLS",
            "starttls",
            "implicit (port 465), starttls (port 587; nothing is sent without it), or none (only to a loopback address).",
        ),
        Setting::optional("SMTP_FROM", "The sender: Name <no-reply@example.com>. It also receives bounces."),
        Setting::new(
            "SMTP_TIMEOUT",
            "60s",
            "The time limit for the greeting of the mail server and for each reply. RFC 5321 allows minutes, and servers \
             that check a recipient or a text need them. The limit for connecting is PROVIDER_TIMEOUT. A message without \
             a reply at the end of SHUTDOWN_GRACE may be shown as UNKNOWN.",
        ),
        Setting::optional("SMTP_CA_FILE", "Certificates in PEM to trust in addition to those of the system."),
    ],
    receipts: None,
    read,
};

struct Smtp {
    clock: Clock,
    from: Mailbox,
    sessions: Sessions,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    Implicit,
    Upgraded,
    None,
}

fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let host = reader.text("SMTP_HOST");
    let from = reader.text("SMTP_FROM");
    let env = reader.env();
    let tls = env.choice("SMTP_TLS", &[("implicit", Tls::Implicit), ("starttls", Tls::Upgraded), ("none", Tls::None)]);
    if tls == Tls::None && !host.is_empty() && !base_url::is_loopback(&host) {
        env.add_error(
            "SMTP_TLS",
            "implicit or starttls: unencrypted connections are only allowed to a loopback address",
        );
    }
    let port = env.parse_optional("SMTP_PORT", |text| {
        text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| "a number from 1 to 65535".to_owned())
    });
    let default_port = match tls {
        Tls::Implicit => 465,
        Tls::Upgraded => 587,
        Tls::None => 25,
    };
    let credentials = credentials(reader);
    let from = sender(&from).map_err(|hint| {
        if !from.is_empty() {
            env.add_error("SMTP_FROM", hint);
        }
    });
    let step = env.duration("SMTP_TIMEOUT", Duration::from_secs(1)..=Duration::from_secs(600));
    let security = security(env, &host, tls);
    let server =
        Server { host, port: port.unwrap_or(default_port), security, credentials, ehlo_name: ehlo_name(&from) };
    Box::new(move |deps| {
        #[expect(
            clippy::expect_used,
            reason = "an invalid sender was reported as an error, and then no provider is built"
        )]
        let from = from.expect("SMTP_FROM was validated");
        let timeouts = Timeouts { connect: deps.timeout, step };
        Arc::new(Smtp { clock: deps.clock.clone(), from, sessions: Sessions::new(server, timeouts) })
    })
}

/// The sender, with its domain in ASCII: it is used in EHLO, MAIL and Message-ID, where servers without SMTPUTF8 accept
/// only ASCII.
fn sender(text: &str) -> Result<Mailbox, &'static str> {
    let name = text.split_once('<').map_or("", |(name, _)| name.trim());
    if !name.starts_with('"') && name.contains(['(', ')', ',', ':', ';', '@', '[', ']', '\\', '"']) {
        return Err(
            "double quotes around the name, because of its special characters: \"Name\" <no-reply@example.com>",
        );
    }
    let expected = "an address such as Name <no-reply@example.com>";
    let Mailbox { name, email } = text.parse().map_err(|_| expected)?;
    if !email.user().is_ascii() {
        return Err("an address with only ASCII before the @: many mail servers accept no other");
    }
    if email.domain().is_ascii() {
        return Ok(Mailbox { name, email });
    }
    let domain = idna::domain_to_ascii_strict(email.domain()).map_err(|_| expected)?;
    Ok(Mailbox { name, email: Address::new(email.user(), domain).map_err(|_| expected)? })
}

fn credentials(reader: &mut SettingsReader<'_>) -> Option<Credentials> {
    let env = reader.env();
    let given = env.is_set("SMTP_USERNAME") || env.secret("SMTP_PASSWORD").is_some();
    given.then(|| Credentials::new(reader.text("SMTP_USERNAME"), reader.secret("SMTP_PASSWORD").expose().to_owned()))
}

fn security(env: &Env, host: &str, tls: Tls) -> Security {
    let mut parameters = TlsParameters::builder(host.to_owned());
    for certificate in env.parse_optional("SMTP_CA_FILE", read_certificates).into_iter().flatten() {
        parameters = parameters.add_root_certificate(certificate);
    }
    match (tls, parameters.build()) {
        (Tls::None, _) => Security::None,
        (Tls::Implicit, Ok(parameters)) => Security::Implicit(parameters),
        (Tls::Upgraded, Ok(parameters)) => Security::StartTls(parameters),
        (Tls::Implicit | Tls::Upgraded, Err(_)) => {
            env.add_error("SMTP_CA_FILE", "valid certificates: TLS could not be initialised");
            Security::None
        }
    }
}

fn read_certificates(path: &str) -> Result<Vec<Certificate>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("can't read {path}: {error}"))?;
    let certificates = Certificate::from_pem(&pem).map_err(|_| format!("{path} contains no certificate in PEM"))?;
    Ok(vec![certificates])
}

/// The EHLO name: the domain of the sender, because a host name could disclose internal names.
fn ehlo_name(from: &Result<Mailbox, ()>) -> ClientId {
    from.as_ref().map_or_else(|()| ClientId::default(), |from| ClientId::Domain(from.email.domain().to_owned()))
}

impl Provider for Smtp {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            let Ok(to) = message.to.as_str().parse::<Address>() else {
                return Outcome::Unsupported { code: "address_not_deliverable" };
            };
            let id = format!("<{}@{}>", message.id.as_str(), self.from.email.domain());
            let Some((envelope, bytes)) = compose(&self.from, to, &id, message, self.clock.now()) else {
                return Outcome::Unsupported { code: "message_not_composed" };
            };
            self.sessions.deliver(&envelope, &bytes, id).await
        })
    }
}

/// The message in its wire format. The Message-ID is the same for a retry.
fn compose(from: &Mailbox, to: Address, id: &str, message: &Outgoing, now: Timestamp) -> Option<(Envelope, Vec<u8>)> {
    let subject: String = message.subject.as_deref()?.chars().filter(|char| !char.is_control()).collect();
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()]).ok()?;
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let builder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .date(now.into())
        .message_id(Some(id.to_owned()))
        .subject(subject)
        // RFC 3834: suppresses automatic replies.
        .raw_header(automatic);
    let text = SinglePart::plain(message.text.expose().to_owned());
    let composed = match &message.html {
        Some(html) => {
            let html = SinglePart::html(html.expose().to_owned());
            builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html))
        }
        None => builder.singlepart(text),
    };
    composed.ok().map(|message| (envelope, message.formatted()))
}
