//! The supported languages, and their negotiation.

use std::fmt;

/// A supported language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Locale {
    Ko,
    En,
}

impl Locale {
    pub const ALL: [Locale; 2] = [Locale::Ko, Locale::En];

    /// The language subtag, as in BCP 47: `ko`, `en`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Locale::Ko => "ko",
            Locale::En => "en",
        }
    }

    /// The language of a BCP 47 tag, by its first subtag: `ko-KR` and `KO` are Korean. None if it is not supported.
    pub fn parse(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|locale| locale.as_str().eq_ignore_ascii_case(language))
    }

    /// The supported language that an `Accept-Language` header prefers (RFC 9110, 12.5.4): by weight, then by order.
    /// `*` means `default` if the header does not name `default`. Without a match or a header: `default`.
    pub fn negotiate(accept_language: Option<&str>, default: Self) -> Self {
        let ranges: Vec<(&str, u16)> = accept_language.unwrap_or_default().split(',').filter_map(parse_item).collect();
        let named = |locale| ranges.iter().any(|(range, _)| Self::parse(range) == Some(locale));
        let mut best = (default, 0);
        for (range, weight) in &ranges {
            let locale = match *range {
                "*" if named(default) => continue,
                "*" => default,
                range => match Self::parse(range) {
                    Some(locale) => locale,
                    None => continue,
                },
            };
            if *weight > best.1 {
                best = (locale, *weight);
            }
        }
        best.0
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One item of the header: its range, and its weight in thousandths. None if it is not well formed.
fn parse_item(item: &str) -> Option<(&str, u16)> {
    let mut parts = item.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty())?;
    let Some(parameter) = parts.next() else { return Some((range, 1000)) };
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let weight: f32 = value.trim().parse().ok()?;
    (0.0..=1.0).contains(&weight).then_some((range, (weight * 1000.0).round() as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supported_range_with_the_highest_weight_wins() {
        let cases = [
            (None, Locale::Ko),
            (Some(""), Locale::Ko),
            (Some("en"), Locale::En),
            (Some("en-GB"), Locale::En),
            (Some("EN-us,ko;q=0.9"), Locale::En),
            (Some("ko;q=0.2, en;q=0.8"), Locale::En),
            (Some("en;q=0.5,ko;q=0.5"), Locale::En),
            (Some("fr, de;q=0.9"), Locale::Ko),
            (Some("fr, en;q=0.1"), Locale::En),
            (Some("en;q=0"), Locale::Ko),
            (Some("*"), Locale::Ko),
            (Some("en;q=0.4, *;q=0.8"), Locale::Ko),
            (Some("ko;q=0.1, en;q=0.4, *;q=0.8"), Locale::En),
            (Some("kok-IN, eng"), Locale::Ko),
            (Some("en;q=2, ,;;,q=1"), Locale::Ko),
            (Some("en;q=NaN"), Locale::Ko),
        ];
        for (header, locale) in cases {
            assert_eq!(Locale::negotiate(header, Locale::Ko), locale, "{header:?}");
        }
        assert_eq!(Locale::negotiate(Some("fr"), Locale::En), Locale::En);
    }

    #[test]
    fn tag_is_parsed_by_its_language_subtag() {
        assert_eq!(Locale::parse("ko-Kore-KR"), Some(Locale::Ko));
        assert_eq!(Locale::parse("en_US"), Some(Locale::En));
        assert_eq!(Locale::parse("fr"), None);
        assert_eq!(Locale::parse(""), None);
    }
}
