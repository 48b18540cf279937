import { readFileSync } from 'node:fs';

import { buildSchema, OverlappingFieldsCanBeMergedRule, parse, validate } from 'graphql';
import { expect, it } from 'vitest';

/** The documents that the server's own check of merged fields is tested with: the verdicts are those of graphql-js. */

interface Cases {
  readonly schema: string;
  readonly documents: readonly { readonly valid: boolean; readonly document: string }[];
}

const file = new URL('../../../tests/fixtures/merging.json', import.meta.url);
const { schema, documents } = JSON.parse(readFileSync(file, 'utf8')) as Cases;

it('has for every document the verdict of graphql-js', () => {
  const built = buildSchema(schema);
  const judged = documents.map(({ document }) => ({
    valid: validate(built, parse(document), [OverlappingFieldsCanBeMergedRule]).length === 0,
    document,
  }));
  expect(judged).toEqual(documents);
});
