//! Devise with a pepper: bcrypt of the password with the pepper appended. Without a pepper it is plain bcrypt.

use super::{Fields, Format, FormatRefusal, ImportRejection::Malformed, Object, no_text};
use crate::password::schemes::{Algorithm, Prehash, Scheme};

pub const FORMAT: Format = Format { name: "devise", text: no_text, object: Some(object) };

fn object(fields: &Fields<'_>) -> Object {
    fields.only(&["format", "hash", "pepper"])?;
    let of_hash = |reason| FormatRefusal { field: Some("hash"), reason };
    let scheme = Scheme::read(fields.text("hash")?).map_err(of_hash)?;
    if !matches!(scheme, Scheme { prehash: Prehash::None, algorithm: Algorithm::Bcrypt(_) }) {
        return Err(of_hash(Malformed));
    }
    let pepper = fields.text("pepper")?.as_bytes().to_vec();
    if pepper.len() > 256 {
        return Err(FormatRefusal { field: Some("pepper"), reason: Malformed });
    }
    Ok(Scheme { prehash: Prehash::SecretSuffix(pepper), ..scheme }.into())
}
