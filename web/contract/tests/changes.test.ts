import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { broken, step, unexplained } from '../changes.ts';

/** GQ-10: whoever built a page against a version is served by every later one of the same major version. */

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
    return broken(before, after, 'patch');
  };

  it('has every field, value, member and argument that there was', () => {
    expect(changed(' name: String }\n    input', ' }\n    input')).toHaveLength(1);
    expect(changed('OPEN ', '')).toHaveLength(1);
    expect(changed(' | Refusal', '')).toHaveLength(1);
    expect(changed(', input: ItemInput', '')).toHaveLength(1);
  });

  it('asks for nothing more and answers nothing less certain', () => {
    expect(changed('{ name: String }', '{ name: String kind: String! }')).toHaveLength(1);
    expect(changed('input: ItemInput', 'input: ItemInput!')).toHaveLength(1);
    expect(changed('status: Status!', 'status: Status')).toHaveLength(1);
    expect(changed('name: String }\n    input', 'name: Int }\n    input')).toHaveLength(1);
  });

  it('may grow', () => {
    expect(changed('OPEN ', 'OPEN PAUSED ')).toEqual([]);
    expect(changed('{ name: String }', '{ name: String kind: String }')).toEqual([]);
    expect(changed('type Item {', 'type Item { more: Int')).toEqual([]);
    expect(changed('| Refusal', '| Refusal | Other  type Other { id: ID! }')).toEqual([]);
  });

  it('loses what a release has deprecated with the next minor version, and not before', () => {
    const after = before.replace(/CLOSED @deprecated\(.*?\)/, '').replace(/title: String @deprecated\(.*?\)/, '');
    expect(broken(before, after, 'patch')).toHaveLength(2);
    expect(broken(before, after, 'minor')).toEqual([]);
    expect(broken(before, after.replace('status: Status!', ''), 'minor')).toHaveLength(1);
    expect(broken(before, 'type Query { a: Int }', 'major')).toEqual([]);
  });

  it('says for each deprecation what to take instead', () => {
    expect(unexplained(before)).toEqual([]);
    const bare = before.replace(/title: String @deprecated\(.*?\)/, 'title: String @deprecated');
    expect(unexplained(bare)).toEqual(['Item.title']);
    expect(unexplained(schema)).toEqual([]);
  });
});

describe('GQ-10 versions', () => {
  it('are as far from each other as npm and Cargo have it', () => {
    expect(step('v1.2.3', '1.2.4')).toBe('patch');
    expect(step('1.2.3', '1.3.0')).toBe('minor');
    expect(step('1.2.3', '2.0.0')).toBe('major');
    expect(step('0.1.0', '0.1.1')).toBe('minor');
    expect(step('0.1.9', '0.2.0')).toBe('major');
    expect(step('v0.1.0', '0.1.0')).toBe('patch');
    expect(() => step('next', '1.0.0')).toThrow('no version');
  });
});

/** The last release that this commit descends from. None: there was none yet. */
const released = ((): string | undefined => {
  try {
    const describe = ['describe', '--tags', '--match', 'v[0-9]*', '--abbrev=0'];
    return execFileSync('git', describe, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
})();

it.skipIf(released === undefined)('GQ-10 nothing is broken since the last release', () => {
  const version = /^version = "(.+)"$/m.exec(readFileSync(new URL('Cargo.toml', root), 'utf8'))?.[1] ?? '';
  const before = execFileSync('git', ['show', `${released ?? ''}:schema.graphql`], { cwd: root, encoding: 'utf8' });
  expect(broken(before, schema, step(released ?? '', version))).toEqual([]);
});
