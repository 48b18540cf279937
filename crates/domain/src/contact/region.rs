//! Regions that have a numbering plan.

use std::fmt;

use phonenumber::metadata::DATABASE;

/// A region by its ISO 3166-1 alpha-2 code, one whose numbering plan we know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region([u8; 2]);

impl Region {
    /// The Republic of Korea, where the defaults of this program come from.
    pub const KR: Region = Region(*b"KR");

    /// Reads `KR`, `kr`. None for anything that has no numbering plan.
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 2] = text.to_ascii_uppercase().into_bytes().try_into().ok()?;
        let region = Self(code);
        DATABASE.by_id(region.as_str()).map(|_| region)
    }

    /// Two capital letters.
    pub fn as_str(&self) -> &str {
        // Made of two ASCII letters alone.
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
    fn a_region_is_one_with_a_numbering_plan() {
        assert_eq!(Region::parse("kr"), Some(Region::KR));
        assert_eq!(Region::parse("US").unwrap().as_str(), "US");
        for wrong in ["", "K", "KOR", "ZZ", "001", "한국", "ß", "K\0"] {
            assert_eq!(Region::parse(wrong), None, "{wrong:?}");
        }
    }
}
