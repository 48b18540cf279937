import type { CodegenConfig } from '@graphql-codegen/cli';
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';

/**
 * Documents and their types, for the client package and everything that uses it.
 *
 * The output is not committed. `schema.graphql` and the documents are, and are what a reviewer reads; whatever follows
 * from them is made again by `npm install`, `build` and `check`, so it has no chance to drift.
 */
const config: CodegenConfig = {
  schema: '../schema.graphql',
  documents: 'client/src/documents/*.graphql',
  generates: {
    'client/src/generated/': {
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
    // Apollo's cache has to be told which types a union holds; urql's has no need to know.
    'client/src/generated/possible-types.ts': {
      plugins: ['fragment-matcher'],
      config: { useExplicitTyping: true },
    },
  },
};

export default config;
