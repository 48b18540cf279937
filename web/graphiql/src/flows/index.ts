import account from './account.graphql?raw';
import resetPassword from './reset-password.graphql?raw';
import signIn from './sign-in.graphql?raw';
import signUp from './sign-up.graphql?raw';
import verify from './verify.graphql?raw';

export interface Flow {
  /** The id of the tab in GraphiQL, stable across visits. */
  readonly id: string;
  readonly title: string;
  readonly query: string;
  readonly variables: string;
  readonly headers: string;
}

/**
 * One tab for each flow. Comments are on one line, because the editor wraps them to its width. `Autofill` fills in ids, codes and
 * tokens by variable name.
 */
export const FLOWS: readonly Flow[] = [
  tab('Verify a contact', verify, { phone: '+14155552671', id: 'ver_…', code: '' }),
  tab('Sign up', signUp, { phone: '+4915112345678', id: 'ver_…', code: '', proof: '' }),
  tab('Sign in', signIn, { phone: '+4915112345678', id: 'ver_…', code: '', proof: '', refreshToken: null }),
  tab('Reset the password', resetPassword, { phone: '+4915112345678', id: 'ver_…', code: '', proof: '' }),
  tab(
    'Account',
    account,
    { sessionId: '', phone: '+33612345678', id: 'ver_…', code: '', proof: '' },
    { authorization: 'Bearer (filled in after a sign-in)' },
  ),
];

function tab(title: string, query: string, variables: object, headers: object = { 'accept-language': 'en' }): Flow {
  const id = `flow-${title.toLowerCase().replaceAll(' ', '-')}`;
  return { id, title, query, variables: JSON.stringify(variables, null, 2), headers: JSON.stringify(headers, null, 2) };
}
