//! Firebase Authentication's scrypt: the signer key of the project, encrypted with the key that scrypt derives.

use std::fmt;

use aws_lc_rs::{
    cipher::{AES_256, AES_256_KEY_LEN, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};
use scrypt::Params;
use zeroize::Zeroizing;

use super::{
    Hash, Work, blank_salt,
    scrypt::{params, work},
    text::{base64, encode, number_parameter, some_base64},
};
use crate::password::{
    ImportRejection::{self, Malformed},
    pool::Memory,
};

#[derive(Clone, PartialEq)]
pub struct Firebase {
    params: Params,
    /// The salt of the account, followed by the salt separator of the project.
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    output: Vec<u8>,
}

impl Firebase {
    pub fn from_parts(
        mem_cost: u32,
        rounds: u32,
        salt: Vec<u8>,
        signer_key: Vec<u8>,
        output: Vec<u8>,
    ) -> Result<Self, ImportRejection> {
        // The cipher is a stream cipher: the output is as long as the key that it encrypts.
        if signer_key.len() != output.len() || salt.is_empty() {
            return Err(Malformed);
        }
        Ok(Self { params: params(mem_cost, rounds, 1)?, salt, signer_key, output })
    }
}

fn read(parameters: &str, salt: &str, signer_key: &str, hash: &str) -> Result<Firebase, ImportRejection> {
    let [mem_cost, rounds] = [number_parameter(parameters, "ln")?, number_parameter(parameters, "r")?];
    Firebase::from_parts(mem_cost, rounds, base64(salt)?, some_base64(signer_key)?, some_base64(hash)?)
}

impl Hash for Firebase {
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>> {
        match *fields {
            ["", "firebase-scrypt", parameters, salt, signer_key, hash] => {
                Some(read(parameters, salt, signer_key, hash))
            }
            _ => None,
        }
    }

    fn compute(&self, password: &[u8], _: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let mut key = Zeroizing::new([0; AES_256_KEY_LEN]);
        scrypt::scrypt(password, &self.salt, &self.params, &mut *key).ok()?;
        let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, &*key).ok()?).ok()?;
        let mut encrypted = Zeroizing::new(self.signer_key.clone());
        let start = EncryptionContext::Iv128(FixedLength::from([0; 16]));
        key.less_safe_encrypt(&mut encrypted, start).ok()?;
        Some(encrypted)
    }

    fn output(&self) -> &[u8] {
        &self.output
    }

    fn output_mut(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn work(&self) -> Work {
        work(&self.params)
    }

    fn blank(&self) -> Self {
        let (signer_key, output) = (vec![0; self.signer_key.len()], vec![0; self.output.len()]);
        Self { params: self.params, salt: blank_salt(), signer_key, output }
    }
}

impl fmt::Display for Firebase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$firebase-scrypt$ln={},r={}", self.params.log_n(), self.params.r())?;
        write!(f, "${}${}${}", encode(&self.salt), encode(&self.signer_key), encode(&self.output))
    }
}
