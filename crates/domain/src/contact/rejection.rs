//! Reasons for rejected input.

/// Defines an enum of rejections, each with the code for `FieldError.reason`. The codes are part of the API: clients
/// switch on them and message ids contain them, so a code never changes its meaning.
macro_rules! rejection {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident => $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every rejection, so that a test can check that each has a message.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable, machine-readable code.
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }
    };
}

pub(crate) use rejection;
