//! Strings that must not be printed.

use std::fmt;

use zeroize::Zeroizing;

/// A secret in memory: `Debug` prints `[secret]`, and the memory is zeroed on drop. Code that needs the text calls
/// [`Secret::expose`], so every use can be found by a search.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Never pass it to code that logs, formats or stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
