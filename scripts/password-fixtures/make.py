"""Generates password hashes with Python libraries, for tests/fixtures/passwords/python.json.

pip install Django==5.2.19 Werkzeug==3.1.9 libpass==1.9.4 firebase-scrypt==0.1.0 argon2-cffi==25.1.0 bcrypt==5.0.0
python3 make.py > ../../tests/fixtures/passwords/python.json

Costs are low, so that the tests are fast. Formats that none of these libraries supports are computed with hashlib according to
the documentation of the system; "made_by" is then "hashlib".
"""

import base64
import hashlib
import hmac
import json
import os
from importlib.metadata import version

import argon2
import bcrypt
import django
import passlib.hash as passlib
from django.conf import settings
from firebase_scrypt import firebasescrypt
from werkzeug.security import generate_password_hash

settings.configure(USE_I18N=False)
django.setup()
from django.contrib.auth import hashers  # noqa: E402

# Passwords that NFKC changes, and one that it does not change.
PASSWORDS = [
    "\u3142\u3163\u3141\u3163\u3139-1234",  # compatibility jamo
    "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44-1234",  # full width
    "\u1107\u1175\u1106\u1175\u11af\u1107\u1165\u11ab\u1112\u1169-1234",  # decomposed
    "wait\u2026for it",  # an ellipsis
    "\ufb01nal-password",  # a ligature
    "pass\u00a0word-1234",  # a no-break space
    "\ube44\ubc00\ubc88\ud638-1234",
]
made = []


