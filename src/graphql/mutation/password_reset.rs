//! Choosing a new password when the old one is lost.

use async_graphql::{Context, InputObject, Object, OneofObject, Result, SimpleObject, Union};

use super::{trail, verification::SendVerificationCodeResult};
use crate::{
    account::{Claim, Identity, Reset},
    contact::{BirthDate, Contact, PersonName},
    graphql::{
        context::Asking,
        input::{ContactInput, Fields},
        problems::{PasswordRejected, ProofRejected, QuotaExceeded},
        types::{Carrier, device_token},
    },
    secret::Secret,
    telemetry::audit::Act,
    verification::ProofToken,
};

#[derive(Default)]
pub struct PasswordResetMutation;

/// Who asks for a new password: exactly one of these.
#[derive(OneofObject)]
pub enum RequestPasswordResetInput {
    /// By name, birth date and phone, which must all be the account's.
    Identity(IdentityInput),
    /// By a contact alone.
    Contact(ContactInput),
}

/// A person, as their account knows them.
#[derive(InputObject)]
pub struct IdentityInput {
    /// The whole name, in any of its spellings: case, width, spaces, hyphens, apostrophes, dots, commas, joiners and
    /// variation selectors do not count, other letters and diacritics do. Limits are those of SignUpInput.name.
    pub name: String,
    /// The birth date, YYYY-MM-DD.
    pub birth_date: String,
    /// The phone number, free form.
    pub phone: String,
}

/// A new password, and the proof that entitles to choose it.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// Of a PASSWORD_RESET verification.
    #[graphql(secret)]
    pub proof_token: String,
    /// As passwordPolicy demands.
    #[graphql(secret)]
    pub new_password: String,
}

#[Object]
impl PasswordResetMutation {
    /// Proves who asks (name, birth date and phone; or a contact alone) and sends a PASSWORD_RESET code.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who asks.")] input: RequestPasswordResetInput,
    ) -> Result<SendVerificationCodeResult> {
        let mut fields = Fields::new(ctx);
        let claim = match &input {
            RequestPasswordResetInput::Identity(input) => identity(&mut fields, input).map(Claim::Identity),
            RequestPasswordResetInput::Contact(input) => fields.contact("contact", input).map(Claim::Contact),
        };
        let channel = claim.as_ref().and_then(|claim| fields.channel("channel", None, &claim.contact()));
        let (Some(claim), Some(channel)) = (claim, channel) else {
            return Ok(trail::invalid(ctx, Act::RequestPasswordReset, fields).await.into());
        };
        let locale = fields.locale(None);
        let device = fields.device(None, None).token;
        let accounts = &ctx.rooms().accounts;
        let sent = accounts.request_password_reset(ctx.caller(), claim, channel, locale, device).await?;
        SendVerificationCodeResult::of_send(ctx, sent)
    }

    /// Sets a new password. Takes a PASSWORD_RESET proof; ends every session of the account and every code and proof of
    /// before, forgets the devices that signed in before, and notifies its contacts. Refused with BAD_REQUEST in cookie
    /// mode on a connection that can't set cookies.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new password, and the proof.")] input: ResetPasswordInput,
    ) -> Result<ResetPasswordResult> {
        Carrier::require(ctx)?;
        let accounts = &ctx.rooms().accounts;
        let proof = ProofToken::parse(&input.proof_token);
        let reset = accounts.reset_password(ctx.caller(), proof, &Secret::new(input.new_password)).await?;
        Ok(match reset {
            Reset::Reset { sessions_ended, notification_queued, device } => ResetPasswordPayload {
                sessions_ended: i32::try_from(sessions_ended).unwrap_or(i32::MAX),
                notification_queued,
                device_token: device_token(ctx, Some(&device)),
            }
            .into(),
            Reset::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
            Reset::PasswordRejected(violations) => {
                PasswordRejected::new(ctx, &violations, &accounts.password_policy()).into()
            }
            Reset::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }
}

fn identity(fields: &mut Fields<'_>, input: &IdentityInput) -> Option<Identity> {
    let name = fields.take("identity.name", PersonName::parse(&input.name).map_err(|why| why.reason()));
    let today = fields.today();
    let birth_date =
        fields.take("identity.birthDate", BirthDate::parse(&input.birth_date, today).map_err(|why| why.reason()));
    let phone = match fields.contact("identity", &ContactInput::Phone(input.phone.clone())) {
        Some(Contact::Phone(phone)) => Some(phone),
        Some(Contact::Email(_)) | None => None,
    };
    Some(Identity { name: name?, birth_date: birth_date?, phone: phone? })
}

/// The password is changed.
#[derive(SimpleObject)]
pub struct ResetPasswordPayload {
    /// Sessions that were ended by it: all there were.
    sessions_ended: i32,
    /// A message that the password was changed is on its way.
    notification_queued: bool,
    /// What this device is known by from now on: every device that signed in before is forgotten. Null in cookie mode.
    device_token: Option<String>,
}

/// What became of a reset.
#[derive(Union)]
pub enum ResetPasswordResult {
    Payload(ResetPasswordPayload),
    ProofRejected(ProofRejected),
    PasswordRejected(PasswordRejected),
    QuotaExceeded(QuotaExceeded),
}
