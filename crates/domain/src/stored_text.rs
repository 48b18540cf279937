//! The texts of values in tables.

/// A value with a text that tables contain.
pub trait StoredText: Sized {
    /// The text.
    fn as_text(&self) -> &str;

    /// The value of a stored text. None: it is not the text of any value.
    fn from_text(text: &str) -> Option<Self>;
}

/// Gives each value of an enum its text. The texts are in tables, in the API and in metrics, so they must not change.
macro_rules! stored_text {
    ($name:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text in tables and in the API.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// Every value.
            pub fn all() -> impl Iterator<Item = Self> {
                Self::ALL.iter().copied()
            }
        }

        impl $crate::stored_text::StoredText for $name {
            fn as_text(&self) -> &str {
                self.as_str()
            }

            fn from_text(text: &str) -> Option<Self> {
                Self::all().find(|value| value.as_str() == text)
            }
        }
    };
}

pub(crate) use stored_text;
