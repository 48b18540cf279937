//! Published keys: keys from tutorials and standards, and hashes of common passwords.

use std::{collections::HashSet, sync::LazyLock};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Digests instead of the keys, so that secret scanners report nothing in this repository.
static PUBLISHED: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("published.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(digest, _)| digest).collect()
});

/// Common words and passwords whose hashes are used as keys.
const HASHED: &[&str] = &[
    "",
    "0",
    "1",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "111111",
    "000000",
    "123123",
    "abc",
    "abc123",
    "abcd1234",
    "admin",
    "admin123",
    "administrator",
    "api",
    "apikey",
    "app",
    "auth",
    "changeme",
    "changeit",
    "code",
    "default",
    "demo",
    "dev",
    "development",
    "dragon",
    "example",
    "foo",
    "foobar",
    "football",
    "guest",
    "hello",
    "hello world",
    "helloworld",
    "hunter2",
    "iloveyou",
    "jwt",
    "jwtsecret",
    "key",
    "letmein",
    "login",
    "love",
    "master",
    "monkey",
    "mykey",
    "mypassword",
    "mysecret",
    "mysecretkey",
    "pass",
    "passphrase",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "prod",
    "production",
    "qwerty",
    "qwerty123",
    "qwertyuiop",
    "random",
    "root",
    "salt",
    "secret",
    "secret123",
    "secretkey",
    "server",
    "serverkey",
    "shadow",
    "string",
    "sunshine",
    "supersecret",
    "test",
    "test123",
    "testing",
    "token",
    "topsecret",
    "user",
    "welcome",
    "welcome1",
    "world",
    "your-secret-key",
    "your-256-bit-secret",
    "secret key",
    "secret-key",
    "Hello",
    "Hello World",
    "Hello, World!",
    "Password",
    "Password1",
    "P@ssw0rd",
    "SECRET",
    "Secret",
    "countersign",
];

/// Whether the key is published in a tutorial or a standard.
pub fn is_published(key: &[u8]) -> bool {
    let known = |bytes: &[u8]| PUBLISHED.contains(hex::encode(Sha256::digest(bytes)).as_str());
    known(key) || known(&key.to_ascii_lowercase())
}

/// Whether the key is the hash of a common password, with or without the line break that `echo` appends.
pub fn is_hash_of_a_word(key: &[u8]) -> bool {
    let digest: fn(&[u8]) -> Vec<u8> = match key.len() {
        16 => |word| Md5::digest(word).to_vec(),
        20 => |word| Sha1::digest(word).to_vec(),
        32 => |word| Sha256::digest(word).to_vec(),
        48 => |word| Sha384::digest(word).to_vec(),
        64 => |word| Sha512::digest(word).to_vec(),
        _ => return false,
    };
    HASHED.iter().any(|word| digest(word.as_bytes()) == key || digest(format!("{word}\n").as_bytes()) == key)
}
