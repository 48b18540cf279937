import type { FakeServer } from '@countersign/fake-server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import {
  ChangePhoneDocument,
  DeleteAccountDocument,
  MeDocument,
  SignUpDocument,
  type ChangePhoneMutation,
} from '../src/generated/graphql.ts';
import { StepUp } from '../src/step-up/step-up.ts';
import { VerificationFlow } from '../src/verification/flow.ts';
import { page, startServer, STACKS, type Stack } from './support/stacks.ts';

const PHONE = '010-1234-5678';
const NEXT = '010-8765-4321';

describe.each(STACKS)('step-up with $client over $transport', (variant) => {
  let server: FakeServer;
  let stack: Stack;
  let stepUp: StepUp;

  beforeEach(async () => {
    server = await startServer({ reauthMaxAgeSeconds: 0 });
    stack = page(variant, server.url);
    stepUp = new StepUp({ adapter: stack.adapter, session: stack.session });
    const proofToken = await proofOf('SIGN_UP', PHONE);
    const input = { proofToken, username: 'hong', password: 'correct horse 1' };
    const { signUp: result } = await stack.adapter.request(SignUpDocument, { input });
    if (result.__typename !== 'SignUpPayload' || !result.tokens) throw new Error(result.__typename);
    stack.session.signIn({ tokens: result.tokens, deviceToken: result.deviceToken });
  });
  afterEach(async () => {
    stack.session.close();
    await server.close();
  });

  async function proofOf(purpose: 'SIGN_UP' | 'STEP_UP' | 'PHONE_CHANGE', phone: string): Promise<string> {
    const flow = new VerificationFlow(stack.adapter);
    await stepUp.run(() => flow.send({ purpose, to: { phone } }));
    const { proof } = await flow.confirm(server.outbox[0]?.code ?? '');
    return proof?.token ?? '';
  }
  const prompted = (): Promise<void> =>
    vi.waitFor(() => {
      expect(stepUp.getState()).toMatchObject({ phase: 'prompting', methods: ['PASSWORD', 'PHONE_CODE'] });
    });
  const changePhone = (proofToken: string): Promise<ChangePhoneMutation> =>
    stepUp.run(() => stack.adapter.request(ChangePhoneDocument, { input: { proofToken } }));
  /** The access tokens that an operation was sent with, in order. */
  const sentWith = (name: string): (string | undefined)[] =>
    server.requests.filter(({ operationName }) => operationName === name).map(({ authorization }) => authorization);

  it('prompts before the code is sent and not again for the change', async () => {
    const messages = server.outbox.length;
    const proof = proofOf('PHONE_CHANGE', NEXT);
    await prompted();
    expect(server.outbox).toHaveLength(messages);
    await stepUp.withPassword('wrong horse 1');
    expect(stepUp.getState().problem?.__typename).toBe('CredentialsRejected');
    await stepUp.withPassword('correct horse 1');
    const { changePhone: result } = await changePhone(await proof);
    expect(result.__typename).toBe('ChangeContactPayload');
    expect(server.count('Reauthenticate')).toBe(2);
    expect(server.count('ChangePhone')).toBe(1);
  });

  it('accepts a code sent to a contact of the account', async () => {
    const proof = proofOf('PHONE_CHANGE', NEXT);
    await prompted();
    await stepUp.withProof(await proofOf('STEP_UP', PHONE));
    expect(await changePhone(await proof)).toMatchObject({ changePhone: { __typename: 'ChangeContactPayload' } });
  });

  it('sends the step-up token with mutations only and keeps the session tokens', async () => {
    const proof = proofOf('PHONE_CHANGE', NEXT);
    await prompted();
    await stepUp.withPassword('correct horse 1');
    await proof;
    const [before, after] = sentWith('SendVerificationCode').slice(-2);
    expect(after).not.toBe(before);
    await stack.adapter.request(MeDocument, {});
    expect(sentWith('Me')).toEqual([before]);
    expect(server.count('RefreshSession')).toBe(0);
  });

  it('repeats deleteAccount', async () => {
    const done = stepUp.run(() => stack.adapter.request(DeleteAccountDocument, { input: {} }));
    await prompted();
    await stepUp.withPassword('correct horse 1');
    expect(await done).toMatchObject({ deleteAccount: { __typename: 'DeleteAccountPayload' } });
  });

  it('renews the session after a rejected step-up token', async () => {
    const proof = proofOf('PHONE_CHANGE', NEXT);
    await prompted();
    await stepUp.withPassword('correct horse 1');
    const proofToken = await proof;
    server.state.accounts.revokeAccessTokens();
    const done = changePhone(proofToken);
    // The access token was renewed; its authentication is not recent.
    await prompted();
    expect(server.count('RefreshSession')).toBe(1);
    server.state.accounts.endSessions([...server.state.accounts.sessions.keys()]);
    await stepUp.withPassword('correct horse 1');
    expect(await done).toMatchObject({ changePhone: { __typename: 'ReauthenticationRequired' } });
    expect(stack.session.isSignedIn()).toBe(false);
  });
});
