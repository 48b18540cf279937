import type { FakeServer } from '@countersign/fake-server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { MeDocument, MySessionsDocument, SignOutDocument, SignUpDocument } from '../src/generated/graphql.ts';
import { VerificationFlow } from '../src/verification/flow.ts';
import type { VerificationState } from '../src/verification/state.ts';
import { page, startServer, WAYS, type Stack } from './support/stacks.ts';

describe.each(WAYS)('$client over $transport', (way) => {
  let server: FakeServer;
  let stack: Stack;
  let flow: VerificationFlow;
  let states: VerificationState[];
  let leave: () => void;

  beforeEach(async () => {
    server = await startServer();
    stack = page(way, server.url);
    flow = new VerificationFlow(stack.wire, { connection: stack.stream.connection });
    states = [];
    leave = flow.subscribe(() => states.push(flow.getState()));
  });
  afterEach(async () => {
    leave();
    stack.session.close();
    await server.goAway();
  });

  const send = (phone = '010-1234-5678'): Promise<VerificationState> =>
    flow.send({ purpose: 'SIGN_UP', to: { phone } });
  const shows = (matching: object): Promise<void> =>
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
    const { signUp: result } = await stack.wire.request(SignUpDocument, { input });
    if (result.__typename !== 'SignUpPayload' || !result.tokens) throw new Error(result.__typename);
    stack.session.signIn({ tokens: result.tokens, deviceToken: result.deviceToken });
  }

  it('shows a delivery as it happens, and ends in a proof', async () => {
    expect(await send()).toMatchObject({ phase: 'waiting', problem: null });
    await shows({ news: 'live', verification: { delivery: { status: 'DELIVERED' } } });
    expect(await flow.confirm(code())).toMatchObject({ phase: 'proved', proof: { purpose: 'SIGN_UP' } });
    expect(server.count('Verification')).toBe(0);
    await vi.waitFor(() => {
      expect(stack.stream.connection.get()).toBe('idle');
    }, 60_000);
  });

  it('shows that a carrier could not deliver', async () => {
    await send('010-1234-0001');
    await shows({ verification: { delivery: { status: 'UNDELIVERED' } } });
  });

  it('counts attempts down until the verification is locked', async () => {
    await send();
    expect((await flow.confirm(wrong())).problem).toMatchObject({ __typename: 'CodeMismatch', attemptsRemaining: 4 });
    for (const _ of [1, 2, 3, 4]) await flow.confirm(wrong());
    await shows({ phase: 'over', verification: { status: 'LOCKED' } });
  });

  it('sees a verification that was canceled elsewhere', async () => {
    await send();
    await shows({ news: 'live' });
    const other = new VerificationFlow(page(way, server.url).wire);
    const { verification } = flow.getState();
    if (verification) other.resume(verification);
    await other.cancel();
    await shows({ phase: 'over', verification: { status: 'CANCELED' } });
  });

  it('tells refusals and failures apart', async () => {
    expect((await send('02-123-4567')).problem).toMatchObject({
      __typename: 'InvalidInput',
      fields: [{ path: 'to.phone', reason: 'not_a_mobile_number' }],
    });
    await server.goAway();
    expect((await send()).problem).toEqual({ __typename: 'Unreachable' });
    await server.comeBack();
    expect(await send()).toMatchObject({ phase: 'waiting' });
  });

  it('goes on after the server was restarted in the middle of a wait', async () => {
    await send();
    await shows({ news: 'live' });
    await server.goAway();
    await shows({ news: 'late', phase: 'waiting' });
    await server.comeBack();
    await shows({ news: 'live' });
    expect(await flow.confirm(code())).toMatchObject({ phase: 'proved' });
  });

  it('renews a refused token once for all that wait for it', async () => {
    await signUp();
    server.house.accounts.forgetAccessTokens();
    const [me, devices] = await Promise.all([
      stack.wire.request(MeDocument, {}),
      stack.wire.request(MySessionsDocument, {}),
      stack.wire.request(MeDocument, {}),
    ]);
    expect(me.me?.username).toBe('hong');
    expect(devices.me?.sessions.nodes).toHaveLength(1);
    expect(server.count('RefreshSession')).toBe(1);
  });

  it('is signed out when the session was ended elsewhere', async () => {
    await signUp();
    server.house.accounts.end([...server.house.accounts.sessions.keys()]);
    await expect(stack.wire.request(SignOutDocument, {})).rejects.toMatchObject({
      failure: { code: 'UNAUTHENTICATED' },
    });
    expect(stack.session.isSignedIn()).toBe(false);
    expect((await stack.wire.request(MeDocument, {})).me).toBeNull();
  });

  it('resumes its streams when the token under them is revoked', async () => {
    await signUp();
    flow.reset();
    await flow.send({ purpose: 'PHONE_CHANGE', to: { phone: '010-8765-4321' } });
    await shows({ news: 'live', phase: 'waiting', verification: { delivery: { status: 'DELIVERED' } } });
    // Twice, since a renewal that was in vain is not tried again.
    for (const renewals of [1, 2]) {
      server.house.accounts.forgetAccessTokens();
      await vi.waitFor(
        () => {
          expect(server.count('RefreshSession')).toBe(renewals);
        },
        { timeout: 60_000 },
      );
      await shows({ news: 'live' });
    }
    expect(await flow.confirm(code())).toMatchObject({ phase: 'proved' });
  });
});
