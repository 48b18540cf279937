//! A number with its middle hidden.

use phonenumber::Mode;

use super::PhoneNumber;

/// How many digits stay hidden at least, and how many show at the end.
const HIDDEN: usize = 4;
const SHOWN: usize = 4;

/// `+82 10-••••-5678`: the last four digits, and the first group where at least four stay hidden between them; grouped
/// as the number's plan groups it. North American numbers show their last four alone, `+1 •••-•••-0123`.
pub fn masked(number: &PhoneNumber) -> String {
    let grouped = grouped(number);
    let total = grouped.chars().filter(char::is_ascii_digit).count();
    let first = grouped.chars().take_while(char::is_ascii_digit).count();
    let last = SHOWN.min(total.saturating_sub(HIDDEN));
    let first = if first + last + HIDDEN <= total { first } else { 0 };
    let mut place = 0;
    let mut mask = |character: char| {
        if !character.is_ascii_digit() {
            return character;
        }
        place += 1;
        if place <= first || place > total - last { character } else { '•' }
    };
    let national: String = grouped.chars().map(&mut mask).collect();
    format!("+{} {national}", number.country_code())
}

/// The national part in its international grouping, or as it is where the library groups some other number.
fn grouped(number: &PhoneNumber) -> String {
    let digits = number.significant_digits();
    let text = phonenumber::parse(None, number.as_str())
        .map(|parsed| parsed.format().mode(Mode::International).to_string())
        .unwrap_or_default();
    let national = text.strip_prefix(&format!("+{} ", number.country_code())).unwrap_or("");
    let same = national.chars().filter(char::is_ascii_digit).eq(digits.chars());
    if same { national.to_owned() } else { digits.to_owned() }
}
