//! SMTP sessions with a mail server. The meaning of a rejection depends on the step, and the outcome is only unknown if
//! the connection fails while the message is being written.

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

use crate::{lenient, provider::Outcome};

/// The maximum number of idle connections.
const MAX_IDLE: usize = 4;

/// A mail server and its connection settings.
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<Credentials>,
    /// The EHLO name.
    pub ehlo_name: ClientId,
}

/// The encryption of the connection.
pub enum Security {
    Implicit(TlsParameters),
    StartTls(TlsParameters),
    /// No encryption: only to a loopback address.
    None,
}

/// The time limits for a server.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For connecting, and for checking that an idle connection is still open.
    pub connect: Duration,
    /// For the greeting, and for each reply after it.
    pub step: Duration,
}

/// A pool of sessions with one server.
pub struct Sessions {
    server: Server,
    timeouts: Timeouts,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

/// The step of the session that failed.
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
    /// A pool without connections.
    pub fn new(server: Server, timeouts: Timeouts) -> Self {
        Self { server, timeouts, idle: Mutex::default() }
    }

    /// Sends one message; `id` is the provider message id of an accepted one.
    pub async fn deliver(&self, envelope: &Envelope, message: &[u8], id: String) -> Outcome {
        let mut session = match self.session().await {
            Ok(session) => session,
            Err(outcome) => return outcome,
        };
        let reply = self.transfer(&mut session, envelope, message).await;
        // After a rejection the session can be reused; after a timeout or a broken connection it is dropped.
        let reusable = match &reply {
            Ok(()) => true,
            Err((_, intact)) => {
                *intact && timeout(self.timeouts.connect, session.command(Rset)).await.is_ok_and(|reply| reply.is_ok())
            }
        };
        if reusable {
            let mut idle = self.idle.lock().await;
            if idle.len() < MAX_IDLE {
                idle.push(session);
            }
        }
        match reply {
            Ok(()) => Outcome::Accepted { provider_message_id: Some(id) },
            Err((outcome, _)) => outcome,
        }
    }

    /// An idle connection that is still open, or a new one.
    async fn session(&self) -> Result<AsyncSmtpConnection, Outcome> {
        loop {
            let Some(mut idle) = self.idle.lock().await.pop() else { break };
            if timeout(self.timeouts.connect, idle.test_connected()).await.unwrap_or(false) {
                return Ok(idle);
            }
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Outcome> {
        let Server { host, port, security, credentials, ehlo_name: hello } = &self.server;
        let implicit = match security {
            Security::Implicit(parameters) => Some(parameters.clone()),
            Security::StartTls(_) | Security::None => None,
        };
        let address = (host.as_str(), *port);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(address, Some(self.timeouts.connect), hello, implicit, None);
        let mut session = self.step(Step::Connect, connecting).await.map_err(outcome_only)?;
        if let Security::StartTls(parameters) = security {
            // No fallback to an unencrypted session: an attacker could have removed STARTTLS from the EHLO reply.
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

    async fn transfer(&self, session: &mut AsyncSmtpConnection, envelope: &Envelope, message: &[u8]) -> StepResult {
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
        self.send_command(session, Step::Sender, Mail::new(envelope.from().cloned(), parameters)).await?;
        for recipient in envelope.to() {
            self.send_command(session, Step::Recipient, Rcpt::new(recipient.clone(), Vec::new())).await?;
        }
        self.send_command(session, Step::Announce, Data).await?;
        self.step(Step::Message, session.message(message)).await.map(drop)
    }

    async fn send_command(&self, session: &mut AsyncSmtpConnection, step: Step, command: impl Display) -> StepResult {
        self.step(step, session.command(command)).await.map(drop)
    }

    async fn step<T>(
        &self,
        step: Step,
        exchange: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, (Outcome, bool)> {
        match timeout(self.timeouts.step, exchange).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err((error_outcome(step, &error), error.status().is_some())),
            Err(_) => Err((no_reply_outcome(step), false)),
        }
    }
}

/// The result of a step; an error includes whether the session can be reused.
type StepResult = Result<(), (Outcome, bool)>;

fn outcome_only((outcome, _): (Outcome, bool)) -> Outcome {
    outcome
}

/// The outcome of a step without a reply. Up to MAIL the server is unavailable; after that the recipient or the text
/// may be the cause; once the message was being written, it is unknown whether it was sent.
fn no_reply_outcome(step: Step) -> Outcome {
    match step {
        Step::Connect | Step::SignIn | Step::Sender => Outcome::unavailable("not_reached".to_owned()),
        Step::Recipient | Step::Announce => Outcome::deferred("broken_off".to_owned()),
        Step::Message => Outcome::UnknownForMessage,
    }
}

/// The outcome of a failed step (RFC 5321, section 4.2; enhanced codes: RFC 3463). After MAIL was accepted, only 421 is
/// about the server: all other codes are about this recipient or this message.
fn error_outcome(step: Step, error: &Error) -> Outcome {
    let Some(status) = error.status() else {
        return match step {
            _ if error.is_tls() => Outcome::Misconfigured { code: Some("tls".to_owned()) },
            Step::SignIn if error.is_client() => Outcome::Misconfigured { code: Some("no_auth_mechanism".to_owned()) },
            _ => no_reply_outcome(step),
        };
    };
    let status = status.to_string();
    let reply = error.source().map(ToString::to_string).unwrap_or_default();
    let enhanced = enhanced(&reply).unwrap_or_default();
    let code = lenient::code(format!("{status} {enhanced}"));
    match step {
        _ if status == "421" => Outcome::unavailable(code),
        Step::Connect | Step::SignIn | Step::Sender if status.starts_with('4') => Outcome::unavailable(code),
        Step::Recipient | Step::Announce | Step::Message if status.starts_with('4') => Outcome::deferred(code),
        Step::Connect | Step::SignIn => Outcome::Misconfigured { code },
        Step::Sender if is_credentials(&status) => Outcome::Misconfigured { code },
        Step::Sender if status == "552" => Outcome::RejectedContent { code },
        Step::Sender => Outcome::RejectedSender { code },
        _ if is_sender_rejection(&status, enhanced) => Outcome::RejectedSender { code },
        Step::Recipient => Outcome::RejectedRecipient { code },
        _ if enhanced.starts_with("5.1.") || enhanced.starts_with("5.2.") => Outcome::RejectedRecipient { code },
        // Amazon SES, which has no enhanced codes: the account is in the sandbox or paused, or the identity is not
        // verified.
        Step::Message if status == "554" && enhanced.is_empty() => Outcome::RejectedSender { code },
        Step::Announce | Step::Message => Outcome::RejectedContent { code },
    }
}

/// Authentication is required or was rejected (RFC 4954, section 6).
fn is_credentials(status: &str) -> bool {
    matches!(status, "530" | "534" | "535" | "538")
}

/// Whether a rejection after MAIL is about our sender or our account: relaying denied, policy or reputation (5.7), the
/// address or domain of the sender (5.1.7, 5.1.8), a daily limit (5.4.5 by Gmail).
fn is_sender_rejection(status: &str, enhanced: &str) -> bool {
    is_credentials(status) || enhanced.starts_with("5.7.") || matches!(enhanced, "5.1.7" | "5.1.8" | "5.4.5")
}

/// The enhanced status code at the start of the reply text, such as `5.1.1`.
fn enhanced(reply: &str) -> Option<&str> {
    let word = reply.split_whitespace().next()?;
    let mut parts = word.split('.');
    let numbers = parts.by_ref().take(3).filter(|part| part.parse::<u16>().is_ok()).count();
    (numbers == 3 && parts.next().is_none()).then_some(word)
}
