//! The audit trail: who did what, from where, when, and how it ended (ASVS 5.0 16.2, 16.3).
//!
//! One event is written twice: as a row that is only ever added to, by `store`, and as a log line under the target
//! [`TARGET`], for systems that collect logs. The log has less of it: the client's network, not its address.

use std::sync::Arc;

use domain::{
    Timestamp,
    caller::{Caller, ClientAddress},
    ids::AccountId,
};

/// The log target of the audit trail, in `LOG` too.
pub const TARGET: &str = "audit";

/// The outcome of an act that did what was asked.
pub const OK: &str = "ok";

/// The outcome of an act that a quota refused. Of a flood of these, and of the others here, the trail has one a
/// minute (`store`).
pub const QUOTA_EXCEEDED: &str = "quota_exceeded";
/// The outcome of an act whose input was wrong, field by field.
pub const INVALID_INPUT: &str = "invalid_input";
/// The outcome of an act on something whose id this service cannot have given out.
pub const MALFORMED_ID: &str = "malformed_id";
/// The outcome of an act of somebody signed in, where nobody is.
pub const UNAUTHENTICATED: &str = "unauthenticated";
/// The outcome of an administrator's act that somebody else tried.
pub const FORBIDDEN: &str = "forbidden";
/// The outcome of an act that needs a recent authentication, where there was none.
pub const REAUTHENTICATION_REQUIRED: &str = "reauthentication_required";
/// The outcome of a deletion that waits until no contact change can be undone any more.
pub const DELETION_HELD_BACK: &str = "deletion_held_back";
/// The outcome of ending a session that the account does not have.
pub const SESSION_NOT_FOUND: &str = "session_not_found";

macro_rules! acts {
    ($($(#[$meta:meta])* $act:ident = $name:literal,)*) => {
        /// What somebody did: every mutation, what an operator does on the command line, and what the program does by
        /// itself that somebody will ask about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Act { $($(#[$meta])* $act,)* }

        impl Act {
            /// Every act there is.
            pub const ALL: &[Act] = &[$(Act::$act),*];

            /// Its name in the table and in the log: a mutation's is the mutation's.
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
    /// The program started, with a configuration that it took.
    Start = "start",
    /// A verification took its last wrong guess.
    VerificationLocked = "verification locked",
    /// An account took one wrong password too many.
    AccountLocked = "account locked",
    /// A refresh token showed that there is a second copy of a session's tokens, and the session was ended.
    RefreshReused = "refresh reused",
    /// Much was sent to numbers that begin alike and little confirmed: they are throttled.
    DestinationThrottled = "destination throttled",
    /// Confirmations lifted the throttle.
    DestinationFreed = "destination freed",
    /// Many codes were tried in the whole service and few were right: codes seem to be guessed across accounts.
    GuessingSuspected = "guessing suspected",
    /// Enough of the codes that are tried are right again.
    GuessingOver = "guessing over",
}

/// One entry of the trail.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: Timestamp,
    pub act: Act,
    /// [`OK`], or the refusal's code as a client sees it, or what the program calls it: a closed list, never words.
    pub outcome: &'static str,
    pub request_id: Arc<str>,
    /// Whole: for the table, where it is kept as long as the trail.
    pub address: Option<ClientAddress>,
    /// As the client wrote it, at most 512 bytes.
    pub user_agent: Option<Arc<str>>,
    /// Whom the act was about, if that is known.
    pub account: Option<AccountId>,
    /// The administrator who did it to them; none: whoever asked acted for themselves.
    pub actor: Option<AccountId>,
    /// Masked.
    pub contact: Option<String>,
}

impl Event {
    /// What a caller did over the wire.
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

    /// What the program or its operator did, without a request. `run` names the process's run instead.
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

    /// Adds whom it was about.
    #[must_use]
    pub fn account(self, account: AccountId) -> Self {
        Self { account: Some(account), ..self }
    }

    /// Adds whom it was about, if that is known.
    #[must_use]
    pub fn maybe_account(self, account: Option<AccountId>) -> Self {
        match account {
            Some(account) => self.account(account),
            None => self,
        }
    }

    /// Adds the administrator who did it.
    #[must_use]
    pub fn actor(self, administrator: AccountId) -> Self {
        Self { actor: Some(administrator), ..self }
    }

    /// The same, with how it ended after all.
    #[must_use]
    pub fn outcome(self, outcome: &'static str) -> Self {
        Self { outcome, ..self }
    }

    /// Adds the contact that it was about, masked already.
    #[must_use]
    pub fn contact(self, masked: String) -> Self {
        Self { contact: Some(masked), ..self }
    }

    /// Writes the log line. The row is `store`'s, in the transaction of the act itself.
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
    fn an_entry_says_who_what_how_and_when_and_hides_what_it_must() {
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
    fn no_two_acts_share_a_name() {
        let names: BTreeSet<_> = Act::ALL.iter().map(|act| act.as_str()).collect();
        assert_eq!(names.len(), Act::ALL.len());
    }
}
