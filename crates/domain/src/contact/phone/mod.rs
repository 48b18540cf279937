//! Phone numbers.
//!
//! A number goes through two readings: [`dialled`] turns what a person typed into digits, and [`plan`] says what these
//! digits reach. The metadata is libphonenumber's, as the `phonenumber` crate carries it; the crate's own parser is not
//! used, because it looks for a number *inside* a text: it reads letters as keys, cuts extensions off, takes the
//! default region's way out of the country off numbers that already begin with a plus (with Finland as the default,
//! `+994 50…` loses `994` and reaches another country), and forgets leading zeros when it tells a number's type. What
//! it returns is a likely number; a code must go to the number that was typed or to none.

mod dialled;
mod fiction;
mod mask;
mod plan;

use std::fmt;

use dialled::Dialled;

use super::{Region, rejection::rejection};

rejection! {
    /// Why a text is no phone number that a code can be sent to.
    PhoneRejection {
        Empty => "empty",
        /// Letters, several numbers, an extension, characters that hide: nothing that reads as one number.
        NotANumber => "not_a_number",
        TooShort => "too_short",
        TooLong => "too_long",
        /// The way out of the country in place of a plus, where it is not one for all (`0082…` within Korea).
        NeedsPlus => "needs_plus",
        /// No such country code, or not assigned in its numbering plan.
        Invalid => "invalid_number",
        /// A landline, and where it belongs to a company or a service rather than a person.
        NotAMobileNumber => "not_a_mobile_number",
        /// Calls and messages to it cost extra.
        PremiumRate => "premium_rate",
        SharedCost => "shared_cost",
        TollFree => "toll_free",
        /// Satellite phones and international networks: several dollars a message.
        Satellite => "satellite",
        /// Internet telephony: cheap to come by in thousands.
        Voip => "voip",
        Pager => "pager",
        /// Forwards to another number that we don't see (070 in the UK, 050 in Korea).
        PersonalNumber => "personal_number",
    }
}

/// A phone number in E.164: `+`, then 7 to 15 digits (ITU-T E.164, 6).
///
/// Made by [`PhoneNumber::parse`], it can get a code: a mobile number, or one of a plan that does not tell mobile from
/// fixed (North America).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber {
    e164: String,
    country_code: u16,
    region: Option<Region>,
}

/// How numbers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberRules {
    /// Of numbers without a country code.
    pub region: Region,
    /// Whether a number is taken that no known plan assigns, as long as mobile numbers of its country have its length.
    pub possible: bool,
}

impl From<Region> for NumberRules {
    /// Only numbers that their plans assign.
    fn from(region: Region) -> Self {
        Self { region, possible: false }
    }
}

/// How many national digits the destination prefix holds. Regulators hand out numbers to carriers in blocks of ten
/// thousand to a million, and whoever pumps messages for a share of the fee rents such blocks. Four national digits are
/// a million numbers in Korea (`010-12xx-xxxx`) and in North America, a hundred thousand to a million elsewhere: small
/// enough to be throttled without cutting off a country.
const PREFIX_DIGITS: usize = 4;

impl PhoneNumber {
    /// Reads a number as a person types it: in national form for the rules' region, or in international form for any.
    ///
    /// # Errors
    /// See [`PhoneRejection`].
    pub fn parse(input: &str, rules: impl Into<NumberRules>) -> Result<Self, PhoneRejection> {
        let NumberRules { region, possible } = rules.into();
        let found = match dialled::read(input)? {
            Dialled::International(digits) => plan::international(&digits, possible)?,
            Dialled::National(digits) => plan::national(&digits, region, possible)?,
        };
        match found.kind.refusal() {
            Some(rejection) => Err(rejection),
            None => Ok(found.number),
        }
    }

    /// Reads `+` and digits by E.164's syntax alone: a country code that exists, 7 to 15 digits. For test contacts,
    /// whose numbers are in ranges that no plan assigns, and which nothing is ever sent to.
    ///
    /// # Errors
    /// [`PhoneRejection::Empty`], [`NotANumber`](PhoneRejection::NotANumber), [`TooShort`](PhoneRejection::TooShort),
    /// [`TooLong`](PhoneRejection::TooLong), [`Invalid`](PhoneRejection::Invalid).
    pub fn parse_lenient(input: &str) -> Result<Self, PhoneRejection> {
        match dialled::read(input)? {
            Dialled::International(digits) => plan::unjudged(&digits),
            Dialled::National(_) => Err(PhoneRejection::NotANumber),
        }
    }

    /// From a row of ours, without judging it again. None where it is not E.164.
    pub fn from_stored(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| plan::unjudged(digits).ok()).flatten()
    }

    /// E.164: `+821012345678`.
    pub fn as_str(&self) -> &str {
        &self.e164
    }

    /// 82.
    pub fn country_code(&self) -> u16 {
        self.country_code
    }

    /// The region whose plan it is in; None where no plan knows it (test numbers, plans that changed since).
    pub fn region(&self) -> Option<Region> {
        self.region
    }

    /// The digits after the country code: `1012345678`.
    pub fn significant_digits(&self) -> &str {
        let code = self.country_code.checked_ilog10().unwrap_or(0) as usize + 1;
        self.e164.get(1 + code..).unwrap_or("")
    }

    /// As it is dialled within its region, digits alone: `01012345678`. With the trunk prefix where the plan has one.
    pub fn national_digits(&self) -> String {
        format!("{}{}", plan::trunk_prefix(self.country_code, self.region), self.significant_digits())
    }

    /// The destination prefix that quotas count by: country code and the first four national digits, `+821012`.
    pub fn prefix(&self) -> String {
        let code = self.e164.len() - self.significant_digits().len();
        self.e164.chars().take(code + PREFIX_DIGITS).collect()
    }

    /// With its middle hidden, for whoever asked for a code: `+82 10-••••-5678`.
    pub fn masked(&self) -> String {
        mask::masked(self)
    }

    /// Whether it is in a range that a regulator keeps free for films and examples, so nobody has it.
    pub fn is_fictional(&self) -> bool {
        fiction::is_fictional(self.country_code, self.significant_digits())
    }
}

impl fmt::Debug for PhoneNumber {
    /// For logs: the country code and the last two digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.significant_digits();
        let last = digits.get(digits.len().saturating_sub(2)..).unwrap_or("");
        write!(f, "+{}••••{last}", self.country_code)
    }
}

#[cfg(test)]
mod tests;
