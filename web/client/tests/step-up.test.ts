import { beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';

import { UNREACHABLE } from '../src/failure.ts';
import type { AuthenticationMethod } from '../src/generated/graphql.ts';
import { memoryStore } from '../src/session/record.ts';
import { Session } from '../src/session/session.ts';
import { StepUp } from '../src/step-up/step-up.ts';
import { reauthenticationRequiredIn, type ReauthenticationRequired } from '../src/step-up/types.ts';
import { ScriptedAdapter } from './support/scripted-adapter.ts';

const refusal = (...methods: AuthenticationMethod[]): ReauthenticationRequired => ({
  __typename: 'ReauthenticationRequired',
  code: 'REAUTHENTICATION_REQUIRED',
  message: 'Confirm that it is you.',
  methods,
});
const payload = (accessToken: string): object => ({
  reauthenticate: {
    __typename: 'ReauthenticatePayload',
    accessToken,
    expiresIn: 600,
    freshUntil: new Date(Date.now() + 300_000).toISOString(),
  },
});

let adapter: ScriptedAdapter;
let session: Session;
let stepUp: StepUp;

beforeEach(() => {
  adapter = new ScriptedAdapter();
  session = new Session({ renew: () => Promise.reject(new Error('Unexpected renewal.')), store: memoryStore() });
  const tokens = {
    accessToken: 'a',
    expiresIn: 3_600,
    refreshToken: 'r',
    refreshExpiresAt: '2026-01-08T00:00:00.000Z',
  };
  session.signIn({ tokens: { __typename: 'TokenPair', ...tokens }, deviceToken: null });
  stepUp = new StepUp({ adapter, session });
  return () => {
    session.close();
  };
});

/** A mutation that is refused until there is a step-up token. */
const change = vi.fn(() =>
  Promise.resolve({
    changePhone:
      session.stepUpToken() === null ? refusal('PASSWORD', 'PHONE_CODE') : { __typename: 'ChangeContactPayload' },
  }),
);
beforeEach(() => {
  change.mockClear();
});

const prompted = (): Promise<void> =>
  vi.waitFor(() => {
    expect(stepUp.getState().phase).toBe('prompting');
  });

describe('an operation that needs a recent authentication', () => {
  it('is repeated after withPassword', async () => {
    const done = stepUp.run(change);
    await prompted();
    expect(stepUp.getState()).toMatchObject({ methods: ['PASSWORD', 'PHONE_CODE'], busy: false, problem: null });
    const attempt = stepUp.withPassword('Correct-horse-7');
    expect(stepUp.getState().busy).toBe(true);
    expect(adapter.last).toMatchObject({
      name: 'Reauthenticate',
      variables: { input: { password: 'Correct-horse-7' } },
    });
    adapter.last.answer(payload('fresh'));
    expect((await attempt).phase).toBe('idle');
    expect(await done).toEqual({ changePhone: { __typename: 'ChangeContactPayload' } });
    expect(change).toHaveBeenCalledTimes(2);
    expect(session.stepUpToken()).toBe('fresh');
  });

  it('is repeated after withProof', async () => {
    const done = stepUp.run(change);
    await prompted();
    void stepUp.withProof('f'.repeat(64));
    expect(adapter.last.variables).toEqual({ input: { proofToken: 'f'.repeat(64) } });
    adapter.last.answer(payload('fresh'));
    expect(await done).toMatchObject({ changePhone: { __typename: 'ChangeContactPayload' } });
  });

  it('runs once if the authentication is recent', async () => {
    session.setStepUpToken({ accessToken: 'fresh', expiresIn: 600, freshUntil: '2099-01-01T00:00:00.000Z' });
    await stepUp.run(change);
    expect(change).toHaveBeenCalledOnce();
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('resolves with the refusal if the user cancels', async () => {
    const done = stepUp.run(change);
    await prompted();
    stepUp.cancel();
    expect(await done).toEqual({ changePhone: refusal('PASSWORD', 'PHONE_CODE') });
    expect(change).toHaveBeenCalledOnce();
  });

  it('resolves with the refusal if the account has no method', async () => {
    const problem = refusal();
    expect(await stepUp.run(() => Promise.resolve({ problem }))).toEqual({ problem });
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('prompts once if the repetition is refused as well', async () => {
    const always = vi.fn(() => Promise.resolve({ data: { changePhone: refusal('PASSWORD') } }));
    const done = stepUp.run(always);
    await prompted();
    void stepUp.withPassword('Correct-horse-7');
    adapter.last.answer(payload('fresh'));
    expect(await done).toEqual({ data: { changePhone: refusal('PASSWORD') } });
    expect(always).toHaveBeenCalledTimes(2);
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('shares one authentication with other operations', async () => {
    const both = Promise.all([stepUp.run(change), stepUp.run(change)]);
    await prompted();
    void stepUp.withPassword('Correct-horse-7');
    adapter.last.answer(payload('fresh'));
    await both;
    expect(adapter.requests).toHaveLength(1);
    expect(change).toHaveBeenCalledTimes(4);
  });

  it('is repeated without a prompt if another operation obtained a step-up token', async () => {
    let answer: (refused: object) => void = () => undefined;
    const slow = vi.fn(() => new Promise<object>((resolve) => (answer = resolve)));
    const done = stepUp.run(slow);
    session.setStepUpToken({ accessToken: 'fresh', expiresIn: 600, freshUntil: '2099-01-01T00:00:00.000Z' });
    answer({ changePhone: refusal('PASSWORD') });
    await vi.waitFor(() => {
      expect(slow).toHaveBeenCalledTimes(2);
    });
    answer({ changePhone: { __typename: 'ChangeContactPayload' } });
    expect(await done).toMatchObject({ changePhone: { __typename: 'ChangeContactPayload' } });
    expect(adapter.requests).toHaveLength(0);
  });

  it('deletes a step-up token that is no longer fresh', async () => {
    session.setStepUpToken({ accessToken: 'old', expiresIn: 600, freshUntil: '2099-01-01T00:00:00.000Z' });
    void stepUp.run(() => Promise.resolve({ changePhone: refusal('PASSWORD') }));
    await prompted();
    expect(session.stepUpToken()).toBeNull();
    stepUp.cancel();
  });

  it('resolves with the refusal if the session ends', async () => {
    const done = stepUp.run(change);
    await prompted();
    session.signOut();
    expect(await done).toMatchObject({ changePhone: { __typename: 'ReauthenticationRequired' } });
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('rejects with the error of the operation', async () => {
    await expect(stepUp.run(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
  });

  it('keeps the result type', () => {
    expectTypeOf(stepUp.run(() => Promise.resolve(7))).resolves.toEqualTypeOf<number>();
  });
});

describe('an attempt', () => {
  beforeEach(async () => {
    void stepUp.run(change);
    await prompted();
  });

  it('reports a refusal and can be repeated', async () => {
    const wrong = { __typename: 'CredentialsRejected', code: 'CREDENTIALS_REJECTED', message: 'Wrong.' };
    const attempt = stepUp.withPassword('Wrong-horse-7');
    adapter.last.answer({ reauthenticate: wrong });
    expect(await attempt).toMatchObject({
      phase: 'prompting',
      busy: false,
      problem: wrong,
      methods: ['PASSWORD', 'PHONE_CODE'],
    });
    void stepUp.withPassword('Correct-horse-7');
    expect(stepUp.getState().problem).toBeNull();
    adapter.last.answer(payload('fresh'));
    await vi.waitFor(() => {
      expect(stepUp.getState().phase).toBe('idle');
    });
  });

  it('updates the methods after a refusal', async () => {
    const attempt = stepUp.withProof('f'.repeat(64));
    adapter.last.answer({ reauthenticate: refusal('PASSWORD') });
    expect(await attempt).toMatchObject({ methods: ['PASSWORD'], problem: { __typename: 'ReauthenticationRequired' } });
  });

  it('can be repeated after a lost response', async () => {
    const attempt = stepUp.withPassword('Correct-horse-7');
    adapter.last.fail(UNREACHABLE);
    expect(await attempt).toMatchObject({ phase: 'prompting', busy: false, problem: UNREACHABLE });
  });

  it('runs once on a double click', () => {
    void stepUp.withPassword('Correct-horse-7');
    void stepUp.withPassword('Correct-horse-7');
    expect(adapter.requests).toHaveLength(1);
  });

  it('is ignored if its response arrives after a cancel', async () => {
    const attempt = stepUp.withPassword('Correct-horse-7');
    stepUp.cancel();
    adapter.last.answer(payload('fresh'));
    await attempt;
    expect(session.stepUpToken()).toBeNull();
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('does nothing without a waiting operation', async () => {
    stepUp.cancel();
    expect((await stepUp.withPassword('Correct-horse-7')).phase).toBe('idle');
    expect(adapter.requests).toHaveLength(0);
  });
});

describe('reauthenticationRequiredIn', () => {
  const found = refusal('PASSWORD');
  it.each([
    ['data', { changePhone: found }],
    ['a result around data', { data: { changePhone: found }, error: undefined }],
    ['the state of a flow', { phase: 'idle', problem: found }],
    ['itself', found],
  ])('finds it in %s', (_where, result) => {
    expect(reauthenticationRequiredIn(result)).toBe(found);
  });

  it.each([
    [null],
    [undefined],
    ['text'],
    [{ data: null }],
    [{ data: { changePhone: { __typename: 'ContactTaken' } } }],
  ])('finds none in %j', (result) => {
    expect(reauthenticationRequiredIn(result)).toBeNull();
  });
});
