import graphql from '@graphql-eslint/eslint-plugin';
import { defineConfig } from 'eslint/config';

/**
 * For the schema, which is in the parent directory: `npm run check:schema` runs there. All rules and those of Relay, with the
 * exceptions below.
 */
export default defineConfig([
  {
    files: ['schema.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-all'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // Descriptions are required everywhere, including arguments and enum values.
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          rootField: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
          DirectiveDefinition: true,
        },
      ],
      // `User.username` is a single word.
      '@graphql-eslint/no-typename-prefix': 'off',
      // Connections support forward pagination only.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
      // Connections have `nodes` in addition to `edges`, and there is no `Node` interface.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      // Fields are ordered for readability.
      '@graphql-eslint/alphabetize': 'off',
      // The schema has mutations and a subscription.
      '@graphql-eslint/no-root-type': 'off',
      // Refusals are members of the result union, so root fields need not be nullable.
      '@graphql-eslint/require-nullable-result-in-root': 'off',
      // Payloads contain only what changed.
      '@graphql-eslint/require-field-of-type-query-in-mutation-result': 'off',
      // Two mutations may take the same input: `changePhone` and `changeEmail` do.
      '@graphql-eslint/input-name': ['error', { checkInputType: false }],
      // Entities have an id. Values, payloads and refusals do not. Tokens and proofs intentionally have none, because a
      // normalising cache would store them.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            types: [
              ...['Availability', 'Delivery', 'FieldError', 'PageInfo', 'PasswordPolicy', 'Proof', 'TokenPair'],
              'VerificationReportRow',
              ...[
                'InvalidInput',
                'QuotaExceeded',
                'ContactTaken',
                'ContactUnchanged',
                'UsernameTaken',
                'NicknameTaken',
              ],
              ...['IdentityNotFound', 'AccountNotActive', 'AccountLocked', 'CodeMismatch', 'DeliveryRefused'],
              ...['VerificationNotFound', 'VerificationNotPending', 'SessionNotFound', 'UserNotFound'],
              ...['LastAdministrator', 'ReauthenticationRequired', 'DeletionHeldBack', 'UndoConfirmationRequired'],
              ...['ProofRejected', 'PasswordRejected', 'CredentialsRejected', 'RefreshRejected'],
            ],
            suffixes: ['Payload', 'Connection', 'Edge'],
          },
        },
      ],
    },
  },
]);
