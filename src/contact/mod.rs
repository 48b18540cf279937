//! Phone numbers and e-mail addresses as values: parsed at the door, normalised, masked.

/// Where a code can be sent. Placeholder until the room is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    Phone(String),
    Email(String),
}
