//! Inputs: loosely typed fields that forms can fill. They are parsed into domain values, or rejected as `InvalidInput`
//! with every invalid field.

use std::ops::RangeInclusive;

use async_graphql::{Context, InputObject, OneofObject};
use chrono::NaiveDate;

use super::{
    context::{RequestContext, Services},
    enums,
    problems::{FieldError, InvalidInput},
    token_cookies::TokenCookies,
};
use crate::session::{Device, OpaqueToken};
use domain::{
    channel::Channel,
    contact::{Contact, EmailAddress, Nickname, PersonName, PhoneNumber, Username},
    locale::Locale,
    verification::rules,
};
use platform::texts::Arg;

/// A phone number or an e-mail address. Exactly one field must be set.
#[derive(OneofObject)]
pub enum ContactInput {
    /// Phone number in free form. National numbers are interpreted in the service's default region.
    Phone(String),
    /// E-mail address (mailbox as in RFC 5321). International domains are accepted; quoted local parts and address
    /// literals are not.
    Email(String),
}

/// Input of `sendVerificationCode`.
#[derive(InputObject)]
pub struct SendVerificationCodeInput {
    /// Purpose of the verification.
    #[graphql(name = "purpose")]
    pub purpose: enums::VerificationPurpose,
    /// Contact that the code is sent to.
    pub to: ContactInput,
    /// Channel of the message. Default: SMS for a phone number, EMAIL for an e-mail address.
    pub channel: Option<enums::Channel>,
    /// Language of the message as a BCP 47 tag. Default: the Accept-Language header, then the service's default.
    pub locale: Option<String>,
    /// Idempotency key, chosen by the client: 8 to 64 characters that can't be guessed, such as a UUID. A request with
    /// the same key, contact and purpose within the lifetime of the code returns the same verification and sends
    /// nothing. So a request whose response was lost can be repeated safely.
    pub idempotency_key: Option<String>,
    /// The device token of an earlier sign-in. A client with the token may be sent a code for the contact of its account
    /// when other clients have to wait; see docs/delivery.md. Omitted in cookie mode.
    #[graphql(secret)]
    pub device_token: Option<String>,
}

/// Input of `resendVerificationCode`.
#[derive(InputObject)]
pub struct ResendVerificationCodeInput {
    /// Id of the verification.
    pub verification_id: async_graphql::ID,
    /// Channel of the message. Default: the channel of the previous message.
    pub channel: Option<enums::Channel>,
}

/// Input of `confirmVerificationCode`.
#[derive(InputObject)]
pub struct ConfirmVerificationCodeInput {
    /// Id of the verification.
    pub verification_id: async_graphql::ID,
    /// The code as entered by the user. Spaces and hyphens are ignored.
    #[graphql(secret)]
    pub code: String,
}

/// Input of `cancelVerification`.
#[derive(InputObject)]
pub struct CancelVerificationInput {
    /// Id of the verification.
    pub verification_id: async_graphql::ID,
}

/// Length of a device name, in characters.
const DEVICE_NAME: RangeInclusive<usize> = 1..=100;

/// Permitted length in characters of the field at this path, for fields that only have a length limit.
fn lengths(path: &str) -> Option<RangeInclusive<usize>> {
    match path.rsplit('.').next()? {
        "name" => Some(PersonName::LENGTH),
        "nickname" => Some(Nickname::LENGTH),
        "username" => Some(Username::LENGTH),
        "deviceName" => Some(DEVICE_NAME),
        _ => None,
    }
}

fn count(characters: usize) -> Arg<'static> {
    Arg::Number(characters.try_into().unwrap_or(u64::MAX))
}

