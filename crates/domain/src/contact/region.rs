//! Regions with a numbering plan.

use std::fmt;

use phonenumber::metadata::DATABASE;

/// A region by its ISO 3166-1 alpha-2 code, with a known numbering plan.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region([u8; 2]);

impl Region {
    /// The Republic of Korea, the default region.
    pub const KR: Region = Region(*b"KR");

    /// Parses `KR`, `kr`. None if the region has no numbering plan.
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 2] = text.to_ascii_uppercase().into_bytes().try_into().ok()?;
        let region = Self(code);
        DATABASE.by_id(region.as_str()).map(|_| region)
    }

    /// Two capital letters.
    pub fn as_str(&self) -> &str {
        // Always two ASCII letters.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regions_with_a_numbering_plan_parse() {
        assert_eq!(Region::parse("kr"), Some(Region::KR));
        assert_eq!(Region::parse("US").unwrap().as_str(), "US");
        for wrong in ["", "K", "KOR", "ZZ", "001", "한국", "ß", "K\0"] {
            assert_eq!(Region::parse(wrong), None, "{wrong:?}");
        }
    }
}
