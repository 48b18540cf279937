//! Limits, and the names that their refusals show.

use std::fmt;

/// The largest accepted number of something, and the name of the setting that changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The largest accepted number.
    pub max: usize,
    /// The name of the limit in the operator's configuration. It is shown in refusals.
    pub setting: Option<&'static str>,
}

impl Limit {
    /// A limit that the operator can change by this setting.
    pub const fn named(max: usize, setting: &'static str) -> Self {
        Self { max, setting: Some(setting) }
    }

    /// A limit without a name.
    pub const fn fixed(max: usize) -> Self {
        Self { max, setting: None }
    }

    /// The name of the setting for the end of a sentence; empty without one.
    pub(crate) fn hint(self) -> impl fmt::Display {
        Hint(self.setting)
    }
}

impl From<usize> for Limit {
    fn from(max: usize) -> Self {
        Self::fixed(max)
    }
}

/// ` (SETTING)`, or nothing.
pub(crate) struct Hint(pub Option<&'static str>);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

/// Limits of one document. They are checked before the schema validates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Bytes of the document.
    pub bytes: Limit,
    /// Lexical tokens.
    pub tokens: Limit,
    /// Operations in the document.
    pub operations: Limit,
    /// Nested fields; 1 for a root field.
    pub depth: Limit,
    /// Fields, with fragments expanded.
    pub complexity: Limit,
    /// Aliases, with fragments expanded.
    pub aliases: Limit,
    /// Root fields of a mutation, except `__typename`.
    pub root_mutations: Limit,
    /// Directives in one place.
    pub directives: Limit,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            bytes: Limit::fixed(16 * 1024),
            tokens: Limit::fixed(2_000),
            operations: Limit::fixed(20),
            depth: Limit::fixed(10),
            complexity: Limit::fixed(200),
            aliases: Limit::fixed(10),
            root_mutations: Limit::fixed(10),
            directives: Limit::fixed(5),
        }
    }
}
