import type { FakeServer } from '@countersign/fake-server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { MeDocument, MySessionsDocument, SignOutDocument, SignUpDocument } from '../src/generated/graphql.ts';
import { VerificationFlow } from '../src/verification/flow.ts';
import type { VerificationState } from '../src/verification/state.ts';
import { page, startServer, STACKS, type Stack } from './support/stacks.ts';

describe.each(STACKS)('$client over $transport', (variant) => {
  let server: FakeServer;
  let stack: Stack;
  let flow: VerificationFlow;
  let states: VerificationState[];
  let unsubscribe: () => void;

  beforeEach(async () => {
    server = await startServer();
    stack = page(variant, server.url);
    flow = new VerificationFlow(stack.adapter, { connection: stack.stream.connection });
    states = [];
    unsubscribe = flow.subscribe(() => states.push(flow.getState()));
  });
  afterEach(async () => {
    unsubscribe();
    stack.session.close();
    await server.close();
  });

  const send = (phone = '010-1234-5678'): Promise<VerificationState> =>
    flow.send({ purpose: 'SIGN_UP', to: { phone } });
  const waitForState = (matching: object): Promise<void> =>
    vi.waitFor(
      () => {
        expect(flow.getState()).toMatchObject(matching);
      },
      { timeout: 60_000 },
    );
  const code = (): string => server.outbox[0]?.code ?? '';
  const wrong = (): string => (code() === '000000' ? '000001' : '000000');

  async function signUp(): Promise<void> {
    await send();
    const { proof } = await flow.confirm(code());
    const input = { proofToken: proof?.token ?? '', username: 'hong', password: 'correct horse 1' };
    const { signUp: result } = await stack.adapter.request(SignUpDocument, { input });
    if (result.__typename !== 'SignUpPayload' || !result.tokens) throw new Error(result.__typename);
    stack.session.signIn({ tokens: result.tokens, deviceToken: result.deviceToken });
  }

  it('shows delivery updates and returns the proof', async () => {
    expect(await send()).toMatchObject({ phase: 'waiting', problem: null });
    await waitForState({ updates: 'live', verification: { delivery: { status: 'DELIVERED' } } });
    expect(await flow.confirm(code())).toMatchObject({ phase: 'proved', proof: { purpose: 'SIGN_UP' } });
    expect(server.count('Verification')).toBe(0);
    await vi.waitFor(() => {
      expect(stack.stream.connection.get()).toBe('idle');
    }, 60_000);
  });

  it('shows an undelivered message', async () => {
    await send('010-1234-0001');
    await waitForState({ verification: { delivery: { status: 'UNDELIVERED' } } });
  });

  it('counts down the attempts until the verification is locked', async () => {
    await send();
    expect((await flow.confirm(wrong())).problem).toMatchObject({ __typename: 'CodeMismatch', attemptsRemaining: 4 });
    for (const _ of [1, 2, 3, 4]) await flow.confirm(wrong());
    await waitForState({ phase: 'ended', verification: { status: 'LOCKED' } });
  });

  it('shows a verification that was canceled elsewhere', async () => {
    await send();
    await waitForState({ updates: 'live' });
    const other = new VerificationFlow(page(variant, server.url).adapter);
    const { verification } = flow.getState();
    if (verification) other.resume(verification);
    await other.cancel();
    await waitForState({ phase: 'ended', verification: { status: 'CANCELED' } });
  });

  it('distinguishes refusals and failures', async () => {
    expect((await send('02-123-4567')).problem).toMatchObject({
      __typename: 'InvalidInput',
      fields: [{ path: 'to.phone', reason: 'not_a_mobile_number' }],
    });
    await server.close();
    expect((await send()).problem).toEqual({ __typename: 'Unreachable' });
    await server.listen();
    expect(await send()).toMatchObject({ phase: 'waiting' });
  });

  it('reconnects after a restart of the server', async () => {
    await send();
    await waitForState({ updates: 'live' });
    await server.close();
    await waitForState({ updates: 'reconnecting', phase: 'waiting' });
    await server.listen();
    await waitForState({ updates: 'live' });
    expect(await flow.confirm(code())).toMatchObject({ phase: 'proved' });
  });

  it('renews a rejected token once for concurrent requests', async () => {
    await signUp();
    server.state.accounts.revokeAccessTokens();
    const [me, devices] = await Promise.all([
      stack.adapter.request(MeDocument, {}),
      stack.adapter.request(MySessionsDocument, {}),
      stack.adapter.request(MeDocument, {}),
    ]);
    expect(me.me?.username).toBe('hong');
    expect(devices.me?.sessions.nodes).toHaveLength(1);
    expect(server.count('RefreshSession')).toBe(1);
  });

  it('is signed out if the session was ended elsewhere', async () => {
    await signUp();
    server.state.accounts.endSessions([...server.state.accounts.sessions.keys()]);
    await expect(stack.adapter.request(SignOutDocument, {})).rejects.toMatchObject({
      failure: { code: 'UNAUTHENTICATED' },
    });
    expect(stack.session.isSignedIn()).toBe(false);
    expect((await stack.adapter.request(MeDocument, {})).me).toBeNull();
  });

  it('resumes streams after their token is revoked', async () => {
    await signUp();
    flow.reset();
    await flow.send({ purpose: 'PHONE_CHANGE', to: { phone: '010-8765-4321' } });
    await waitForState({ updates: 'live', phase: 'waiting', verification: { delivery: { status: 'DELIVERED' } } });
    // Twice, because a renewal is not repeated until a result has arrived.
    for (const renewals of [1, 2]) {
      server.state.accounts.revokeAccessTokens();
      await vi.waitFor(
        () => {
          expect(server.count('RefreshSession')).toBe(renewals);
        },
        { timeout: 60_000 },
      );
      await waitForState({ updates: 'live' });
    }
    expect(await flow.confirm(code())).toMatchObject({ phase: 'proved' });
  });
});
