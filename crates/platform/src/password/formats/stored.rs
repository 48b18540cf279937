//! What this service stores, and with it the PHC string format of Argon2, scrypt and PBKDF2 and bcrypt's own: what PHP,
//! Laravel, Symfony, Auth0, Supabase, Node and most others write.

use super::{Format, ImportRejection::UnknownFormat, Text};
use crate::password::schemes::Scheme;

pub const FORMAT: Format = Format { name: "phc", text, object: None };

fn text(text: &str) -> Text {
    match Scheme::read(text) {
        Err(UnknownFormat) => None,
        read => Some(read.map(super::Exported::Hash)),
    }
}
