//! What a new password has to be: a pure judgement.

use super::{Context, MAX_BYTES, policy::Description, prepare, strength};

/// What is wrong with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    TooShort,
    TooLong,
    NoLowercase,
    NoUppercase,
    NoDigit,
    NoSymbol,
    /// Common, a run, a repetition, a walk over the keyboard.
    TooGuessable,
    /// Made of the person's name, username, contact or birth date, or of the service's name.
    ContainsPersonalData,
    /// In the list of passwords out of breaches.
    Breached,
    /// The present one.
    SameAsCurrent,
}

impl Violation {
    /// What is wrong with the password, for whoever runs the program.
    pub fn words(self) -> &'static str {
        match self {
            Violation::TooShort => "is too short",
            Violation::TooLong => "is too long",
            Violation::NoLowercase => "has no lower-case letter",
            Violation::NoUppercase => "has no upper-case letter",
            Violation::NoDigit => "has no digit",
            Violation::NoSymbol => "has no symbol",
            Violation::TooGuessable => "is easy to guess",
            Violation::ContainsPersonalData => "is made of the person's own data",
            Violation::Breached => "is in the list of breached passwords",
            Violation::SameAsCurrent => "is the present one",
        }
    }
}

/// Which rules there are to choose from (`PASSWORD_POLICY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// What most sites ask and most people expect: 8 to 100 characters, and of each kind one.
    Classic,
    /// NIST SP 800-63B-4, 3.1.1.2, for a password that is the only factor: 15 characters or more, of whatever kind.
    Nist,
}

/// The rules as set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    kind: PolicyKind,
    /// Least score of [`strength::score`].
    min_strength: u8,
}

impl Rules {
    /// `min_strength` 0 to 4; left out, what the kind asks.
    ///
    /// Classic asks for 3 ("safely unguessable" in zxcvbn's words, a hundred million guesses): the composition alone is
    /// met by `Password1!`. NIST asks that common passwords, repetitions and runs be refused; zxcvbn's list of thirty
    /// thousand and its patterns do that at a score of 2, which fifteen characters of anything else pass.
    pub fn new(kind: PolicyKind, min_strength: Option<u8>) -> Self {
        let usual = match kind {
            PolicyKind::Classic => 3,
            PolicyKind::Nist => 2,
        };
        Self { kind, min_strength: min_strength.unwrap_or(usual).min(4) }
    }

    /// Everything that is wrong with a password, but for what files and accounts know. Length is counted in Unicode
    /// code points (NIST, the same place).
    ///
    /// May take some milliseconds: it belongs on the pool.
    pub fn judge(&self, password: &str, context: &Context) -> Vec<Violation> {
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
            (context.is_in(&password), Violation::ContainsPersonalData),
        ];
        found.into_iter().filter_map(|(wrong, violation)| wrong.then_some(violation)).collect()
    }

    /// What the rules ask.
    pub fn describe(&self) -> Description {
        let classic = self.kind == PolicyKind::Classic;
        Description {
            min_length: if classic { 8 } else { 15 },
            // For NIST the bound is one of bytes, which `prepare` keeps; no text has more characters than bytes.
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
        let context = Context::new(["Kim Min Jun", "minjun@example.com", "+821012345678"].map(str::to_owned));
        Rules::new(PolicyKind::Classic, None).judge(password, &context)
    }

    fn nist(password: &str) -> Vec<Violation> {
        Rules::new(PolicyKind::Nist, None).judge(password, &Context::new(["Countersign".to_owned()]))
    }

    #[test]
    fn classic_takes_each_kind_of_character_and_tells_all_that_is_missing() {
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
    fn pw_01_nist_takes_any_characters_and_counts_code_points() {
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
    fn pw_02_nist_refuses_what_is_common_and_what_belongs_to_the_service() {
        for password in
            ["passwordpassword", "123456789012345", "qwertyuiopasdfgh", "aaaaaaaaaaaaaaaaaaaa", "iloveyouiloveyou"]
        {
            assert_eq!(nist(password), [TooGuessable], "{password}");
        }
        assert_eq!(nist("countersign is my harbour"), [ContainsPersonalData]);
    }

    #[test]
    fn a_megabyte_is_too_long_and_nothing_more_is_said_of_it() {
        assert_eq!(classic(&"a".repeat(1 << 20)), [TooLong]);
        assert_eq!(nist(&"a".repeat(1 << 20)), [TooLong]);
    }

    #[test]
    fn the_description_is_what_is_judged() {
        let told = Rules::new(PolicyKind::Classic, Some(1)).describe();
        assert_eq!((told.min_length, told.max_length, told.min_strength), (8, 100, 1));
        assert!(told.requires_lowercase && told.requires_uppercase && told.requires_digit && told.requires_symbol);
        let told = Rules::new(PolicyKind::Nist, None).describe();
        assert_eq!((told.min_length, told.max_length, told.min_strength), (15, 1024, 2));
        assert!(!told.requires_digit);
    }
}
