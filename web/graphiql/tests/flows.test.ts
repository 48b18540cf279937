import { readdirSync, readFileSync } from 'node:fs';

import { buildSchema, Kind, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const schema = buildSchema(read('../../../schema.graphql'));
const files = readdirSync(new URL('../src/flows', import.meta.url)).filter((name) => name.endsWith('.graphql'));
const tabs = read('../src/flows/index.ts');

describe.each(files)('%s', (name) => {
  const document = parse(read(`../src/flows/${name}`));

  it('is valid against the schema', () => {
    expect(validate(schema, document)).toEqual([]);
  });

  it('has a tab', () => {
    expect(tabs).toContain(`'./${name}?raw'`);
  });

  it('names every operation, so that it can be chosen', () => {
    const names = document.definitions.map((part) =>
      part.kind === Kind.OPERATION_DEFINITION ? part.name?.value : null,
    );
    expect(names.every((operation) => operation !== undefined && operation !== null)).toBe(true);
    expect(new Set(names).size).toBe(names.length);
  });
});
