//! Accounts, as their holders and administrators see them.

use async_graphql::{Context, Enum, ID, Object, Result};

use super::{Session, Verification};
use crate::{
    graphql::{
        context::Asking,
        pages::{Connection, USUAL, connection, slice},
        scalars::{Date, DateTime},
    },
    store::{Place, entity::account},
};
use domain::ids::SessionId;

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "account::AccountStatus")]
pub enum AccountStatus {
    /// Its contact has yet to be confirmed.
    PendingVerification,
    /// An administrator has yet to approve it.
    PendingApproval,
    /// It can be used.
    Active,
    /// An administrator has suspended it.
    Suspended,
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "account::Role")]
pub enum Role {
    /// Its own affairs.
    User,
    /// Other people's accounts, and reports.
    Admin,
}

pub struct User {
    row: account::Model,
    /// The session of whoever looks, if it is one of this account's.
    session: Option<SessionId>,
}

impl User {
    pub fn new(row: account::Model, session: Option<SessionId>) -> Self {
        Self { row, session }
    }
}

/// An account. It is shown to its holder and to administrators, and to nobody else.
#[Object]
impl User {
    /// Names the account for good.
    async fn id(&self) -> ID {
        self.row.id.as_str().into()
    }

    /// The name that the user signs in with.
    async fn username(&self) -> &str {
        &self.row.username
    }

    /// The person's name as it was given, in NFC.
    async fn name(&self) -> Option<&str> {
        self.row.name.as_deref()
    }

    /// How others see them.
    async fn nickname(&self) -> Option<&str> {
        self.row.nickname.as_deref()
    }

    /// The person's birth date.
    async fn birth_date(&self) -> Option<Date> {
        self.row.birth_date.map(Date)
    }

    /// The phone number, in E.164.
    async fn phone(&self) -> Option<PhoneNumber> {
        self.row.phone.clone().map(PhoneNumber)
    }

    /// When the phone was proved to be theirs.
    async fn phone_verified_at(&self) -> Option<DateTime> {
        self.row.phone_verified_at.map(DateTime)
    }

    /// The e-mail address.
    async fn email(&self) -> Option<EmailAddress> {
        self.row.email.clone().map(EmailAddress)
    }

    /// When the address was proved to be theirs.
    async fn email_verified_at(&self) -> Option<DateTime> {
        self.row.email_verified_at.map(DateTime)
    }

    /// A picture of them.
    async fn profile_image_url(&self) -> Option<&str> {
        self.row.profile_image_url.as_deref()
    }

    /// Whether the account can be used.
    async fn status(&self) -> AccountStatus {
        self.row.status.into()
    }

    /// What the account may do.
    async fn role(&self) -> Role {
        self.row.role.into()
    }

    /// When they signed up.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// Where the user is signed in, newest first.
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Nodes of the page; more than 100 are cut to 100.", default_with = "Some(USUAL)")]
        first: Option<i32>,
        #[graphql(desc = "The cursor that the page before ended with.")] after: Option<String>,
    ) -> Result<Connection<Session>> {
        let slice = slice(ctx, first, after.as_deref())?;
        let page = ctx.rooms().sessions.list(&self.row.id, &slice).await?;
        let current = self.session.clone();
        Ok(connection(
            page,
            &slice,
            |row| Place { at: row.created_at, id: row.id.as_str().to_owned() },
            |row| Session::new(row, current.as_ref()),
        ))
    }

    /// The user's own verification history, newest first. A pending one that was asked for without being signed in is
    /// not in it before it is over: its id belongs to whoever asked. To an administrator no pending one of somebody else
    /// is shown.
    async fn verifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Nodes of the page; more than 100 are cut to 100.", default_with = "Some(USUAL)")]
        first: Option<i32>,
        #[graphql(desc = "The cursor that the page before ended with.")] after: Option<String>,
    ) -> Result<Connection<Verification>> {
        let slice = slice(ctx, first, after.as_deref())?;
        let page = ctx.rooms().verifications.history(&self.row.id, self.session.is_some(), &slice).await?;
        Ok(connection(
            page,
            &slice,
            |shown| Place { at: shown.created_at(), id: shown.id().as_str().to_owned() },
            Verification,
        ))
    }
}

macro_rules! output_text {
    ($(#[$meta:meta])* $name:ident, $graphql:literal) => {
        /// A scalar that is only ever put out.
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
    /// E.164, e.g. +821012345678. Output only: input fields take free-form strings and answer InvalidInput.
    PhoneNumber, "PhoneNumber"
);
output_text!(
    /// Normalised e-mail address. Output only: input fields take free-form strings and answer InvalidInput.
    EmailAddress, "EmailAddress"
);
