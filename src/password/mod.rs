//! stub
use crate::{fault::Fault, secret::Secret};
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    TooShort,
    TooLong,
    NoLowercase,
    NoUppercase,
    NoDigit,
    NoSymbol,
    TooGuessable,
    ContainsPersonalData,
    Breached,
    SameAsCurrent,
}
#[derive(Clone, Debug)]
pub struct Description {
    pub min_length: u32,
    pub max_length: u32,
    pub requires_lowercase: bool,
    pub requires_uppercase: bool,
    pub requires_digit: bool,
    pub requires_symbol: bool,
    pub min_strength: u8,
}
#[derive(Clone)]
pub struct Policy;
pub struct Context;
impl Context {
    pub fn new(_: impl Iterator<Item = String>) -> Self {
        Self
    }
}
impl Policy {
    pub fn describe(&self) -> Description {
        Description {
            min_length: 8,
            max_length: 100,
            requires_lowercase: true,
            requires_uppercase: true,
            requires_digit: true,
            requires_symbol: true,
            min_strength: 2,
        }
    }
    pub async fn judge(&self, p: &Secret, _: &Context) -> Result<Vec<Violation>, Fault> {
        Ok(if p.expose().len() < 8 { vec![Violation::TooShort] } else { vec![] })
    }
}
#[derive(Clone)]
pub struct Hasher;
pub struct PasswordHash(String);
impl PasswordHash {
    pub fn from_stored(s: &str) -> Option<Self> {
        Some(Self(s.into()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
pub enum Verdict {
    Wrong,
    Right,
    RightButRehash,
}
impl Verdict {
    pub fn is_right(&self) -> bool {
        !matches!(self, Verdict::Wrong)
    }
}
impl Hasher {
    pub async fn hash(&self, _: &Secret) -> Result<PasswordHash, Fault> {
        Ok(PasswordHash("x".into()))
    }
    pub async fn verify(&self, _: &Secret, _: Option<&PasswordHash>) -> Result<Verdict, Fault> {
        Ok(Verdict::Wrong)
    }
}
