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
 * Generates typed documents for the client package.
 *
 * The output is not committed. `npm install`, `build` and `check` generate it from `schema.graphql` and the documents.
 */
const config: CodegenConfig = {
  schema: SCHEMA,
  documents: 'client/src/documents/*.graphql',
  hooks: { afterStart: [writeSchemaFiles] },
  generates: {
    [GENERATED]: {
      preset: 'client',
      presetConfig: {
        // The package returns plain data; masking is meant for components within one app.
        fragmentMasking: false,
        // The manifest for a service with `TRUSTED_DOCUMENTS`.
        persistedDocuments: true,
      },
      // Apollo and urql add __typename to every selection, so the types include it as a discriminant.
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
    // Apollo's cache needs the members of unions and interfaces; urql's document cache does not.
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