/// Collects the errors of an input, field by field.
pub struct Fields<'a> {
    ctx: &'a Context<'a>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    pub fn new(ctx: &'a Context<'a>) -> Self {
        Self { ctx, errors: Vec::new() }
    }

    /// Returns the parsed value, or records the error and returns None.
    pub fn take<T>(&mut self, path: &str, parsed: Result<T, &'static str>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(reason) => {
                self.add_error(path, reason);
                None
            }
        }
    }

    /// Records that the field at `path` is invalid. `reason` is stable and machine-readable; it also selects the
    /// message.
    pub fn add_error(&mut self, path: &str, reason: &str) {
        let message = match (reason, lengths(path)) {
            ("too_long", Some(lengths)) => self.ctx.localize("field-too-long-by", &[("max", count(*lengths.end()))]),
            ("too_short", Some(lengths)) => {
                self.ctx.localize("field-too-short-by", &[("min", count(*lengths.start()))])
            }
            _ => self.ctx.localize(&format!("field-{}", reason.replace('_', "-")), &[]),
        };
        self.errors.push(FieldError { path: path.to_owned(), reason: reason.to_owned(), message });
    }

    /// Whether any field is invalid.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Converts the errors into an `InvalidInput` problem.
    pub fn into_invalid_input(self) -> InvalidInput {
        InvalidInput::new(self.ctx, self.errors)
    }

    /// Parses `input` as a contact, and checks that the service sends to its region. `path` is the path of the contact
    /// field, or empty if the contact is not nested.
    pub fn contact(&mut self, path: &str, input: &ContactInput) -> Option<Contact> {
        let services: &Services = self.ctx.services();
        let below = |kind: &str| if path.is_empty() { kind.to_owned() } else { format!("{path}.{kind}") };
        match input {
            ContactInput::Phone(text) => {
                let number = PhoneNumber::parse(text, services.number_rules()).map_err(|why| why.reason());
                let number = number.and_then(|number| match services.contacts.allows(&number) {
                    true => Ok(number),
                    false => Err("region_not_allowed"),
                });
                let number = number.or_else(|why| services.contacts.test_number(text).ok_or(why));
                self.take(&below("phone"), number).map(Contact::Phone)
            }
            ContactInput::Email(text) => {
                let address = EmailAddress::parse(text).map_err(|why| why.reason());
                self.take(&below("email"), address).map(Contact::Email)
            }
        }
    }

    /// Returns the contact if its kind fits `purpose`. `path` is the path of the contact field.
    pub fn fit(&mut self, path: &str, contact: Contact, purpose: enums::VerificationPurpose) -> Option<Contact> {
        use enums::VerificationPurpose::{EmailChange, PhoneChange};
        match (purpose, contact) {
            (PhoneChange, Contact::Email(_)) => {
                self.add_error(&format!("{path}.email"), "phone_wanted");
                None
            }
            (EmailChange, Contact::Phone(_)) => {
                self.add_error(&format!("{path}.phone"), "email_wanted");
                None
            }
            (_, contact) => Some(contact),
        }
    }

    /// The channel for a message to `contact`. `path` is the path of the channel field.
    pub fn channel(&mut self, path: &str, requested: Option<enums::Channel>, contact: &Contact) -> Option<Channel> {
        let channel = rules::channel(requested.map(Channel::from), contact.kind()).ok_or("wrong_channel");
        let channel = channel.and_then(|channel| match self.ctx.services().verifications.has_provider_for(channel) {
            true => Ok(channel),
            false => Err("channel_unavailable"),
        });
        self.take(path, channel)
    }

    /// The language of a message: the requested one if it is supported, else that of the request.
    pub fn locale(&self, tag: Option<&str>) -> Locale {
        let asked = tag.and_then(|tag| self.ctx.services().texts.negotiate_tag(tag));
        asked.unwrap_or(self.ctx.caller().locale)
    }

    /// Today's date in the service's time zone. Birth dates after it are invalid.
    pub fn today(&self) -> NaiveDate {
        let services = self.ctx.services();
        services.clock.now().with_timezone(&services.time_zone).date_naive()
    }

    /// The device that a client signs in with. In cookie mode the device token comes from its cookie.
    pub fn device(&mut self, name: Option<String>, token: Option<&str>) -> Device {
        let name = name.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
        let name = name.filter(|name| !name.is_empty()).and_then(|name| {
            let fits = name.chars().count() <= *DEVICE_NAME.end();
            let plain = !name.chars().any(char::is_control);
            let parsed = if !fits { Err("too_long") } else { plain.then_some(name).ok_or("invalid_character") };
            self.take("deviceName", parsed)
        });
        let cookies = TokenCookies::of(self.ctx);
        let (token, is_untrusted) = match token {
            Some(text) => (OpaqueToken::parse(text), false),
            None if self.ctx.services().sessions.use_cookie() => cookies.device_token(),
            None => (None, false),
        };
        Device { name, token, is_untrusted, cookie_slot: cookies.slot() }
    }

    /// Validates an idempotency key.
    pub fn idempotency_key(&mut self, path: &str, key: Option<String>) -> Option<String> {
        let key = key?;
        let fits = (8..=64).contains(&key.chars().count()) && !key.chars().any(char::is_control);
        self.take(path, fits.then_some(key).ok_or("not_an_idempotency_key"))
    }
}
