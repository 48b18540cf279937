//! Sending, resending, confirming and canceling verification codes.

use crate::graphql::errors::Result;
use async_graphql::{Context, Object, SimpleObject, Union};

use super::audit;
use crate::{
    account::{ResendOutcome, SendOutcome, SendRequest},
    graphql::{
        context::RequestContext,
        input::{
            CancelVerificationInput, ConfirmVerificationCodeInput, Fields, ResendVerificationCodeInput,
            SendVerificationCodeInput,
        },
        problems::{
            AccountNotActive, CodeMismatch, ContactTaken, ContactUnchanged, DeliveryRefused, IdentityNotFound,
            InvalidInput, QuotaExceeded, ReauthenticationRequired, VerificationNotFound, VerificationNotPending,
        },
        types::{Proof, Verification},
    },
    verification::{self, CancelOutcome, ConfirmOutcome, ResendResult},
};
use domain::{account::rules::StepUpRejection, contact::ContactKind, ids::VerificationId};
use platform::telemetry::audit::Act;

#[derive(Default)]
pub struct VerificationMutation;

#[Object]
impl VerificationMutation {
    /// Sends a code to a contact and starts a verification. PHONE_CHANGE and EMAIL_CHANGE require a recent
    /// authentication. STEP_UP is only sent to a contact of the signed-in account (otherwise InvalidInput with the
    /// reason not_your_contact or contact_changed_recently). If the response was lost or was UNAVAILABLE, the code may
    /// have been sent. Repeat the request with the same idempotencyKey; the code is not sent twice.
    async fn send_verification_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contact, the purpose and the options of the message.")] input: SendVerificationCodeInput,
    ) -> Result<SendVerificationCodeResult> {
        let mut fields = Fields::new(ctx);
        let to = fields.contact("to", &input.to).and_then(|to| fields.fit("to", to, input.purpose));
        let channel = to.as_ref().and_then(|to| fields.channel("channel", input.channel, to));
        let idempotency_key = fields.idempotency_key("idempotencyKey", input.idempotency_key);
        let locale = fields.locale(input.locale.as_deref());
        let device = fields.device(None, input.device_token.as_deref()).token;
        let (Some(to), Some(channel), false) = (to, channel, fields.has_errors()) else {
            return Ok(audit::invalid(ctx, Act::SendVerificationCode, fields).await.into());
        };
        let request = SendRequest { purpose: input.purpose.into(), to, channel, locale, idempotency_key, device };
        let sent = ctx.services().accounts.send_code(ctx.caller(), ctx.signed_in(), request).await?;
        SendVerificationCodeResult::from_send(ctx, sent)
    }

    /// Sends the code of a verification again, optionally by another channel. The code does not change until it
    /// expires, so a delayed message is still valid. The number of attempts is not reset. The purposes that require a
    /// signed-in user or a recent authentication require it here too.
    async fn resend_verification_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The verification whose code is sent again.")] input: ResendVerificationCodeInput,
    ) -> Result<SendVerificationCodeResult> {
        let Some(id) = VerificationId::parse(&input.verification_id) else {
            audit::malformed_id(ctx, Act::ResendVerificationCode).await;
            return Ok(VerificationNotFound::new(ctx).into());
        };
        let (accounts, channel) = (&ctx.services().accounts, input.channel.map(Into::into));
        Ok(match accounts.resend_code(ctx.caller(), ctx.signed_in(), &id, channel).await? {
            ResendOutcome::Resent(resent) => SendVerificationCodeResult::of_resend(ctx, resent),
            ResendOutcome::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
            ResendOutcome::NoStepUp(why) => SendVerificationCodeResult::no_step_up(ctx, "verificationId", why)?,
            ResendOutcome::SignedOut => return Err(ctx.unauthenticated()),
        })
    }

    /// Checks a code and returns a proof if it is correct. If the response was lost or was UNAVAILABLE, the code may
    /// have been confirmed. The same code then returns the same proof for one minute, while the proof is unused, and
    /// for at most as many further requests as a code has attempts. After that the result is VerificationNotPending.
    async fn confirm_verification_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The verification and the code.")] input: ConfirmVerificationCodeInput,
    ) -> Result<ConfirmVerificationCodeResult> {
        let mut fields = Fields::new(ctx);
        if input.code.trim().is_empty() {
            fields.add_error("code", "empty");
        } else if input.code.len() > 256 {
            fields.add_error("code", "not_a_code");
        }
        if let Some(invalid) = audit::finish(ctx, Act::ConfirmVerificationCode, fields).await {
            return Ok(invalid.into());
        }
        let Some(id) = VerificationId::parse(&input.verification_id) else {
            audit::malformed_id(ctx, Act::ConfirmVerificationCode).await;
            return Ok(VerificationNotFound::new(ctx).into());
        };
        let confirmation = ctx.services().verifications.confirm(ctx.caller(), &id, &input.code).await?;
        Ok(ConfirmVerificationCodeResult::of(ctx, confirmation))
    }

    /// Cancels a verification. Its code is no longer valid.
    async fn cancel_verification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The verification to cancel.")] input: CancelVerificationInput,
    ) -> Result<CancelVerificationResult> {
        let Some(id) = VerificationId::parse(&input.verification_id) else {
            audit::malformed_id(ctx, Act::CancelVerification).await;
            return Ok(VerificationNotFound::new(ctx).into());
        };
        Ok(match ctx.services().verifications.cancel(ctx.caller(), &id).await? {
            CancelOutcome::Canceled(verification) => {
                CancelVerificationPayload { verification: Verification(verification) }.into()
            }
            CancelOutcome::NotFound => VerificationNotFound::new(ctx).into(),
            CancelOutcome::NotPending(verification) => VerificationNotPending::new(ctx, verification).into(),
        })
    }
}

