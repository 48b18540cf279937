//! Estimation of password strength.

use zeroize::Zeroizing;
use zxcvbn::zxcvbn;

/// The number of characters passed to zxcvbn at once. Its running time grows faster than the length, and its estimate
/// of a keyboard pattern overflows at 28 turns.
const WINDOW: usize = 28;
/// The maximum number of windows: a password that is weak in its first hundred characters is counted as weak.
const WINDOWS: usize = 4;

/// zxcvbn's score, 0 (among the first thousand guesses) to 4 (ten thousand million guesses and more). `words` are
/// guessed first. A repetition has the score of the repeated part, a long password the score of its best window.
pub fn score(password: &str, words: &[&str]) -> u8 {
    let characters = Zeroizing::new(password.chars().collect::<Vec<_>>());
    let once = &characters[..period(&characters)];
    let windows = once.chunks(WINDOW).take(WINDOWS).map(|window| {
        let window = Zeroizing::new(window.iter().collect::<String>());
        u8::from(zxcvbn(&window, words).score())
    });
    windows.max().unwrap_or(0)
}

/// The length of the shortest prefix of which the text is a repetition, or the length of the text if there is none with
/// at least two repetitions. Uses the failure function of Knuth, Morris and Pratt.
fn period(text: &[char]) -> usize {
    let mut borders = vec![0; text.len()];
    for index in 1..text.len() {
        let mut border = borders[index - 1];
        while border > 0 && text[border] != text[index] {
            border = borders[border - 1];
        }
        borders[index] = if text[border] == text[index] { border + 1 } else { 0 };
    }
    let period = text.len() - borders.last().copied().unwrap_or(0);
    if 2 * period <= text.len() { period } else { text.len() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_passwords_sequences_and_repetitions_are_weak_at_any_length() {
        for weak in [
            "password",
            "Password1!",
            "Qwer1234!",
            "passwordpassword",
            "aaaaaaaaaaaaaaa",
            "123456789012345",
            "qwertyuiopasdfgh",
            "iloveyouiloveyou",
            "letmeinletmeinletmein",
            &"a".repeat(1000),
            &"password".repeat(12),
        ] {
            assert!(score(weak, &[]) < 2, "{weak}");
        }
    }

    #[test]
    fn a_repetition_has_the_period_of_the_repeated_part() {
        for (text, length) in [("", 0), ("a", 1), ("aaaa", 1), ("abab", 2), ("ababa", 2), ("abcab", 5), ("abcd", 4)] {
            assert_eq!(period(&text.chars().collect::<Vec<_>>()), length, "{text}");
        }
    }

    #[test]
    fn phrases_in_any_script_are_strong() {
        for strong in [
            "my dog ate breakfast",
            "그대를사랑합니다나의조국이여",
            "совершенно секретно!!",
            "correcthorsebatterystaple",
        ] {
            assert_eq!(score(strong, &[]), 4, "{strong}");
        }
        assert_eq!(score("NewPassword123!", &["countersign"]), 3);
    }

    #[test]
    fn personal_words_lower_the_score() {
        assert!(score("xylokrantz42", &["xylokrantz"]) < score("xylokrantz42", &[]));
    }

    #[test]
    fn a_keyboard_pattern_does_not_overflow() {
        for walk in ["20202020", "1q1q1q1q", "passw0rdP@ssword1l0v3", "qazqaz", "1`1`1`"] {
            score(&walk.repeat(20), &[]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn score_never_panics(password in any::<String>(), walk in "[1qaz2wsx`~!0-9]{20,120}", word in "\\PC{0,20}") {
            prop_assert!(score(&password, &[&word]) <= 4);
            prop_assert!(score(&walk, &[&word]) <= 4);
        }
    }
}
