//! E-mail addresses.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use unicode_normalization::UnicodeNormalization;

use super::{
    rejection::rejection,
    script::{is_hidden, trim_copied},
};

rejection! {
    /// Why a text is not a valid e-mail address.
    EmailRejection {
        Empty => "empty",
        TooLong => "too_long",
        /// Not `name@domain`; also a quoted local part, a comment, an address in angle brackets.
        NotAnEmailAddress => "not_an_email_address",
        /// A control or invisible character, or a compatibility form of an ordinary one.
        InvalidCharacter => "invalid_character",
        /// A domain that is invalid in the DNS, has no dot, or is an IP address.
        InvalidDomain => "invalid_domain",
    }
}

/// An e-mail address, in two forms.
///
/// The *delivery form* has the local part as typed (NFC), since only the mail host defines whether case matters there
/// (RFC 5321, 2.4), and the domain in lower case and ASCII (IDNA, UTS 46 strict). The *comparison form* is the same
/// with the ASCII letters of the local part in lower case, and nothing more. Unicode case folding is not applied: it
/// would make `ı` equal to `i` and `ß` to `ss`, and one user could request the mail of another. Tags and dots are not
/// removed, since this is a rule of some mail hosts only. Equality uses the comparison form. Quotas normalise further
/// ([`EmailAddress::usage_key`]).
#[derive(Clone)]
pub struct EmailAddress {
    address: String,
    key: String,
}

/// The at sign, and its full-width form.
pub(super) const AT_SIGNS: [char; 2] = ['@', '＠'];

/// The longest address that SMTP allows, without angle brackets (RFC 5321, 4.5.3.1.3; erratum 1690 of RFC 3696).
const MAX_OCTETS: usize = 254;

impl EmailAddress {
    /// Parses an address as a user types it.
    ///
    /// # Errors
    /// See [`EmailRejection`].
    pub fn parse(text: &str) -> Result<Self, EmailRejection> {
        let text = trim_copied(text);
        if text.is_empty() {
            return Err(EmailRejection::Empty);
        }
        // Checked before any work that grows with the input. A decomposed or unencoded address may be longer than its
        // result.
        if text.len() > 4 * MAX_OCTETS {
            return Err(EmailRejection::TooLong);
        }
        if text.chars().any(is_hidden) {
            return Err(EmailRejection::InvalidCharacter);
        }
        // The full-width at sign of East Asian keyboards; the domain is mapped likewise.
        let (local, domain) = text.rsplit_once(AT_SIGNS).ok_or(EmailRejection::NotAnEmailAddress)?;
        let local = local_part(local)?;
        let domain = domain_to_ascii(domain)?;
        let address = format!("{local}@{domain}");
        if address.len() > MAX_OCTETS {
            return Err(EmailRejection::TooLong);
        }
        email_address::EmailAddress::from_str(&address).map_err(|error| match error {
            email_address::Error::LocalPartTooLong => EmailRejection::TooLong,
            _ => EmailRejection::NotAnEmailAddress,
        })?;
        Ok(Self::of(address))
    }

    /// From a stored row, without validation. None if it has no at sign.
    pub fn from_stored(text: &str) -> Option<Self> {
        text.contains('@').then(|| Self::of(text.to_owned()))
    }

    fn of(address: String) -> Self {
        let key = address.to_ascii_lowercase();
        Self { address, key }
    }

    /// The form used for delivery.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The form used for uniqueness and lookups.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The key by which sends and guesses are counted: the comparison form without `+tag`, which most mail hosts
    /// ignore, and for Gmail without dots and with one domain. On a host with other rules, some mailboxes share a
    /// quota, but nothing else.
    pub fn usage_key(&self) -> String {
        let (local, domain) = self.key.rsplit_once('@').unwrap_or((&self.key, ""));
        let untagged = local.split_once('+').map_or(local, |(mailbox, _)| mailbox);
        let mailbox = if untagged.is_empty() { local } else { untagged };
        match domain {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", mailbox.replace('.', "")),
            _ => format!("{mailbox}@{domain}"),
        }
    }

