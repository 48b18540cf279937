//! Inputs: weak types that forms can fill, turned into values or into `InvalidInput` with every field that was wrong.

use std::ops::RangeInclusive;

use async_graphql::{Context, InputObject, OneofObject};
use chrono::NaiveDate;

use super::{
    context::{Asking, Rooms},
    enums,
    problems::{FieldError, InvalidInput},
    token_cookies::TokenCookies,
};
use crate::{
    channel::Channel,
    contact::{Contact, EmailAddress, Nickname, PersonName, PhoneNumber, Username},
    session::{Device, Opaque},
    texts::{Arg, Locale},
    verification::rules,
};

/// A phone number or an e-mail address: exactly one of them.
#[derive(OneofObject)]
pub enum ContactInput {
    /// Free form: national numbers are of the service's default region.
    Phone(String),
    /// A mailbox as in RFC 5321, international domains included; not one in quotation marks, nor at an address literal.
    Email(String),
}

/// What to send, to whom, and what for.
#[derive(InputObject)]
pub struct SendVerificationCodeInput {
    /// What the confirmed code entitles to.
    #[graphql(name = "purpose")]
    pub purpose: enums::VerificationPurpose,
    /// Where to.
    pub to: ContactInput,
    /// Left out: SMS for a phone, EMAIL for an address.
    pub channel: Option<enums::Channel>,
    /// The message's language, BCP 47; left out: the Accept-Language header, then the service's default.
    pub locale: Option<String>,
    /// Chosen by the client, 8 to 64 characters that nobody can guess (a UUID will do): the same key for the same
    /// contact and purpose within the code's life answers the same verification and sends nothing more. So a send whose
    /// response was lost can be repeated safely.
    pub idempotency_key: Option<String>,
    /// What an earlier sign-in called this device by: a code for the contact of its account is then sent where an unknown
    /// client would have to wait, as the guide on delivery says. Left out in cookie mode.
    #[graphql(secret)]
    pub device_token: Option<String>,
}

/// Which code to send once more.
#[derive(InputObject)]
pub struct ResendVerificationCodeInput {
    /// The verification's id.
    pub verification_id: async_graphql::ID,
    /// By which channel; left out: the one before.
    pub channel: Option<enums::Channel>,
}

/// A guess at a code.
#[derive(InputObject)]
pub struct ConfirmVerificationCodeInput {
    /// The verification's id.
    pub verification_id: async_graphql::ID,
    /// As typed: spaces and hyphens do not count.
    #[graphql(secret)]
    pub code: String,
}

/// Which verification to take back.
#[derive(InputObject)]
pub struct CancelVerificationInput {
    /// The verification's id.
    pub verification_id: async_graphql::ID,
}

/// Characters of a device's name.
const DEVICE_NAME: RangeInclusive<usize> = 1..=100;

/// How many characters the field at this path takes, for the fields whose length alone is bounded.
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

