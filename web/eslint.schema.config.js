import graphql from '@graphql-eslint/eslint-plugin';
import { defineConfig } from 'eslint/config';

/**
 * For the schema, which stands above this folder: `npm run check:schema` runs from there. Every rule that there is, and
 * those of Relay, but for what the contract decides otherwise.
 */
export default defineConfig([
  {
    files: ['schema.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-all'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // Everything is described, down to the last argument and enum value.
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
      // `User.username` is a word of its own.
      '@graphql-eslint/no-typename-prefix': 'off',
      // Pages go forward; nobody walks backwards through devices or verifications.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
      // `nodes` stands beside `edges`, and nothing is fetched by a global id.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      // Fields stand in the order in which a person reads them.
      '@graphql-eslint/alphabetize': 'off',
      // There are mutations and a subscription.
      '@graphql-eslint/no-root-type': 'off',
      // A refusal is a member of the result union, so a root field has no need of null to say that it failed.
      '@graphql-eslint/require-nullable-result-in-root': 'off',
      // A payload names what changed; whoever wants more asks for it.
      '@graphql-eslint/require-field-of-type-query-in-mutation-result': 'off',
      // Two mutations may take the same input: `changePhone` and `changeEmail` do.
      '@graphql-eslint/input-name': ['error', { checkInputType: false }],
      // What has an identity has an id. Values, payloads and refusals have none, tokens and proofs on purpose: a
      // normalising cache would keep them.
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
