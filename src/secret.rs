//! Text that will not print.

use std::fmt;

use zeroize::Zeroizing;

/// A secret in memory: it prints as `[secret]` and is wiped when dropped. What needs the text calls [`Secret::expose`],
/// a word that can be searched for.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Never hand it to anything that logs, formats or stores.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
