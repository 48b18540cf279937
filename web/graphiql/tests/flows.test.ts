import { readdirSync, readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';

import { buildSchema, getVariableValues, Kind, parse, validate, type DocumentNode } from 'graphql';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const schema = buildSchema(read('../../../schema.graphql'));
const files = readdirSync(new URL('../src/flows', import.meta.url)).filter((name) => name.endsWith('.graphql'));
/** The fields that may answer `InvalidInput` and whose selection has none of its fields. */
function silentOnInput(document: DocumentNode): readonly string[] {
  return document.definitions.flatMap((part) => {
    if (part.kind !== Kind.OPERATION_DEFINITION) return [];
    const root = schema.getRootType(part.operation)?.getFields() ?? {};
    return part.selectionSet.selections.flatMap((field) => {
      if (field.kind !== Kind.FIELD) return [];
      const type = root[field.name.value]?.type.toString().replace('!', '') ?? '';
      const members = schema.getType(type)?.astNode;
      if (members?.kind !== Kind.UNION_TYPE_DEFINITION) return [];
      const mayRefuse = members.types?.some(({ name }) => name.value === 'InvalidInput') ?? false;
      const selected = field.selectionSet?.selections.some(
        (inner) => inner.kind === Kind.INLINE_FRAGMENT && inner.typeCondition?.name.value === 'InvalidInput',
      );
      return mayRefuse && selected !== true ? [field.name.value] : [];
    });
  });
}

const tabs = read('../src/flows/index.ts');

describe.each(files)('%s', (name) => {
  const document = parse(read(`../src/flows/${name}`));

  it('is valid against the schema', () => {
    expect(validate(schema, document)).toEqual([]);
  });

  it('shows which fields were refused', () => {
    expect(silentOnInput(document)).toEqual([]);
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

interface Step {
  readonly name: string;
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

/** The steps of the plain console, which is served where the pages are not built. */
const console = `${read('../../../src/http/pages/unbuilt/steps.js')}; JSON.stringify(steps)`;
const steps = JSON.parse(runInNewContext(console) as string) as readonly Step[];

describe.each(steps)('the console: $name', ({ query, variables }) => {
  const document = parse(query);

  it('is valid against the schema, and its variables too', () => {
    expect(validate(schema, document)).toEqual([]);
    const [operation] = document.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('There is no operation.');
    expect(getVariableValues(schema, operation.variableDefinitions ?? [], variables).errors).toBeUndefined();
  });

  it('shows which fields were refused', () => {
    expect(silentOnInput(document)).toEqual([]);
  });
});

it('samples write numbers with a plus, of several countries', () => {
  const numbers = [tabs, JSON.stringify(steps)].join().match(/"?phone"?: ?['"]([^'"]+)['"]/g) ?? [];
  const codes = numbers.map((text) => /['"](\+\d{2})\d+['"]$/.exec(text)?.[1]);
  expect(codes).not.toContain(undefined);
  expect(new Set(codes).size).toBeGreaterThanOrEqual(3);
});
