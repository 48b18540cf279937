//! The hash functions that the schemes use.

use aws_lc_rs::{digest, pbkdf2};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashFunction {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl HashFunction {
    pub fn name(self) -> &'static str {
        match self {
            HashFunction::Md5 => "md5",
            HashFunction::Sha1 => "sha1",
            HashFunction::Sha256 => "sha256",
            HashFunction::Sha512 => "sha512",
        }
    }

    /// The function with this lower-case name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|function| function.name() == name)
    }

    /// The length of a digest, in bytes.
    pub fn length(self) -> usize {
        match self {
            HashFunction::Md5 => 16,
            HashFunction::Sha1 => 20,
            HashFunction::Sha256 => 32,
            HashFunction::Sha512 => 64,
        }
    }

    /// The digest of the concatenated parts.
    pub fn digest(self, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        let algorithm = match self {
            HashFunction::Md5 => {
                let mut context = Md5::new();
                parts.iter().for_each(|part| context.update(part));
                return Zeroizing::new(context.finalize().to_vec());
            }
            HashFunction::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            HashFunction::Sha256 => &digest::SHA256,
            HashFunction::Sha512 => &digest::SHA512,
        };
        let mut context = digest::Context::new(algorithm);
        parts.iter().for_each(|part| context.update(part));
        Zeroizing::new(context.finish().as_ref().to_vec())
    }

    /// PBKDF2 with this function. None if no supported format uses it.
    pub fn pbkdf2(self) -> Option<pbkdf2::Algorithm> {
        match self {
            HashFunction::Md5 => None,
            HashFunction::Sha1 => Some(pbkdf2::PBKDF2_HMAC_SHA1),
            HashFunction::Sha256 => Some(pbkdf2::PBKDF2_HMAC_SHA256),
            HashFunction::Sha512 => Some(pbkdf2::PBKDF2_HMAC_SHA512),
        }
    }
}
