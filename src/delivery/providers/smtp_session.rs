//! The dialogue with a mail server, step by step: each refusal means something else at each step, and only what breaks
//! off once the message is being written leaves it unknown whether it was sent.

use std::{error::Error as _, fmt::Display, future::Future, time::Duration};

use lettre::{
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt, Rset},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use tokio::{sync::Mutex, time::timeout};

use crate::delivery::{loose, provider::Outcome};

/// Connections that are kept for the next message.
const MOST_PARKED: usize = 4;

/// A mail server, and how we speak with it.
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<Credentials>,
    /// How we introduce ourselves.
    pub hello: ClientId,
}

/// What keeps the dialogue secret.
pub enum Security {
    Implicit(TlsParameters),
    StartTls(TlsParameters),
    /// Nothing: to this machine alone.
    None,
}

/// How long a server may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To be reached, and to say that a kept connection still stands.
    pub connect: Duration,
    /// For its greeting, and for each answer after it.
    pub step: Duration,
}

/// Open dialogues with one server.
pub struct Sessions {
    server: Server,
    patience: Patience,
    parked: Mutex<Vec<AsyncSmtpConnection>>,
}

/// Where in the dialogue something failed.
#[derive(Clone, Copy)]
enum Step {
    Connect,
    SignIn,
    Sender,
    Recipient,
    Announce,
    Message,
}

impl Sessions {
    pub fn new(server: Server, patience: Patience) -> Self {
        Self { server, patience, parked: Mutex::default() }
    }

    /// Hands one message over; `id` is what it is accepted under.
    pub async fn deliver(&self, envelope: &Envelope, message: &[u8], id: String) -> Outcome {
        let mut session = match self.session().await {
            Ok(session) => session,
            Err(outcome) => return outcome,
        };
        let said = self.converse(&mut session, envelope, message).await;
        // A server that refused goes on listening; one that fell silent or broke off is left.
        let whole = match &said {
            Ok(()) => true,
            Err((_, intact)) => {
                *intact && timeout(self.patience.connect, session.command(Rset)).await.is_ok_and(|said| said.is_ok())
            }
        };
        if whole {
            let mut parked = self.parked.lock().await;
            if parked.len() < MOST_PARKED {
                parked.push(session);
            }
        }
        match said {
            Ok(()) => Outcome::Accepted { provider_message_id: Some(id) },
            Err((outcome, _)) => outcome,
        }
    }

