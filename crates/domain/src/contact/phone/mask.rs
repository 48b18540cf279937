//! Masked phone numbers.

use phonenumber::metadata::{Format, Metadata};

use super::{PhoneNumber, plan};

/// The smallest number of hidden digits, and the number of digits shown at the end.
const HIDDEN: usize = 4;
const SHOWN: usize = 4;

/// `+82 10-••••-5678`: the last four digits, and the first group if at least four digits between them stay hidden;
/// grouped as in the number's plan. North American numbers show only the last four, `+1 •••-•••-0123`.
pub fn masked(number: &PhoneNumber) -> String {
    let grouped = grouped(number);
    let total = number.significant_digits().len();
    let last = SHOWN.min(total.saturating_sub(HIDDEN));
    let first = match grouped.chars().take_while(char::is_ascii_digit).count() {
        first if first + HIDDEN + last <= total => first,
        _ => 0,
    };
    let mut index = 0;
    let national: String = grouped
        .chars()
        .map(|character| {
            index += usize::from(character.is_ascii_digit());
            let shown = index <= first || index > total - last || !character.is_ascii_digit();
            if shown { character } else { '•' }
        })
        .collect();
    format!("+{} {national}", number.country_code())
}

/// The digits after the country code, in international grouping; ungrouped if the plan's format adds or moves digits
/// (Argentina's 15).
fn grouped(number: &PhoneNumber) -> String {
    let digits = number.significant_digits();
    let grouped = plan::metadata(number.country_code()).and_then(|metadata| format(metadata, digits));
    match grouped {
        Some(text) if text.chars().filter(char::is_ascii_digit).eq(digits.chars()) => text,
        _ => digits.to_owned(),
    }
}

fn format(metadata: &Metadata, digits: &str) -> Option<String> {
    let formats = metadata.international_formats().iter().chain(metadata.formats());
    let format = formats.into_iter().find(|format| fits(format, digits))?;
    Some(format.pattern().replace(digits, format.format()).into_owned())
}

fn fits(format: &Format, digits: &str) -> bool {
    let begins =
        format.leading_digits().last().is_none_or(|leading| leading.find(digits).is_some_and(|m| m.start() == 0));
    begins && format.pattern().find(digits).is_some_and(|found| found.range() == (0..digits.len()))
}