    /// The local part, as delivered.
    pub fn local_part(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The domain, in lower-case ASCII.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// `h•••g@example.com`: the ends of the local part if at least two characters between them stay hidden, and always
    /// three dots, so that the length is not disclosed.
    pub fn masked(&self) -> String {
        let local: Vec<char> = self.local_part().chars().collect();
        let (first, last) = match local[..] {
            [first, _, _, .., last] => (Some(first), Some(last)),
            [first, _, ..] => (Some(first), None),
            _ => (None, None),
        };
        let shown = |end: Option<char>| end.map(String::from).unwrap_or_default();
        format!("{}•••{}@{}", shown(first), shown(last), self.domain())
    }
}

/// The local part in NFC. Quoted strings are rejected: they would allow spaces, at signs and line breaks, and no
/// current mail host needs them. Compatibility forms (full-width letters, ligatures) look like other characters and are
/// rejected, not converted.
fn local_part(local: &str) -> Result<String, EmailRejection> {
    if local.is_empty() || local.contains(['"', '(', ')', '<', '>', '@', '\\', ',', ':', ';', '[', ']', ' ']) {
        return Err(EmailRejection::NotAnEmailAddress);
    }
    let composed: String = local.nfc().collect();
    if !composed.nfkc().eq(composed.chars()) || composed.chars().any(|character| !fits_local_part(character)) {
        return Err(EmailRejection::InvalidCharacter);
    }
    Ok(composed)
}

fn fits_local_part(character: char) -> bool {
    use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
    let group = character.general_category_group();
    character.is_ascii_graphic()
        || (!character.is_ascii() && (character.is_alphanumeric() || group == GeneralCategoryGroup::Mark))
}

fn domain_to_ascii(domain: &str) -> Result<String, EmailRejection> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| EmailRejection::InvalidDomain)?;
    // A top-level domain is never all-numeric (RFC 3696, 2), and a domain that ends in digits is parsed as an IPv4
    // address.
    match ascii.rsplit_once('.') {
        Some((_, top)) if top.len() >= 2 && top.bytes().any(|byte| byte.is_ascii_alphabetic()) => Ok(ascii),
        _ => Err(EmailRejection::InvalidDomain),
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for EmailAddress {}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Debug for EmailAddress {
    /// For logs: the first letter and the domain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.local_part().chars().next().unwrap_or('•');
        write!(f, "{first}•••@{}", self.domain())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, &'static str> {
        EmailAddress::parse(text).map(|address| address.as_str().to_owned()).map_err(EmailRejection::reason)
    }

    #[test]
    fn fz_04_local_part_is_delivered_as_typed_and_domain_in_ascii() {
        for (text, address) in [
            ("hong@example.com", "hong@example.com"),
            ("  Hong.Gil-Dong+tag@EXAMPLE.com ", "Hong.Gil-Dong+tag@example.com"),
            ("hong@한국.kr", "hong@xn--3e0b707e.kr"),
            ("hong@Bücher.example", "hong@xn--bcher-kva.example"),
            ("hong@xn--bcher-kva.example", "hong@xn--bcher-kva.example"),
            ("홍길동@example.com", "홍길동@example.com"),
            ("jose\u{301}@example.com", "josé@example.com"),
            ("o'brien@mail.example.co.uk", "o'brien@mail.example.co.uk"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(address), "{text}");
        }
    }

    #[test]
    fn fz_04_only_ascii_case_is_folded_for_comparison() {
        let key = |text| EmailAddress::parse(text).unwrap().key().to_owned();
        assert_eq!(key("Hong@Example.com"), key("hONG@example.COM"));
        assert_eq!(EmailAddress::parse("Hong@example.com"), EmailAddress::parse("hong@example.com"));
        for (one, other) in [
            ("mike@example.com", "mıke@example.com"),
            ("strasse@example.com", "straße@example.com"),
            ("Ä@example.com", "ä@example.com"),
            ("a@example.com", "а@example.com"),
            ("hong@example.com", "hong+tag@example.com"),
            ("hong@example.com", "ho.ng@example.com"),
        ] {
            assert_ne!(key(one), key(other));
        }
        // Another domain, though it looks the same.
        assert_ne!(key("mike@github.com"), key("mike@gıthub.com"));
    }

    #[test]
    fn characters_left_by_copying_are_trimmed() {
        for text in [
            "hong＠example.com",
            "hong＠ｅｘａｍｐｌｅ．ｃｏｍ",
            "\u{FEFF}hong@example.com",
            "\u{200B}hong@example.com\u{2060}",
            "\u{2003}hong@example.com\r\n",
        ] {
            assert_eq!(parse(text).as_deref(), Ok("hong@example.com"), "{text:?}");
        }
        assert_eq!(parse("a＠b@example.com"), Err("invalid_character"));
    }

    #[test]
    fn addresses_of_one_mailbox_share_a_usage_key() {
        for (text, key) in [
            ("Hong+Shop@Example.com", "hong@example.com"),
            ("hong+a+b@example.com", "hong@example.com"),
            ("+hong@example.com", "+hong@example.com"),
            ("h.o.n.g@example.com", "h.o.n.g@example.com"),
            ("H.o.n.g+x@Gmail.com", "hong@gmail.com"),
            ("hong@googlemail.com", "hong@gmail.com"),
        ] {
            assert_eq!(EmailAddress::parse(text).unwrap().usage_key(), key, "{text}");
        }
    }

    #[test]
    fn invalid_addresses_are_rejected_with_a_reason() {
        let long_label = format!("a@{}.com", "b".repeat(64));
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_whole = format!("{}@{}com", "a".repeat(64), "b23456789.".repeat(19));
        for (text, reason) in [
            ("", "empty"),
            ("hong", "not_an_email_address"),
            ("@example.com", "not_an_email_address"),
            ("hong@", "invalid_domain"),
            ("a@b@example.com", "not_an_email_address"),
            ("\"a b\"@example.com", "not_an_email_address"),
            ("hong(comment)@example.com", "not_an_email_address"),
            ("Hong <hong@example.com>", "not_an_email_address"),
            ("hong@example.com,gil@example.com", "not_an_email_address"),
            (".hong@example.com", "not_an_email_address"),
            ("ho..ng@example.com", "not_an_email_address"),
            ("hong@example.com\r\nBcc: a@b.example", "invalid_character"),
            ("ho\u{0}ng@example.com", "invalid_character"),
            ("ho\u{200B}ng@example.com", "invalid_character"),
            ("hong@exa\u{AD}mple.com", "invalid_character"),
            ("\u{202E}gnoh@example.com", "invalid_character"),
            ("ｈong@example.com", "invalid_character"),
            ("ﬁ@example.com", "invalid_character"),
            ("👍@example.com", "invalid_character"),
            ("hong@localhost", "invalid_domain"),
            ("hong@[192.0.2.1]", "invalid_domain"),
            ("hong@[IPv6:2001:db8::1]", "invalid_domain"),
            ("hong@192.0.2.1", "invalid_domain"),
            ("hong@example.c", "invalid_domain"),
            ("hong@example..com", "invalid_domain"),
            ("hong@example.com.", "invalid_domain"),
            ("hong@-example.com", "invalid_domain"),
            ("hong@exa_mple.com", "invalid_domain"),
            ("hong@exa mple.com", "invalid_domain"),
            (&long_label, "invalid_domain"),
            (&long_local, "too_long"),
            (&long_whole, "too_long"),
        ] {
            assert_eq!(parse(text), Err(reason), "{text:?}");
        }
        assert_eq!(parse(&format!("{}@example.com", "a".repeat(1 << 20))), Err("too_long"));
    }

    #[test]
    fn mask_hides_the_length_of_the_local_part() {
        let mask = |text| EmailAddress::parse(text).unwrap().masked();
        assert_eq!(mask("hong@example.com"), "h•••g@example.com");
        assert_eq!(mask("hyacinth.longing@example.com"), "h•••g@example.com");
        assert_eq!(mask("hon@example.com"), "h•••@example.com");
        assert_eq!(mask("h@example.com"), "•••@example.com");
    }

    #[test]
    fn dr_04_debug_shows_the_first_letter_and_the_domain() {
        assert_eq!(format!("{:?}", EmailAddress::parse("hong@example.com").unwrap()), "h•••@example.com");
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent(text in "[a-zA-Z0-9.+\\PC]{1,20}@[a-z0-9äé한국.\\PC-]{1,20}\\.(com|kr|한국)") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(address.as_str().len() <= MAX_OCTETS && address.domain().is_ascii());
                let again = EmailAddress::parse(address.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), address.as_str());
                let by_key = EmailAddress::parse(address.key()).unwrap();
                prop_assert_eq!(by_key.key(), address.key());
                let stored = EmailAddress::from_stored(address.as_str()).unwrap();
                prop_assert_eq!(stored.key(), address.key());
            }
        }

        #[test]
        fn parser_does_not_panic(text in any::<String>()) {
            let _ = EmailAddress::parse(&text);
        }
    }
}