def add(system, made_by, make):
    """Two fixtures: one password that NFKC changes, then another one or the one that it does not change."""
    count = len(made)
    for password in (PASSWORDS[(count // 2) % 6], PASSWORDS[6 if count % 4 == 0 else (count // 2 + 3) % 6]):
        made.append(
            {"system": system, "made_by": made_by, "password": password, "wrong": password + "5", "password_hash": make(password)}
        )


def by(name):
    return f"{name} {version(name)}"


def b64(data):
    return base64.b64encode(data).decode()


def django_hashes():
    lib = by("Django")
    salt = "NaClSaltySalt1234567Ab"
    for system, make in {
        "Django pbkdf2_sha256": lambda p: hashers.PBKDF2PasswordHasher().encode(p, salt, 20_000),
        "Django pbkdf2_sha1": lambda p: hashers.PBKDF2SHA1PasswordHasher().encode(p, salt, 20_000),
        "Django argon2": lambda p: hashers.Argon2PasswordHasher().encode(p, salt),
        "Django scrypt": lambda p: hashers.ScryptPasswordHasher().encode(p, salt, n=2**11),
        "Django md5": lambda p: hashers.MD5PasswordHasher().encode(p, salt),
    }.items():
        add(system, lib, make)

    class Cheap256(hashers.BCryptSHA256PasswordHasher):
        rounds = 5

    class Cheap(hashers.BCryptPasswordHasher):
        rounds = 5

    add("Django bcrypt_sha256", lib, lambda p: Cheap256().encode(p, Cheap256().salt()))
    add("Django bcrypt", lib, lambda p: Cheap().encode(p, Cheap().salt()))
    lib = by("libpass")
    add("Django sha1", lib, lambda p: passlib.django_salted_sha1.hash(p))
    add("Django unsalted md5", lib, lambda p: passlib.hex_md5.hash(p))
    add("Django unsalted sha1", "hashlib", lambda p: "sha1$$" + hashlib.sha1(p.encode()).hexdigest())


def werkzeug_hashes():
    lib = by("Werkzeug")
    add("werkzeug scrypt", lib, lambda p: generate_password_hash(p, "scrypt:2048:8:1"))
    add("werkzeug pbkdf2:sha256", lib, lambda p: generate_password_hash(p, "pbkdf2:sha256:20000"))
    add("werkzeug pbkdf2:sha512", lib, lambda p: generate_password_hash(p, "pbkdf2:sha512:20000"))
    add("werkzeug pbkdf2:sha1", lib, lambda p: generate_password_hash(p, "pbkdf2:sha1:20000"))


def passlib_hashes():
    lib = by("libpass")
    for system, make in {
        "passlib pbkdf2-sha256": passlib.pbkdf2_sha256.using(rounds=20_000).hash,
        "passlib pbkdf2-sha512": passlib.pbkdf2_sha512.using(rounds=20_000).hash,
        "passlib pbkdf2": passlib.pbkdf2_sha1.using(rounds=20_000).hash,
        "passlib scrypt": passlib.scrypt.using(rounds=11).hash,
        "WordPress phpass": passlib.phpass.using(rounds=13, ident="P").hash,
        "passlib phpass $H$": passlib.phpass.using(rounds=8, ident="H").hash,
        "LDAP {SSHA}": passlib.ldap_salted_sha1.hash,
        "LDAP {SSHA256}": passlib.ldap_salted_sha256.hash,
        "LDAP {SSHA512}": passlib.ldap_salted_sha512.hash,
        "LDAP {SMD5}": passlib.ldap_salted_md5.hash,
        "LDAP {SHA}": passlib.ldap_sha1.hash,
        "LDAP {MD5}": passlib.ldap_md5.hash,
        "LDAP {CRYPT} SHA-512": passlib.ldap_sha512_crypt.using(rounds=5000).hash,
        "LDAP {CRYPT} SHA-256": passlib.ldap_sha256_crypt.using(rounds=11000).hash,
        "passlib bcrypt": passlib.bcrypt.using(rounds=5).hash,
        "passlib bcrypt-sha256 v2": passlib.bcrypt_sha256.using(rounds=5, version=2).hash,
        "passlib bcrypt-sha256 v1": passlib.bcrypt_sha256.using(rounds=5, version=1).hash,
    }.items():
        add(system, lib, make)
    for kind in (argon2.Type.ID, argon2.Type.I, argon2.Type.D):
        hasher = argon2.PasswordHasher(time_cost=2, memory_cost=4096, parallelism=4, type=kind)
        add(f"argon2-cffi argon2{kind.name.lower()}", by("argon2-cffi"), hasher.hash)
    # The default parameters of Countersign, from another library.
    hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
    add("argon2-cffi, our parameters", by("argon2-cffi"), hasher.hash)


def firebase_hashes():
    signer_key, separator = b64(bytes(range(64))), "Bw=="

    def parts(password, mem_cost):
        salt = b64(os.urandom(12))
        key = firebasescrypt.generate_derived_key(password, salt, separator, 8, mem_cost)
        return salt, b64(firebasescrypt.encrypt(base64.b64decode(signer_key), key))

    def export(password):
        salt, digest = parts(password, 11)
        return {
            "format": "firebase-scrypt",
            "hash": digest,
            "salt": salt,
            "signer_key": signer_key,
            "salt_separator": separator,
            "rounds": 8,
            "mem_cost": 11,
        }

    def admin_sdk(password):
        return {name: url_safe(part) if name in ("hash", "salt") else part for name, part in export(password).items()}

    def gotrue(password):
        salt, digest = parts(password, 11)
        return f"$fbscrypt$v=1,n=11,r=8,p=1,ss={separator},sk={signer_key}${salt}${digest}"

    url_safe = lambda part: part.replace("+", "-").replace("/", "_")
    add("Firebase (CLI export)", by("firebase-scrypt"), export)
    add("Firebase (Admin SDK)", by("firebase-scrypt"), admin_sdk)
    add("Supabase fbscrypt", by("firebase-scrypt"), gotrue)


def plain_bcrypt(password, prefix=b"2b"):
    return bcrypt.hashpw(password, bcrypt.gensalt(5, prefix)).decode()


def bcrypt_hashes():
    lib = by("bcrypt")
    add("Auth0, Supabase", lib, lambda p: plain_bcrypt(p.encode(), b"2a"))
    pepper = "devise-pepper-0123456789"
    add(
        "Devise with a pepper",
        lib,
        lambda p: {"format": "devise", "hash": plain_bcrypt((p + pepper).encode()[:72], b"2a"), "pepper": pepper},
    )
    add("Devise", lib, lambda p: plain_bcrypt(p.encode(), b"2a"))


def argon2_raw(password, salt, **how):
    return argon2.low_level.hash_secret_raw(password.encode(), salt, type=argon2.low_level.Type.ID, **how)


def keycloak_hashes():
    def credential(algorithm, iterations, value, salt, more):
        data = {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": more}
        secret = {"value": b64(value), "salt": b64(salt), "additionalParameters": {}}
        return {"format": "keycloak", "credentialData": json.dumps(data), "secretData": json.dumps(secret)}

    def with_argon2(password):
        salt = os.urandom(16)
        value = argon2_raw(password, salt, time_cost=5, memory_cost=7168, parallelism=1, hash_len=32)
        more = {"hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
        return credential("argon2", 5, value, salt, more)

    def with_pbkdf2(algorithm, digest, length):
        def make(password):
            salt = os.urandom(16)
            value = hashlib.pbkdf2_hmac(digest, password.encode(), salt, 20_000, length)
            return credential(algorithm, 20_000, value, salt, {})

        return make

    add("Keycloak argon2", by("argon2-cffi"), with_argon2)
    add("Keycloak pbkdf2-sha512", "hashlib", with_pbkdf2("pbkdf2-sha512", "sha512", 64))
    add("Keycloak pbkdf2-sha256", "hashlib", with_pbkdf2("pbkdf2-sha256", "sha256", 64))
    add("Keycloak pbkdf2", "hashlib", with_pbkdf2("pbkdf2", "sha1", 64))


def spring_hashes():
    def digest(name, algorithm, salt):
        def make(password):
            salted = f"{{{salt}}}" if salt else ""
            return f"{{{name}}}{salted}" + hashlib.new(algorithm, (password + salted).encode()).hexdigest()

        return make

    def standard(password):
        salt, secret = os.urandom(8), b""
        state = salt + secret + password.encode()
        for _ in range(1024):
            state = hashlib.sha256(state).digest()
        return "{sha256}" + (salt + state).hex()

    def pbkdf2(name, algorithm, rounds, size):
        def make(password):
            salt = os.urandom(size)
            return f"{{{name}}}" + (salt + hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, rounds, 32)).hex()

        return make

    def pbkdf2_with_secret(password):
        salt = os.urandom(16)
        key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt + b"app-secret", 310_000, 32)
        return {"format": "spring", "hash": "{pbkdf2@SpringSecurity_v5_8}" + (salt + key).hex(), "secret": "app-secret"}

    def scrypt(password):
        salt = os.urandom(16)
        key = hashlib.scrypt(password.encode(), salt=salt, n=2**11, r=8, p=1, dklen=32)
        return f"{{scrypt@SpringSecurity_v5_8}}${11 << 16 | 8 << 8 | 1:x}${b64(salt)}${b64(key)}"

    def ldap(password):
        salt = os.urandom(8)
        return "{ldap}{SSHA}" + b64(hashlib.sha1(password.encode() + salt).digest() + salt)

    phc = argon2.PasswordHasher(time_cost=2, memory_cost=16384, parallelism=1)
    add("Spring {bcrypt}", by("bcrypt"), lambda p: "{bcrypt}" + plain_bcrypt(p.encode(), b"2a"))
    add("Spring {argon2}", by("argon2-cffi"), lambda p: "{argon2}" + phc.hash(p))
    add("Spring {argon2@v5_8}", by("argon2-cffi"), lambda p: "{argon2@SpringSecurity_v5_8}" + phc.hash(p))
    add("Spring {pbkdf2}", "hashlib", pbkdf2("pbkdf2", "sha1", 185_000, 8))
    add("Spring {pbkdf2@v5_8}", "hashlib", pbkdf2("pbkdf2@SpringSecurity_v5_8", "sha256", 310_000, 16))
    add("Spring {pbkdf2@v5_8} with a secret", "hashlib", pbkdf2_with_secret)
    add("Spring {scrypt}", "hashlib", scrypt)
    add("Spring {MD5}", "hashlib", digest("MD5", "md5", "thisissalt"))
    add("Spring {MD5} unsalted", "hashlib", digest("MD5", "md5", ""))
    add("Spring {SHA-1}", "hashlib", digest("SHA-1", "sha1", "thisissalt"))
    add("Spring {SHA-256}", "hashlib", digest("SHA-256", "sha256", "thisissalt"))
    add("Spring {sha256}", "hashlib", standard)
    add("Spring {ldap}", "hashlib", ldap)
    add("Spring {noop}", "by hand", lambda p: "{noop}" + p)


DRUPAL = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def drupal_base64(data):
    text, at = "", 0
    while at < len(data):
        group = int.from_bytes(data[at : at + 3], "little")
        for number in range(min(3, len(data) - at) + 1):
            text += DRUPAL[group >> 6 * number & 63]
        at += 3
    return text


def drupal_hashes():
    def seven(password):
        salt = "".join(DRUPAL[byte & 63] for byte in os.urandom(8))
        state = hashlib.sha512(salt.encode() + password.encode()).digest()
        for _ in range(1 << 10):
            state = hashlib.sha512(state + password.encode()).digest()
        return f"$S${DRUPAL[10]}{salt}{drupal_base64(state)}"[:55]

    add("Drupal 7 $S$", "hashlib", seven)
    add("Drupal 7 U$S$", "hashlib", lambda p: "U" + seven(hashlib.md5(p.encode()).hexdigest()))


def wordpress_hashes():
    def six_eight(password):
        pre = hmac.new(b"wp-sha384", password.strip(" \t\n\r\0\x0b").encode(), hashlib.sha384).digest()
        return "$wp" + plain_bcrypt(base64.b64encode(pre), b"2b").replace("$2b$", "$2y$", 1)

    add("WordPress 6.8", by("bcrypt"), six_eight)


for make in (
    django_hashes,
    werkzeug_hashes,
    passlib_hashes,
    firebase_hashes,
    bcrypt_hashes,
    keycloak_hashes,
    spring_hashes,
    drupal_hashes,
    wordpress_hashes,
):
    make()
print('{"fixtures": [\n' + ",\n".join(map(json.dumps, made)) + "\n]}")
