//! Accounts, as shown to their owners and to administrators.

use crate::graphql::errors::Result;
use async_graphql::{Context, Enum, ID, Object};

use super::{Session, Verification};
use crate::graphql::{
    context::RequestContext,
    pages::{Connection, DEFAULT_PAGE_SIZE, connection, page_request},
    scalars::{Date, DateTime},
};
use domain::{account, ids::SessionId};
use store::RowPosition;

/// Status of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "account::AccountStatus")]
pub enum AccountStatus {
    /// The account waits for its contact to be verified. It can't sign in.
    PendingVerification,
    /// The account waits for an administrator's approval. It can't sign in.
    PendingApproval,
    /// The account can be used.
    Active,
    /// An administrator has suspended the account. It can't sign in.
    Suspended,
}

/// Role of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "account::Role")]
pub enum Role {
    /// Can manage only their own account.
    User,
    /// Can also manage other accounts and read reports.
    Admin,
}

pub struct User {
    row: account::Account,
    /// The session of the request, if it belongs to this account.
    session: Option<SessionId>,
}

impl User {
    pub fn new(row: account::Account, session: Option<SessionId>) -> Self {
        Self { row, session }
    }
}

/// An account. Only its owner and administrators can see it.
#[Object]
impl User {
    /// Permanent id of the account.
    async fn id(&self) -> ID {
        self.row.id.as_str().into()
    }

    /// Username for sign-in.
    async fn username(&self) -> &str {
        &self.row.username
    }

    /// Legal name of the user, in Unicode NFC. Null if none was given.
    async fn name(&self) -> Option<&str> {
        self.row.name.as_deref()
    }

    /// Name that is shown to other users. Null if none was given.
    async fn nickname(&self) -> Option<&str> {
        self.row.nickname.as_deref()
    }

    /// Birth date of the user. Null if none was given.
    async fn birth_date(&self) -> Option<Date> {
        self.row.birth_date.map(Date)
    }

    /// Phone number in E.164 format. Null if the account has none.
    async fn phone(&self) -> Option<PhoneNumber> {
        self.row.phone.clone().map(PhoneNumber)
    }

    /// When the user proved control of the phone number. Null if the number is not verified.
    async fn phone_verified_at(&self) -> Option<DateTime> {
        self.row.phone_verified_at.map(DateTime)
    }

    /// E-mail address. Null if the account has none.
    async fn email(&self) -> Option<EmailAddress> {
        self.row.email.clone().map(EmailAddress)
    }

    /// When the user proved control of the e-mail address. Null if the address is not verified.
    async fn email_verified_at(&self) -> Option<DateTime> {
        self.row.email_verified_at.map(DateTime)
    }

    /// URL of the profile picture. Null if none was given.
    async fn profile_image_url(&self) -> Option<&str> {
        self.row.profile_image_url.as_deref()
    }

    /// Status of the account.
    async fn status(&self) -> AccountStatus {
        self.row.status.into()
    }

    /// Role of the account.
    async fn role(&self) -> Role {
        self.row.role.into()
    }

    /// When the account was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// Active sessions of the user, newest first.
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Page size. At most 100; larger values are reduced to 100.",
            default_with = "Some(DEFAULT_PAGE_SIZE)"
        )]
        first: Option<i32>,
        #[graphql(desc = "Cursor of the last item of the previous page.")] after: Option<String>,
    ) -> Result<Connection<Session>> {
        let page_request = page_request(ctx, first, after.as_deref())?;
        let page = ctx.services().sessions.list(&self.row.id, &page_request).await?;
        let current = self.session.clone();
        Ok(connection(
            page,
            &page_request,
            |row| RowPosition { at: row.created_at, id: row.id.as_str().to_owned() },
            |row| Session::new(row, current.as_ref()),
        ))
    }

    /// Verification history of the user, newest first. A pending verification that was started without signing in is
    /// left out until it is over, because its id is a capability of the client that started it. Administrators do not
    /// see pending verifications of other users.
    async fn verifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Page size. At most 100; larger values are reduced to 100.",
            default_with = "Some(DEFAULT_PAGE_SIZE)"
        )]
        first: Option<i32>,
        #[graphql(desc = "Cursor of the last item of the previous page.")] after: Option<String>,
    ) -> Result<Connection<Verification>> {
        let page_request = page_request(ctx, first, after.as_deref())?;
        let page = ctx.services().verifications.history(&self.row.id, self.session.is_some(), &page_request).await?;
        Ok(connection(
            page,
            &page_request,
            |shown| RowPosition { at: shown.created_at(), id: shown.id().as_str().to_owned() },
            Verification,
        ))
    }
}

macro_rules! output_text {
    ($(#[$meta:meta])* $name:ident, $graphql:literal) => {
        /// An output-only scalar.
        pub struct $name(pub String);

        $(#[$meta])*
        #[async_graphql::Scalar(name = $graphql)]
        impl async_graphql::ScalarType for $name {
            fn parse(value: async_graphql::Value) -> async_graphql::InputValueResult<Self> {
                Err(async_graphql::InputValueError::expected_type(value))
            }

            fn to_value(&self) -> async_graphql::Value {
                self.0.clone().into()
            }
        }
    };
}

output_text!(
    /// Phone number in E.164 format, e.g. +4915123456789. Output only: input fields take free-form strings and return
    /// InvalidInput.
    PhoneNumber, "PhoneNumber"
);
output_text!(
    /// Normalised e-mail address. Output only: input fields take free-form strings and return InvalidInput.
    EmailAddress, "EmailAddress"
);
