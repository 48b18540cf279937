import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

import type { CodegenConfig } from '@graphql-codegen/cli';
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';
import { buildSchema, introspectionFromSchema } from 'graphql';

const SCHEMA = '../schema.graphql';
const GENERATED = 'client/src/generated/';

/** The schema as files of the package: for the codegen of an app, and as introspection for urql's Graphcache. */
function writeSchemaFiles(): void {
  const sdl = readFileSync(SCHEMA, 'utf8');
  mkdirSync(GENERATED, { recursive: true });
  writeFileSync(`${GENERATED}schema.graphql`, sdl);
  const introspection = introspectionFromSchema(buildSchema(sdl), { descriptions: false });
  writeFileSync(`${GENERATED}introspection.json`, `${JSON.stringify(introspection)}\n`);
}

/**
 * Documents and their types, for the client package and everything that uses it.
 *
 * The output is not committed. `schema.graphql` and the documents are, and are what a reviewer reads; whatever follows
 * from them is made again by `npm install`, `build` and `check`, so it has no chance to drift.
 */
const config: CodegenConfig = {
  schema: SCHEMA,
  documents: 'client/src/documents/*.graphql',
  hooks: { afterStart: [writeSchemaFiles] },
  generates: {
    [GENERATED]: {
      preset: 'client',
      presetConfig: {
        // A package hands out plain data; masking is for the components of one app.
        fragmentMasking: false,
        // The manifest that a server with trusted documents reads.
        persistedDocuments: true,
      },
      // Apollo and urql both ask for __typename; the types say so, and every union can be told apart.
      documentTransforms: [addTypenameSelectionDocumentTransform],
      config: {
        strictScalars: true,
        scalars: { ID: 'string', Date: 'string', DateTime: 'string', EmailAddress: 'string', PhoneNumber: 'string' },
        defaultScalarType: 'unknown',
        enumsAsTypes: true,
        immutableTypes: true,
        useTypeImports: true,
        importExtension: '.ts',
        avoidOptionals: { field: true, object: true },
        dedupeFragments: true,
      },
    },
    // Apollo's cache needs to know which types belong to a union or an interface; urql's document cache does not.
    [`${GENERATED}possible-types.ts`]: {
      plugins: ['fragment-matcher'],
      config: { useExplicitTyping: true },
    },
    // The same for apps that create their `InMemoryCache` themselves.
    [`${GENERATED}possible-types.json`]: {
      plugins: ['fragment-matcher'],
    },
  },
};

export default config;
