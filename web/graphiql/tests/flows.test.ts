import { readdirSync, readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';

import { buildSchema, getVariableValues, Kind, parse, validate, type DocumentNode } from 'graphql';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const schema = buildSchema(read('../../../schema.graphql'));
const files = readdirSync(new URL('../src/flows', import.meta.url)).filter((name) => name.endsWith('.graphql'));
/** Root fields that may return `InvalidInput` but do not select its fields. */
function fieldsWithoutInputErrors(document: DocumentNode): readonly string[] {
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

  it('selects the fields of InvalidInput', () => {
    expect(fieldsWithoutInputErrors(document)).toEqual([]);
  });

  it('is used by a tab', () => {
    expect(tabs).toContain(`'./${name}?raw'`);
  });

  it('names every operation', () => {
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

/** The steps of the plain console, which is served without built pages. */
const console = `${read('../../../src/http/pages/unbuilt/steps.js')}; JSON.stringify(steps)`;
const steps = JSON.parse(runInNewContext(console) as string) as readonly Step[];

describe.each(steps)('plain console: $name', ({ query, variables }) => {
  const document = parse(query);

  it('is valid against the schema, including its variables', () => {
    expect(validate(schema, document)).toEqual([]);
    const [operation] = document.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('The document has no operation.');
    expect(getVariableValues(schema, operation.variableDefinitions ?? [], variables).errors).toBeUndefined();
  });

  it('selects the fields of InvalidInput', () => {
    expect(fieldsWithoutInputErrors(document)).toEqual([]);
  });
});

it('samples use international phone numbers of several countries', () => {
  const numbers = [tabs, JSON.stringify(steps)].join().match(/"?phone"?: ?['"]([^'"]+)['"]/g) ?? [];
  const codes = numbers.map((text) => /['"](\+\d{2})\d+['"]$/.exec(text)?.[1]);
  expect(codes).not.toContain(undefined);
  expect(new Set(codes).size).toBeGreaterThanOrEqual(3);
});
