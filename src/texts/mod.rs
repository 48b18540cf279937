//! Every word that a person may be shown, in Fluent files.

/// A language that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Locale {
    Ko,
    En,
}
