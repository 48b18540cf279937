import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { breakingChanges, deprecationsWithoutReason, releaseType } from '../changes.ts';

/** GQ-10: a client built against a version works with every later version of the same major version. */

const root = new URL('../../../', import.meta.url);
const schema = readFileSync(new URL('schema.graphql', root), 'utf8');

describe('GQ-10 a schema without breaking changes', () => {
  const before = `
    enum Status { OPEN CLOSED @deprecated(reason: "Look at \`over\`.") }
    type Item { id: ID! status: Status! title: String @deprecated(reason: "Look at \`name\`.") name: String }
    input ItemInput { name: String }
    union Result = Item | Refusal
    type Refusal { message: String! }
    type Query { item(id: ID!, input: ItemInput): Result items: [Item!]! }
  `;
  const changed = (from: string | RegExp, to: string): readonly string[] => {
    const after = before.replace(from, to);
    expect(after).not.toBe(before);
    return breakingChanges(before, after, 'patch');
  };

  it('keeps all fields, enum values, union members and arguments', () => {
    expect(changed(' name: String }\n    input', ' }\n    input')).toHaveLength(1);
    expect(changed('OPEN ', '')).toHaveLength(1);
    expect(changed(' | Refusal', '')).toHaveLength(1);
    expect(changed(', input: ItemInput', '')).toHaveLength(1);
  });

  it('adds no required input and does not make output nullable', () => {
    expect(changed('{ name: String }', '{ name: String kind: String! }')).toHaveLength(1);
    expect(changed('input: ItemInput', 'input: ItemInput!')).toHaveLength(1);
    expect(changed('status: Status!', 'status: Status')).toHaveLength(1);
    expect(changed('name: String }\n    input', 'name: Int }\n    input')).toHaveLength(1);
  });

  it('may add fields, values, members and optional input', () => {
    expect(changed('OPEN ', 'OPEN PAUSED ')).toEqual([]);
    expect(changed('{ name: String }', '{ name: String kind: String }')).toEqual([]);
    expect(changed('type Item {', 'type Item { more: Int')).toEqual([]);
    expect(changed('| Refusal', '| Refusal | Other  type Other { id: ID! }')).toEqual([]);
  });

  it('may remove deprecated fields in a minor version but not in a patch', () => {
    const after = before.replace(/CLOSED @deprecated\(.*?\)/, '').replace(/title: String @deprecated\(.*?\)/, '');
    expect(breakingChanges(before, after, 'patch')).toHaveLength(2);
    expect(breakingChanges(before, after, 'minor')).toEqual([]);
    expect(breakingChanges(before, after.replace('status: Status!', ''), 'minor')).toHaveLength(1);
    expect(breakingChanges(before, 'type Query { a: Int }', 'major')).toEqual([]);
  });

  it('gives a reason for each deprecation', () => {
    expect(deprecationsWithoutReason(before)).toEqual([]);
    const bare = before.replace(/title: String @deprecated\(.*?\)/, 'title: String @deprecated');
    expect(deprecationsWithoutReason(bare)).toEqual(['Item.title']);
    expect(deprecationsWithoutReason(schema)).toEqual([]);
  });
});

describe('GQ-10 versions', () => {
  it('are compared as in npm and Cargo', () => {
    expect(releaseType('v1.2.3', '1.2.4')).toBe('patch');
    expect(releaseType('1.2.3', '1.3.0')).toBe('minor');
    expect(releaseType('1.2.3', '2.0.0')).toBe('major');
    expect(releaseType('0.1.0', '0.1.1')).toBe('minor');
    expect(releaseType('0.1.9', '0.2.0')).toBe('major');
    expect(releaseType('v0.1.0', '0.1.0')).toBe('patch');
    expect(() => releaseType('next', '1.0.0')).toThrow('not a version');
  });
});

/** The last release before this commit, if there is one. */
const released = ((): string | undefined => {
  try {
    const describe = ['describe', '--tags', '--match', 'v[0-9]*', '--abbrev=0'];
    return execFileSync('git', describe, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
})();

it.skipIf(released === undefined)('GQ-10 no breaking changes since the last release', () => {
  const version = /^version = "(.+)"$/m.exec(readFileSync(new URL('Cargo.toml', root), 'utf8'))?.[1] ?? '';
  const before = execFileSync('git', ['show', `${released ?? ''}:schema.graphql`], { cwd: root, encoding: 'utf8' });
  expect(breakingChanges(before, schema, releaseType(released ?? '', version))).toEqual([]);
});
