//! The audit trail: actor, act, client, time and outcome (ASVS 5.0 16.2, 16.3).
//!
//! Each event is written twice: as a row of an append-only table, by `store`, and as a log line under the target
//! [`TARGET`], for log collectors. The log line has only the network of the client, not its complete address.

use std::sync::Arc;

use domain::{
    Timestamp,
    caller::{Caller, ClientAddress},
    ids::AccountId,
};

/// The log target of the audit trail, also as it is named in `LOG`.
pub const TARGET: &str = "audit";

/// The act succeeded.
pub const OK: &str = "ok";

/// A quota refused the act. Repeated entries with this outcome, or one of those below, are limited to one a minute
/// (`store`).
pub const QUOTA_EXCEEDED: &str = "quota_exceeded";
/// Fields of the input were invalid.
pub const INVALID_INPUT: &str = "invalid_input";
/// The id has a form that this service never issues.
pub const MALFORMED_ID: &str = "malformed_id";
/// The act requires a session, and there is none.
pub const UNAUTHENTICATED: &str = "unauthenticated";
/// The act requires an administrator.
pub const FORBIDDEN: &str = "forbidden";
/// The act requires a recent authentication.
pub const REAUTHENTICATION_REQUIRED: &str = "reauthentication_required";
/// The deletion of the account is held until no contact change can be undone any more.
pub const DELETION_HELD_BACK: &str = "deletion_held_back";
/// The account has no such session.
pub const SESSION_NOT_FOUND: &str = "session_not_found";

macro_rules! acts {
    ($($(#[$meta:meta])* $act:ident = $name:literal,)*) => {
        /// An audited act: every mutation, every administrative command, and events that the program detects by itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Act { $($(#[$meta])* $act,)* }

        impl Act {
            /// All acts.
            pub const ALL: &[Act] = &[$(Act::$act),*];

            /// Its name in the table and in the log; for a mutation, the name of the mutation.
            pub const fn as_str(self) -> &'static str {
                match self { $(Act::$act => $name,)* }
            }
        }
    };
}

acts! {
    SendVerificationCode = "sendVerificationCode",
    ResendVerificationCode = "resendVerificationCode",
    ConfirmVerificationCode = "confirmVerificationCode",
    CancelVerification = "cancelVerification",
    SignUp = "signUp",
    SignIn = "signIn",
    SignInWithProof = "signInWithProof",
    RefreshSession = "refreshSession",
    SignOut = "signOut",
    SignOutEverywhere = "signOutEverywhere",
    RevokeSession = "revokeSession",
    RequestPasswordReset = "requestPasswordReset",
    ResetPassword = "resetPassword",
    ChangePassword = "changePassword",
    ChangePhone = "changePhone",
    ChangeEmail = "changeEmail",
    UndoContactChange = "undoContactChange",
    UpdateProfile = "updateProfile",
    DeleteAccount = "deleteAccount",
    Reauthenticate = "reauthenticate",
    SetAccountStatus = "setAccountStatus",
    UnlockAccount = "unlockAccount",
    EndUserSessions = "endUserSessions",
    /// `countersign admin create-user`.
    AdminCreateUser = "admin create-user",
    /// `countersign admin grant`.
    AdminGrant = "admin grant",
    /// `countersign admin suspend`.
    AdminSuspend = "admin suspend",
    /// `countersign admin unlock`.
    AdminUnlock = "admin unlock",
    /// `countersign admin import-users`.
    AdminImportUsers = "admin import-users",
    /// The program started with a valid configuration.
    Start = "start",
    /// A verification was locked by its last wrong code.
    VerificationLocked = "verification locked",
    /// An account was locked by too many wrong passwords.
    AccountLocked = "account locked",
    /// A reused refresh token showed that a session's tokens were copied, and the session was ended.
    RefreshReused = "refresh reused",
    /// A destination prefix was throttled: many codes were sent to it and few confirmed.
    DestinationThrottled = "destination throttled",
    /// Confirmations ended the throttle.
    DestinationFreed = "destination freed",
    /// Many codes were tried in the whole service and few were correct: codes are probably guessed across accounts.
    GuessingSuspected = "guessing suspected",
    /// The share of correct codes is back to normal.
    GuessingOver = "guessing over",
}

/// One entry of the trail.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: Timestamp,
    pub act: Act,
    /// [`OK`], the problem code that the client received, or another constant of a closed list; never free text.
    pub outcome: &'static str,
    pub request_id: Arc<str>,
    /// The complete address, for the table only, where it is kept as long as the entry.
    pub address: Option<ClientAddress>,
    /// As sent by the client, at most 512 bytes.
    pub user_agent: Option<Arc<str>>,
    /// The account that the act affects, if known.
    pub account: Option<AccountId>,
    /// The administrator who acted. `None`: the client acted for itself.
    pub actor: Option<AccountId>,
    /// The contact, masked.
    pub contact: Option<String>,
}

