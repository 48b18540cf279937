//! Creating an account.

use crate::graphql::errors::Result;
use async_graphql::{Context, InputObject, Object, SimpleObject, Union};

use super::audit;
use crate::{
    account::{ImageUrl, SignUpOutcome, SignUpRequest},
    graphql::{
        context::RequestContext,
        input::{ContactInput, Fields},
        problems::{
            ContactTaken, InvalidInput, NicknameTaken, PasswordRejected, ProofRejected, QuotaExceeded, UsernameTaken,
        },
        types::{Carrier, TokenPair, User, Verification, device_token},
    },
    verification::ProofToken,
};
use domain::contact::{BirthDate, Contact, Nickname, PersonName, Username};
use platform::{secret::Secret, telemetry::audit::Act};

#[derive(Default)]
pub struct SignUpMutation;

/// Input of `signUp`.
#[derive(InputObject)]
pub struct SignUpInput {
    /// Proof token of a SIGN_UP verification. If it is omitted, a code is sent to `email` and the account stays pending
    /// until it is confirmed. The service must allow that (ACTIVATION=email).
    #[graphql(secret)]
    pub proof_token: Option<String>,
    /// Username for sign-in: 3 to 30 letters and digits, with single dots, underscores and hyphens between them.
    pub username: String,
    /// Password. It must meet passwordPolicy.
    #[graphql(secret)]
    pub password: String,
    /// Full legal name as the person writes it: 1 to 150 characters (Unicode code points in NFC, so at most 600 bytes
    /// of UTF-8) of any script, including punctuation and digits that occur in names. Symbols, emoji, control
    /// characters, line breaks, direction overrides and URLs are rejected.
    pub name: Option<String>,
    /// Name that is shown to other users: 2 to 30 visible characters, including emoji. Nicknames are unique.
    pub nickname: Option<String>,
    /// Birth date in the format YYYY-MM-DD.
    pub birth_date: Option<String>,
    /// E-mail address for activation by e-mail. Ignored if proofToken is set, because the proof determines the contact.
    pub email: Option<String>,
    /// URL of the profile picture (http or https).
    pub profile_image_url: Option<String>,
    /// Name of this device for the user's list of sessions, at most 100 characters.
    pub device_name: Option<String>,
    /// Device token of an earlier sign-in on this device.
    #[graphql(secret)]
    pub device_token: Option<String>,
}

#[Object]
impl SignUpMutation {
    /// Creates an account with a SIGN_UP proof. With ACTIVATION=email no proof is needed; the account then stays
    /// pending until the code that is sent to its e-mail address is confirmed.
    async fn sign_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new account and its proof.")] input: SignUpInput,
    ) -> Result<SignUpResult> {
        Carrier::require(ctx)?;
        let mut fields = Fields::new(ctx);
        let name = input.name.as_deref().map(PersonName::parse);
        let name = name.map(|name| fields.take("name", name.map_err(|why| why.reason())));
        let nickname = input.nickname.as_deref().map(Nickname::parse);
        let nickname = nickname.map(|nickname| fields.take("nickname", nickname.map_err(|why| why.reason())));
        let today = fields.today();
        let birth_date = input.birth_date.as_deref().map(|date| BirthDate::parse(date, today));
        let birth_date = birth_date.map(|date| fields.take("birthDate", date.map_err(|why| why.reason())));
        let picture = input.profile_image_url.as_deref().map(ImageUrl::parse);
        let picture = picture.map(|picture| fields.take("profileImageUrl", picture));
        let username = fields.take("username", Username::parse(&input.username).map_err(|why| why.reason()));
        let email = match (&input.proof_token, input.email) {
            (None, Some(text)) => fields.email(text),
            (None, None) => {
                fields.add_error("proofToken", "empty");
                None
            }
            (Some(_), _) => None,
        };
        let device = fields.device(input.device_name, input.device_token.as_deref());
        let Some(username) = username.filter(|_| !fields.has_errors()) else {
            return Ok(audit::invalid(ctx, Act::SignUp, fields).await.into());
        };
        let request = SignUpRequest {
            username,
            password: Secret::new(input.password),
            name: name.flatten(),
            nickname: nickname.flatten(),
            birth_date: birth_date.flatten(),
            profile_image_url: picture.flatten().map(ImageUrl::into_string),
            locale: ctx.caller().locale,
            device,
        };
        let accounts = &ctx.services().accounts;
        let outcome = match (email, &input.proof_token) {
            (Some(email), None) => accounts.sign_up_by_email(ctx.caller(), email, request).await?,
            (_, token) => {
                let proof = token.as_deref().and_then(ProofToken::parse);
                accounts.sign_up(ctx.caller(), proof, request).await?
            }
        };
        Ok(SignUpResult::of(ctx, outcome))
    }
}

/// The account has been created.
#[derive(SimpleObject)]
pub struct SignUpPayload {
    /// The new account.
    user: User,
    /// Tokens of the new session. Null while the account waits for activation or approval.
    tokens: Option<TokenPair>,
    /// The verification of the account's e-mail address. Null if the account does not wait for an e-mail code.
    verification: Option<Verification>,
    /// Device token. Store it on the device and send it with the next sign-in: a known device is not locked out by
    /// wrong passwords that are entered elsewhere, and its sign-ins are not notified. Null in cookie mode, and if there
    /// are no tokens.
    device_token: Option<String>,
}

/// Result of `signUp`.
#[derive(Union)]
pub enum SignUpResult {
    Payload(SignUpPayload),
    InvalidInput(InvalidInput),
    ProofRejected(ProofRejected),
    PasswordRejected(PasswordRejected),
    UsernameTaken(UsernameTaken),
    NicknameTaken(NicknameTaken),
    ContactTaken(ContactTaken),
    QuotaExceeded(QuotaExceeded),
}

impl SignUpResult {
    fn of(ctx: &Context<'_>, outcome: SignUpOutcome) -> Self {
        let services = ctx.services();
        match outcome {
            SignUpOutcome::SignedUp { account, tokens, verification } => {
                let session = tokens.as_ref().map(|tokens| tokens.session.clone());
                SignUpPayload {
                    user: User::new(*account, session),
                    device_token: tokens.as_ref().and_then(|tokens| device_token(ctx, tokens.device.as_ref())),
                    tokens: tokens.map(|tokens| TokenPair::new(ctx, &tokens, Carrier::configured(ctx))),
                    verification: verification.map(|verification| Verification(*verification)),
                }
                .into()
            }
            SignUpOutcome::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
            SignUpOutcome::PasswordRejected(violations) => {
                PasswordRejected::new(ctx, &violations, &services.accounts.password_policy()).into()
            }
            SignUpOutcome::UsernameTaken => UsernameTaken::new(ctx).into(),
            SignUpOutcome::NicknameTaken => NicknameTaken::new(ctx).into(),
            SignUpOutcome::ContactTaken => ContactTaken::new(ctx).into(),
            SignUpOutcome::ProofMissing => {
                let mut fields = Fields::new(ctx);
                fields.add_error("proofToken", "empty");
                fields.into_invalid_input().into()
            }
            SignUpOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        }
    }
}

impl Fields<'_> {
    /// Parses `text` as an e-mail address.
    fn email(&mut self, text: String) -> Option<domain::contact::EmailAddress> {
        match self.contact("", &ContactInput::Email(text)) {
            Some(Contact::Email(address)) => Some(address),
            Some(Contact::Phone(_)) | None => None,
        }
    }
}
