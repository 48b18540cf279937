//! The texts that this service stores. They include the PHC string format of Argon2, scrypt and PBKDF2, and bcrypt's
//! own format, as used by PHP, Laravel, Symfony, Auth0, Supabase, Node and most other systems.

use super::{Format, ImportRejection::UnknownFormat, Text};
use crate::password::schemes::Scheme;

pub const FORMAT: Format = Format { name: "phc", text, object: None };

fn text(text: &str) -> Text {
    match Scheme::read(text) {
        Err(UnknownFormat) => None,
        read => Some(read.map(super::Exported::Hash)),
    }
}