/// The code has been sent.
#[derive(SimpleObject)]
pub struct SendVerificationCodePayload {
    /// The verification in its current state.
    verification: Verification,
}

/// Result of `sendVerificationCode`, `resendVerificationCode` and `requestPasswordReset`.
#[derive(Union)]
pub enum SendVerificationCodeResult {
    Payload(SendVerificationCodePayload),
    InvalidInput(InvalidInput),
    QuotaExceeded(QuotaExceeded),
    ContactTaken(ContactTaken),
    ContactUnchanged(ContactUnchanged),
    IdentityNotFound(IdentityNotFound),
    AccountNotActive(AccountNotActive),
    VerificationNotFound(VerificationNotFound),
    VerificationNotPending(VerificationNotPending),
    DeliveryRefused(DeliveryRefused),
    ReauthenticationRequired(ReauthenticationRequired),
}

impl SendVerificationCodeResult {
    fn payload(verification: verification::VerificationView) -> Self {
        SendVerificationCodePayload { verification: Verification(verification) }.into()
    }

    fn invalid_field(ctx: &Context<'_>, path: &str, reason: &str) -> Self {
        let mut fields = Fields::new(ctx);
        fields.add_error(path, reason);
        fields.into_invalid_input().into()
    }

    /// `path` is the path of the invalid field. If it is empty, the requested contact is the invalid field.
    fn no_step_up(ctx: &Context<'_>, path: &str, why: StepUpRejection) -> Result<Self> {
        let (kind, reason) = match why {
            StepUpRejection::UnverifiedContact(kind) => (kind, "not_your_contact"),
            StepUpRejection::RecentlyChanged(kind) => (kind, "contact_changed_recently"),
            StepUpRejection::InvalidSession => return Err(ctx.unauthenticated()),
        };
        let contact = match kind {
            ContactKind::Phone => "to.phone",
            ContactKind::Email => "to.email",
        };
        let mut fields = Fields::new(ctx);
        fields.add_error(if path.is_empty() { contact } else { path }, reason);
        Ok(fields.into_invalid_input().into())
    }

    pub fn from_send(ctx: &Context<'_>, sent: SendOutcome) -> Result<Self> {
        Ok(match sent {
            SendOutcome::Sent(verification) => Self::payload(verification),
            SendOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
            SendOutcome::ContactTaken => ContactTaken::new(ctx).into(),
            SendOutcome::ContactUnchanged => ContactUnchanged::new(ctx).into(),
            SendOutcome::IdentityNotFound => IdentityNotFound::new(ctx).into(),
            SendOutcome::AccountNotActive(status) => AccountNotActive::new(ctx, status).into(),
            SendOutcome::ReauthenticationRequired(required) => ReauthenticationRequired::new(ctx, &required).into(),
            SendOutcome::NoStepUp(why) => Self::no_step_up(ctx, "", why)?,
            SendOutcome::SignedOut => return Err(ctx.unauthenticated()),
            SendOutcome::SignInByEmailOff => Self::invalid_field(ctx, "to.email", "sign_in_by_email_off"),
            SendOutcome::NotRequestable => Self::invalid_field(ctx, "purpose", "not_a_purpose_to_request"),
        })
    }

    fn of_resend(ctx: &Context<'_>, resent: ResendResult) -> Self {
        match resent {
            ResendResult::Sent(verification) => Self::payload(verification),
            ResendResult::NotFound => VerificationNotFound::new(ctx).into(),
            ResendResult::NotPending(verification) => VerificationNotPending::new(ctx, verification).into(),
            ResendResult::WrongChannel => Self::invalid_field(ctx, "channel", "wrong_channel"),
            ResendResult::ChannelUnavailable => Self::invalid_field(ctx, "channel", "channel_unavailable"),
            ResendResult::DeliveryRefused { provider_code } => DeliveryRefused::new(ctx, provider_code).into(),
            ResendResult::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        }
    }
}

/// The code was correct.
#[derive(SimpleObject)]
pub struct ConfirmVerificationCodePayload {
    /// The verification in its current state.
    verification: Verification,
    /// The proof that the code was exchanged for.
    proof: Proof,
}

/// Result of `confirmVerificationCode`.
#[derive(Union)]
pub enum ConfirmVerificationCodeResult {
    Payload(ConfirmVerificationCodePayload),
    InvalidInput(InvalidInput),
    CodeMismatch(CodeMismatch),
    VerificationNotFound(VerificationNotFound),
    VerificationNotPending(VerificationNotPending),
    QuotaExceeded(QuotaExceeded),
}

impl ConfirmVerificationCodeResult {
    fn of(ctx: &Context<'_>, confirmation: ConfirmOutcome) -> Self {
        match confirmation {
            ConfirmOutcome::Confirmed { verification, proof } | ConfirmOutcome::Repeated { verification, proof } => {
                ConfirmVerificationCodePayload { verification: Verification(verification), proof: Proof::from(*proof) }
                    .into()
            }
            ConfirmOutcome::Mismatch { attempts_remaining } => CodeMismatch::new(ctx, attempts_remaining).into(),
            ConfirmOutcome::NotFound => VerificationNotFound::new(ctx).into(),
            ConfirmOutcome::NotPending(verification) => VerificationNotPending::new(ctx, verification).into(),
            ConfirmOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        }
    }
}

/// The verification has been canceled.
#[derive(SimpleObject)]
pub struct CancelVerificationPayload {
    /// The verification in its current state.
    verification: Verification,
}

/// Result of `cancelVerification`.
#[derive(Union)]
pub enum CancelVerificationResult {
    Payload(CancelVerificationPayload),
    VerificationNotFound(VerificationNotFound),
    VerificationNotPending(VerificationNotPending),
}