impl Event {
    /// An act of an API client.
    pub fn new(caller: &Caller, act: Act, outcome: &'static str, at: Timestamp) -> Self {
        Self {
            at,
            act,
            outcome,
            request_id: Arc::clone(&caller.request_id),
            address: Some(caller.address),
            user_agent: caller.user_agent.clone(),
            account: None,
            actor: None,
            contact: None,
        }
    }

    /// An act of the program or its operator, without a request. `run` identifies the run of the process instead.
    pub fn internal(run: Arc<str>, act: Act, outcome: &'static str, at: Timestamp) -> Self {
        Self {
            at,
            act,
            outcome,
            request_id: run,
            address: None,
            user_agent: None,
            account: None,
            actor: None,
            contact: None,
        }
    }

    /// Sets the affected account.
    #[must_use]
    pub fn account(self, account: AccountId) -> Self {
        Self { account: Some(account), ..self }
    }

    /// Sets the affected account, if known.
    #[must_use]
    pub fn maybe_account(self, account: Option<AccountId>) -> Self {
        match account {
            Some(account) => self.account(account),
            None => self,
        }
    }

    /// Sets the administrator who acted.
    #[must_use]
    pub fn actor(self, administrator: AccountId) -> Self {
        Self { actor: Some(administrator), ..self }
    }

    /// Replaces the outcome.
    #[must_use]
    pub fn outcome(self, outcome: &'static str) -> Self {
        Self { outcome, ..self }
    }

    /// Sets the contact, which must be masked.
    #[must_use]
    pub fn contact(self, masked: String) -> Self {
        Self { contact: Some(masked), ..self }
    }

    /// Writes the log line. `store` writes the row, in the transaction of the act.
    pub fn log(&self) {
        tracing::info!(
            target: TARGET,
            at = %self.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            act = self.act.as_str(),
            outcome = self.outcome,
            request_id = &*self.request_id,
            account = self.account.as_ref().map(tracing::field::debug),
            actor = self.actor.as_ref().map(tracing::field::debug),
            contact = self.contact.as_deref(),
            client = self.address.map(tracing::field::display),
            user_agent = self.user_agent.as_deref(),
            "audit",
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        clock::Entropy,
        config::{LogFormat, Telemetry},
        telemetry::logs::{Sink, subscriber},
    };

    #[test]
    fn entry_has_all_fields_and_truncated_identifiers() {
        let caller = Caller {
            address: ClientAddress::new("2001:db8:1:2::3".parse().unwrap()),
            user_agent: Some("curl\n{\"act\":\"forged\"}".into()),
            request_id: "req-1".into(),
            locale: domain::locale::Locale::En,
        };
        let account = AccountId::new(&Entropy::seeded(1));
        let at = "2026-02-03T04:05:06.007Z".parse().unwrap();
        let event = Event::new(&caller, Act::SignIn, "credentials_rejected", at)
            .account(account.clone())
            .contact("+82 10-••••-5678".to_owned());

        let lines = Arc::default();
        let settings = Telemetry {
            filter: "off".parse().unwrap(),
            format: LogFormat::Json,
            metrics_addr: None,
            traces: crate::config::Traces::default(),
        };
        let subscriber = subscriber(&settings, Sink::Memory(Arc::clone(&lines)));
        tracing::subscriber::with_default(subscriber, || event.log());

        let line: serde_json::Value = serde_json::from_slice(&lines.lock().unwrap()).unwrap();
        assert_eq!(line["at"], "2026-02-03T04:05:06.007Z");
        assert_eq!(line["act"], "signIn");
        assert_eq!(line["outcome"], "credentials_rejected");
        assert_eq!(line["request_id"], "req-1");
        assert_eq!(line["contact"], "+82 10-••••-5678");
        assert_eq!(line["client"], "2001:db8:1::x");
        assert_eq!(line["user_agent"], "curl\n{\"act\":\"forged\"}");
        let shown = line["account"].as_str().unwrap();
        assert!(shown.starts_with("acc_") && shown.len() < account.as_str().len());
    }

    #[test]
    fn act_names_are_unique() {
        let names: BTreeSet<_> = Act::ALL.iter().map(|act| act.as_str()).collect();
        assert_eq!(names.len(), Act::ALL.len());
    }
}
