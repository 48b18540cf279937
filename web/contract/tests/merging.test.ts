import { readFileSync } from 'node:fs';

import { buildSchema, OverlappingFieldsCanBeMergedRule, parse, validate } from 'graphql';
import { expect, it } from 'vitest';

/** The server's field merging check is tested with these documents. Their expected results are those of graphql-js. */

interface Cases {
  readonly schema: string;
  readonly documents: readonly { readonly valid: boolean; readonly document: string }[];
}

const file = new URL('../../../crates/graphql-http/tests/fixtures/merging.json', import.meta.url);
const { schema, documents } = JSON.parse(readFileSync(file, 'utf8')) as Cases;

it('the expected results match graphql-js', () => {
  const built = buildSchema(schema);
  const results = documents.map(({ document }) => ({
    valid: validate(built, parse(document), [OverlappingFieldsCanBeMergedRule]).length === 0,
    document,
  }));
  expect(results).toEqual(documents);
});
