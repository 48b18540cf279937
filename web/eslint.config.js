import graphql from '@graphql-eslint/eslint-plugin';
import { defineConfig, globalIgnores } from 'eslint/config';
import hooks from 'eslint-plugin-react-hooks';
import typescript from 'typescript-eslint';

const SCHEMA = '../schema.graphql';
const DOCUMENTS = 'client/src/documents/*.graphql';

export default defineConfig([
  globalIgnores(['**/dist/', '**/generated/', 'e2e/artefacts/', 'contract/.docs/']),

  {
    files: ['**/*.{ts,tsx}'],
    extends: [
      typescript.configs.strictTypeChecked,
      typescript.configs.stylisticTypeChecked,
      hooks.configs.flat.recommended,
    ],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-console': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
    },
  },

  {
    // Text catalogues: return types of text functions are obvious.
    files: ['demo/src/texts/*.ts'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },

  {
    files: ['client/src/documents/*.graphql'],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: SCHEMA, documents: DOCUMENTS } },
    },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/operations-all'].rules,
      // Fields are ordered for readability.
      '@graphql-eslint/alphabetize': 'off',
      // One file for each domain of the schema, not one for each operation.
      '@graphql-eslint/match-document-filename': 'off',
      '@graphql-eslint/require-import-fragment': 'off',
      '@graphql-eslint/lone-executable-definition': 'off',
      // `first` has a default, and proofs intentionally have no id.
      '@graphql-eslint/require-selections': 'off',
      '@graphql-eslint/no-one-place-fragments': 'off',
    },
  },

  {
    files: [SCHEMA],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: SCHEMA } } },
    plugins: { '@graphql-eslint': graphql },
    rules: graphql.configs['flat/schema-all'].rules,
  },
]);