/// Collects what was wrong with an input, field by field.
pub struct Fields<'a> {
    ctx: &'a Context<'a>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    pub fn new(ctx: &'a Context<'a>) -> Self {
        Self { ctx, errors: Vec::new() }
    }

    /// The value, or a note of why there is none.
    pub fn take<T>(&mut self, path: &str, parsed: Result<T, &'static str>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(reason) => {
                self.refuse(path, reason);
                None
            }
        }
    }

    /// Notes that the field at `path` is wrong. `reason` is stable and machine-readable; it names its message too.
    pub fn refuse(&mut self, path: &str, reason: &str) {
        let message = match (reason, lengths(path)) {
            ("too_long", Some(lengths)) => self.ctx.say("field-too-long-by", &[("max", count(*lengths.end()))]),
            ("too_short", Some(lengths)) => self.ctx.say("field-too-short-by", &[("min", count(*lengths.start()))]),
            _ => self.ctx.say(&format!("field-{}", reason.replace('_', "-")), &[]),
        };
        self.errors.push(FieldError { path: path.to_owned(), reason: reason.to_owned(), message });
    }

    /// Whether anything was wrong.
    pub fn is_wrong(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The refusal of an input that was wrong.
    pub fn into_invalid_input(self) -> InvalidInput {
        InvalidInput::new(self.ctx, self.errors)
    }

    /// The contact that `input`, at `path` (empty: it stands by itself), spells; in a region that the service sends to.
    pub fn contact(&mut self, path: &str, input: &ContactInput) -> Option<Contact> {
        let rooms: &Rooms = self.ctx.rooms();
        let below = |kind: &str| if path.is_empty() { kind.to_owned() } else { format!("{path}.{kind}") };
        match input {
            ContactInput::Phone(text) => {
                let number = PhoneNumber::parse(text, rooms.number_rules()).map_err(|why| why.reason());
                let number = number.and_then(|number| match rooms.contacts.allows(&number) {
                    true => Ok(number),
                    false => Err("region_not_allowed"),
                });
                let number = number.or_else(|why| rooms.contacts.test_number(text).ok_or(why));
                self.take(&below("phone"), number).map(Contact::Phone)
            }
            ContactInput::Email(text) => {
                let address = EmailAddress::parse(text).map_err(|why| why.reason());
                self.take(&below("email"), address).map(Contact::Email)
            }
        }
    }

    /// The contact, if it is of the kind that `purpose` is about; `path` names the contact's field.
    pub fn fit(&mut self, path: &str, contact: Contact, purpose: enums::VerificationPurpose) -> Option<Contact> {
        use enums::VerificationPurpose::{EmailChange, PhoneChange};
        match (purpose, contact) {
            (PhoneChange, Contact::Email(_)) => {
                self.refuse(&format!("{path}.email"), "phone_wanted");
                None
            }
            (EmailChange, Contact::Phone(_)) => {
                self.refuse(&format!("{path}.phone"), "email_wanted");
                None
            }
            (_, contact) => Some(contact),
        }
    }

    /// How a message gets to `contact`; `path` names the field of the channel.
    pub fn channel(&mut self, path: &str, wanted: Option<enums::Channel>, contact: &Contact) -> Option<Channel> {
        let channel = rules::channel(wanted.map(Channel::from), contact.kind()).ok_or("wrong_channel");
        let channel = channel.and_then(|channel| match self.ctx.rooms().verifications.reaches(channel) {
            true => Ok(channel),
            false => Err("channel_unavailable"),
        });
        self.take(path, channel)
    }

    /// The language of a message: as asked for, as far as we speak it.
    pub fn locale(&self, tag: Option<&str>) -> Locale {
        let asked = tag.and_then(|tag| self.ctx.rooms().texts.negotiate_tag(tag));
        asked.unwrap_or(self.ctx.caller().locale)
    }

    /// Today, where the service lives: nobody is born after it.
    pub fn today(&self) -> NaiveDate {
        let rooms = self.ctx.rooms();
        rooms.clock.now().with_timezone(&rooms.time_zone).date_naive()
    }

    /// The device that a client signs in with. In cookie mode it is known by its cookie.
    pub fn device(&mut self, name: Option<String>, token: Option<&str>) -> Device {
        let name = name.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
        let name = name.filter(|name| !name.is_empty()).and_then(|name| {
            let fits = name.chars().count() <= *DEVICE_NAME.end();
            let plain = !name.chars().any(char::is_control);
            let judged = if !fits { Err("too_long") } else { plain.then_some(name).ok_or("invalid_character") };
            self.take("deviceName", judged)
        });
        let cookies = TokenCookies::of(self.ctx);
        let (token, may_be_planted) = match token {
            Some(text) => (Opaque::parse(text), false),
            None if self.ctx.rooms().sessions.use_cookie() => cookies.device_token(),
            None => (None, false),
        };
        Device { name, token, may_be_planted, cookie_slot: cookies.slot() }
    }

    /// A client's idempotency key.
    pub fn idempotency_key(&mut self, path: &str, key: Option<String>) -> Option<String> {
        let key = key?;
        let fits = (8..=64).contains(&key.chars().count()) && !key.chars().any(char::is_control);
        self.take(path, fits.then_some(key).ok_or("not_an_idempotency_key"))
    }
}
