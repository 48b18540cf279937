// Generates password hashes with Node libraries, for tests/fixtures/passwords/node.json.
//
// npm i bcryptjs@3.0.3 better-auth@1.7.25 aspnetcore-identity-password-hasher@1.0.1
// node make.mjs > ../../tests/fixtures/passwords/node.json

import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import process from 'node:process';

const require = createRequire(`${process.cwd()}/`);
const bcrypt = require('bcryptjs');
const { PasswordHasher } = require('aspnetcore-identity-password-hasher/build/PasswordHasher.js');
const { hashPassword } = await import(require.resolve('better-auth/crypto'));

// Passwords that NFKC changes.
const passwords = [
  '\u3142\u3163\u3141\u3163\u3139-1234',
  '\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44-1234',
  '\u1107\u1175\u1106\u1175\u11af\u1107\u1165\u11ab\u1112\u1169-1234',
  'wait\u2026for it',
  '\ufb01nal-password',
  'pass\u00a0word-1234',
];
const fixtures = [];

async function add(system, madeBy, make, chosen = passwords) {
  for (const n of [0, 1]) {
    const password = chosen[(fixtures.length + n * 2) % chosen.length];
    fixtures.push({ system, made_by: madeBy, password, wrong: `5${password}`, password_hash: await make(password) });
  }
}

/** ASP.NET Core Identity 3 with SHA-512, the default since .NET 7, which the library does not support. */
function identitySha512(password) {
  const salt = randomBytes(16);
  const head = Buffer.alloc(13);
  head[0] = 1;
  [2, 100_000, 16].forEach((field, n) => head.writeUInt32BE(field, 1 + 4 * n));
  return Buffer.concat([head, salt, pbkdf2Sync(password, salt, 100_000, 32, 'sha512')]).toString('base64');
}

await add('Node bcryptjs', 'bcryptjs 3.0.3', (password) => bcrypt.hash(password, 5));
const long = passwords.map((password) => password + 'long enough to be cut after seventy-two bytes, by every bcrypt');
await add('Node bcryptjs, cut at 72 bytes', 'bcryptjs 3.0.3', (password) => bcrypt.hash(password, 5), long);
await add('better-auth', 'better-auth 1.7.25', (password) => hashPassword(password));
const identity = 'aspnetcore-identity-password-hasher 1.0.1';
await add('ASP.NET Identity v2', identity, (password) => new PasswordHasher().hashPasswordV2(password));
await add('ASP.NET Identity v3, SHA-256', identity, (password) => new PasswordHasher().hashPasswordV3(password));
await add('ASP.NET Identity v3, SHA-512', 'node:crypto', async (password) => identitySha512(password));
const lines = fixtures.map((fixture) => JSON.stringify(fixture));
process.stdout.write(`{"fixtures": [\n${lines.join(',\n')}\n]}\n`);
