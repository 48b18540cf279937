//! The rules for new passwords, as pure functions.

use super::{MAX_BYTES, PasswordContext, policy::Description, prepare, strength};

/// A rule that a password violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    TooShort,
    TooLong,
    NoLowercase,
    NoUppercase,
    NoDigit,
    NoSymbol,
    /// A common password, a sequence, a repetition or a keyboard pattern.
    TooGuessable,
    /// Contains the person's name, username, contact or birth date, or the service's name.
    ContainsPersonalData,
    /// In the list of breached passwords.
    Breached,
    /// The same as the current password.
    SameAsCurrent,
}

impl Violation {
    /// A description of the violation for the operator.
    pub fn description(self) -> &'static str {
        match self {
            Violation::TooShort => "is too short",
            Violation::TooLong => "is too long",
            Violation::NoLowercase => "has no lower-case letter",
            Violation::NoUppercase => "has no upper-case letter",
            Violation::NoDigit => "has no digit",
            Violation::NoSymbol => "has no symbol",
            Violation::TooGuessable => "is easy to guess",
            Violation::ContainsPersonalData => "contains personal data",
            Violation::Breached => "is in the list of breached passwords",
            Violation::SameAsCurrent => "is the current password",
        }
    }
}

/// The available rule sets (`PASSWORD_POLICY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// The rules of most sites: 8 to 100 characters with a lower-case letter, an upper-case letter, a digit and a
    /// symbol.
    Classic,
    /// NIST SP 800-63B-4, 3.1.1.2, for a password that is the only factor: 15 characters or more of any kind.
    Nist,
}

/// The configured rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    kind: PolicyKind,
    /// The minimum result of [`strength::score`].
    min_strength: u8,
}

impl Rules {
    /// `min_strength` is 0 to 4; None uses the default of the kind.
    ///
    /// Classic requires 3 (zxcvbn: "safely unguessable", a hundred million guesses), because `Password1!` satisfies the
    /// composition rules. NIST requires common passwords, repetitions and sequences to be rejected. A score of 2 does
    /// that, by zxcvbn's list of thirty thousand passwords and its patterns; any other fifteen characters reach it.
    pub fn new(kind: PolicyKind, min_strength: Option<u8>) -> Self {
        let default = match kind {
            PolicyKind::Classic => 3,
            PolicyKind::Nist => 2,
        };
        Self { kind, min_strength: min_strength.unwrap_or(default).min(4) }
    }

    /// All violations, except [`Violation::Breached`] and [`Violation::SameAsCurrent`]. The length is counted in
    /// Unicode code points (NIST SP 800-63B-4, 3.1.1.2).
    ///
    /// May take some milliseconds, so run it on the pool.
    pub fn check(&self, password: &str, context: &PasswordContext) -> Vec<Violation> {
        let Some(password) = prepare(password) else { return vec![Violation::TooLong] };
        let Description { min_length, max_length, .. } = self.describe();
        let length = u32::try_from(password.chars().count()).unwrap_or(u32::MAX);
        let without = |kind: fn(char) -> bool| !password.chars().any(kind);
        let composed = self.kind == PolicyKind::Classic;
        let found = [
            (length < min_length, Violation::TooShort),
            (length > max_length, Violation::TooLong),
            (composed && without(char::is_lowercase), Violation::NoLowercase),
            (composed && without(char::is_uppercase), Violation::NoUppercase),
            (composed && without(char::is_numeric), Violation::NoDigit),
            (composed && without(|character| !character.is_alphanumeric()), Violation::NoSymbol),
            (strength::score(&password, &context.guesses()) < self.min_strength, Violation::TooGuessable),
            (context.occurs_in(&password), Violation::ContainsPersonalData),
        ];
        found.into_iter().filter_map(|(wrong, violation)| wrong.then_some(violation)).collect()
    }

    /// The requirements of these rules.
    pub fn describe(&self) -> Description {
        let classic = self.kind == PolicyKind::Classic;
        Description {
            min_length: if classic { 8 } else { 15 },
            // For NIST the limit is in bytes and `prepare` enforces it; no text has more characters than bytes.
            max_length: if classic { 100 } else { MAX_BYTES as u32 },
            requires_lowercase: classic,
            requires_uppercase: classic,
            requires_digit: classic,
            requires_symbol: classic,
            min_strength: self.min_strength,
        }
    }
}

#[cfg(test)]
mod tests {
    use Violation::*;

    use super::*;

    fn classic(password: &str) -> Vec<Violation> {
        let context = PasswordContext::new(["Kim Min Jun", "minjun@example.com", "+821012345678"].map(str::to_owned));
        Rules::new(PolicyKind::Classic, None).check(password, &context)
    }

    fn nist(password: &str) -> Vec<Violation> {
        Rules::new(PolicyKind::Nist, None).check(password, &PasswordContext::new(["Countersign".to_owned()]))
    }

    #[test]
    fn classic_requires_each_kind_of_character_and_reports_all_violations() {
        assert_eq!(classic("NewPassword123!"), []);
        assert_eq!(classic("비밀번호가 참 길다 aA1"), []);
        assert_eq!(classic(""), [TooShort, NoLowercase, NoUppercase, NoDigit, NoSymbol, TooGuessable]);
        assert_eq!(classic("password"), [NoUppercase, NoDigit, NoSymbol, TooGuessable]);
        assert_eq!(classic("Password1!"), [TooGuessable]);
        assert_eq!(classic("violet-Harbor"), [NoDigit]);
        assert_eq!(classic("Vi0-let"), [TooShort, TooGuessable]);
        assert_eq!(classic("MinJun-Harbour-7"), [ContainsPersonalData]);
        assert_eq!(classic(&"aB3-wind ".repeat(12)), [TooLong]);
    }

    #[test]
    fn pw_01_nist_accepts_any_characters_and_counts_code_points() {
        for password in [
            "my dog ate breakfast",
            "совершенно секретно",
            "그대를사랑합니다나의조국이여요",
            "🐢🌊🎈🚲🍋🪐🧦🔔🐙🌵🧊🎲🛶🥁🍄",
            &"Wind over the harbour at seven. ".repeat(2),
            &"Wind over the harbour at seven. ".repeat(32),
        ] {
            assert_eq!(nist(password), [], "{password}");
        }
        assert_eq!(nist("violet-Harb0ur"), [TooShort]);
    }

    #[test]
    fn pw_02_nist_rejects_common_passwords_and_the_service_name() {
        for password in
            ["passwordpassword", "123456789012345", "qwertyuiopasdfgh", "aaaaaaaaaaaaaaaaaaaa", "iloveyouiloveyou"]
        {
            assert_eq!(nist(password), [TooGuessable], "{password}");
        }
        assert_eq!(nist("countersign is my harbour"), [ContainsPersonalData]);
    }

    #[test]
    fn a_megabyte_is_only_too_long() {
        assert_eq!(classic(&"a".repeat(1 << 20)), [TooLong]);
        assert_eq!(nist(&"a".repeat(1 << 20)), [TooLong]);
    }

    #[test]
    fn the_description_matches_the_rules() {
        let description = Rules::new(PolicyKind::Classic, Some(1)).describe();
        assert_eq!((description.min_length, description.max_length, description.min_strength), (8, 100, 1));
        assert!(
            description.requires_lowercase
                && description.requires_uppercase
                && description.requires_digit
                && description.requires_symbol
        );
        let description = Rules::new(PolicyKind::Nist, None).describe();
        assert_eq!((description.min_length, description.max_length, description.min_strength), (15, 1024, 2));
        assert!(!description.requires_digit);
    }
}
