import account from './account.graphql?raw';
import resetPassword from './reset-password.graphql?raw';
import signIn from './sign-in.graphql?raw';
import signUp from './sign-up.graphql?raw';
import verify from './verify.graphql?raw';

export interface Flow {
  readonly query: string;
  readonly variables: string;
  readonly headers: string;
}

/**
 * One tab for each thing that an app does. GraphiQL names a tab after its first operation. Comments are one line
 * each: the editor wraps them to the width that it has.
 */
export const FLOWS: readonly Flow[] = [
  tab(verify, { phone: '010-1234-5678', id: 'ver_…', code: '' }),
  tab(signUp, { phone: '010-1234-5678', id: 'ver_…', code: '', proof: '' }),
  tab(signIn, { phone: '010-1234-5678', id: 'ver_…', code: '', proof: '', refreshToken: null }),
  tab(resetPassword, { id: 'ver_…', code: '', proof: '' }),
  tab(
    account,
    { sessionId: '', phone: '010-8765-4321', id: 'ver_…', code: '', proof: '' },
    { authorization: 'Bearer paste-the-access-token-here' },
  ),
];

function tab(query: string, variables: object, headers: object = { 'accept-language': 'en' }): Flow {
  return { query, variables: JSON.stringify(variables, null, 2), headers: JSON.stringify(headers, null, 2) };
}