    /// A parked connection that still answers, else a new one.
    async fn session(&self) -> Result<AsyncSmtpConnection, Outcome> {
        loop {
            let Some(mut parked) = self.parked.lock().await.pop() else { break };
            if timeout(self.patience.connect, parked.test_connected()).await.unwrap_or(false) {
                return Ok(parked);
            }
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Outcome> {
        let Server { host, port, security, credentials, hello } = &self.server;
        let implicit = match security {
            Security::Implicit(parameters) => Some(parameters.clone()),
            Security::StartTls(_) | Security::None => None,
        };
        let address = (host.as_str(), *port);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(address, Some(self.patience.connect), hello, implicit, None);
        let mut session = self.step(Step::Connect, connecting).await.map_err(outcome_only)?;
        if let Security::StartTls(parameters) = security {
            // Without the offer there is no falling back: whoever took it out of the greeting could read along.
            if !session.can_starttls() {
                return Err(Outcome::Misconfigured { code: Some("no_starttls".to_owned()) });
            }
            let upgrade = session.starttls(parameters.clone(), hello);
            self.step(Step::Connect, upgrade).await.map_err(outcome_only)?;
        }
        if let Some(credentials) = credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            self.step(Step::SignIn, session.auth(&mechanisms, credentials)).await.map_err(outcome_only)?;
        }
        Ok(session)
    }

    async fn converse(&self, session: &mut AsyncSmtpConnection, envelope: &Envelope, message: &[u8]) -> Said {
        let mut parameters = Vec::new();
        let addresses = envelope.from().into_iter().chain(envelope.to());
        if addresses.map(AsRef::<str>::as_ref).any(|address| !address.is_ascii()) {
            if !session.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err((Outcome::RejectedDestination { code: Some("no_smtputf8".to_owned()) }, true));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !message.is_ascii() {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.say(session, Step::Sender, Mail::new(envelope.from().cloned(), parameters)).await?;
        for recipient in envelope.to() {
            self.say(session, Step::Recipient, Rcpt::new(recipient.clone(), Vec::new())).await?;
        }
        self.say(session, Step::Announce, Data).await?;
        self.step(Step::Message, session.message(message)).await.map(drop)
    }

    async fn say(&self, session: &mut AsyncSmtpConnection, step: Step, command: impl Display) -> Said {
        self.step(step, session.command(command)).await.map(drop)
    }

    async fn step<T>(&self, step: Step, saying: impl Future<Output = Result<T, Error>>) -> Result<T, (Outcome, bool)> {
        match timeout(self.patience.step, saying).await {
            Ok(Ok(said)) => Ok(said),
            Ok(Err(error)) => Err((failed(step, &error), error.status().is_some())),
            Err(_) => Err((broken_off(step), false)),
        }
    }
}

/// What a step came to; a failure with whether the dialogue can go on.
type Said = Result<(), (Outcome, bool)>;

fn outcome_only((outcome, _): (Outcome, bool)) -> Outcome {
    outcome
}

/// No answer. Up to the sender's address it says that the server is away; after that the recipient or the text may be
/// why, and once the message was being written it is unknown whether it was sent.
fn broken_off(step: Step) -> Outcome {
    match step {
        Step::Connect | Step::SignIn | Step::Sender => Outcome::unavailable("not_reached".to_owned()),
        Step::Recipient | Step::Announce => Outcome::deferred("broken_off".to_owned()),
        Step::Message => Outcome::Stalled,
    }
}

/// What a failure at a step means (RFC 5321, section 4.2; enhanced codes: RFC 3463). Once the server has taken the
/// sender, only 421 speaks of the server: all else is about this recipient or this message.
fn failed(step: Step, error: &Error) -> Outcome {
    let Some(status) = error.status() else {
        return match step {
            _ if error.is_tls() => Outcome::Misconfigured { code: Some("tls".to_owned()) },
            Step::SignIn if error.is_client() => Outcome::Misconfigured { code: Some("no_auth_mechanism".to_owned()) },
            _ => broken_off(step),
        };
    };
    let status = status.to_string();
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let enhanced = enhanced(&said).unwrap_or_default();
    let code = loose::code(format!("{status} {enhanced}"));
    match step {
        _ if status == "421" => Outcome::unavailable(code),
        Step::Connect | Step::SignIn | Step::Sender if status.starts_with('4') => Outcome::unavailable(code),
        Step::Recipient | Step::Announce | Step::Message if status.starts_with('4') => Outcome::deferred(code),
        Step::Connect | Step::SignIn => Outcome::Misconfigured { code },
        Step::Sender if is_credentials(&status) => Outcome::Misconfigured { code },
        Step::Sender if status == "552" => Outcome::RejectedContent { code },
        Step::Sender => Outcome::RejectedSender { code },
        _ if is_senders(&status, enhanced) => Outcome::RejectedSender { code },
        Step::Recipient => Outcome::RejectedRecipient { code },
        _ if enhanced.starts_with("5.1.") || enhanced.starts_with("5.2.") => Outcome::RejectedRecipient { code },
        // Amazon SES: an account in the sandbox, paused, or with an identity that is not verified; it has no enhanced codes.
        Step::Message if status == "554" && enhanced.is_empty() => Outcome::RejectedSender { code },
        Step::Announce | Step::Message => Outcome::RejectedContent { code },
    }
}

/// Authentication is demanded or refused (RFC 4954, section 6).
fn is_credentials(status: &str) -> bool {
    matches!(status, "530" | "534" | "535" | "538")
}

/// Whether a refusal after MAIL is about our sender or our account: no relaying for us, a policy or a reputation (5.7), a
/// sender's address or domain (5.1.7, 5.1.8), a daily limit (5.4.5 by Gmail).
fn is_senders(status: &str, enhanced: &str) -> bool {
    is_credentials(status) || enhanced.starts_with("5.7.") || matches!(enhanced, "5.1.7" | "5.1.8" | "5.4.5")
}

/// The enhanced status code that an answer's text begins with, such as `5.1.1`.
fn enhanced(said: &str) -> Option<&str> {
    let word = said.split_whitespace().next()?;
    let mut parts = word.split('.');
    let numbers = parts.by_ref().take(3).filter(|part| part.parse::<u16>().is_ok()).count();
    (numbers == 3 && parts.next().is_none()).then_some(word)
}
