import { beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';

import { UNREACHABLE } from '../src/failure.ts';
import type { AuthenticationMethod } from '../src/generated/graphql.ts';
import { memoryStore } from '../src/session/record.ts';
import { Session } from '../src/session/session.ts';
import { StepUp } from '../src/step-up/step-up.ts';
import { reauthenticationRequiredIn, type ReauthenticationRequired } from '../src/step-up/types.ts';
import { ScriptedWire } from './support/scripted-wire.ts';

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

let wire: ScriptedWire;
let session: Session;
let stepUp: StepUp;

beforeEach(() => {
  wire = new ScriptedWire();
  session = new Session({ renew: () => Promise.reject(new Error('Nothing expires here.')), store: memoryStore() });
  const tokens = {
    accessToken: 'a',
    expiresIn: 3_600,
    refreshToken: 'r',
    refreshExpiresAt: '2026-01-08T00:00:00.000Z',
  };
  session.signIn({ tokens: { __typename: 'TokenPair', ...tokens }, deviceToken: null });
  stepUp = new StepUp({ wire, session });
  return () => {
    session.close();
  };
});

/** A mutation of an app: refused until it carries a recent authentication. */
const change = vi.fn(() =>
  Promise.resolve({
    changePhone:
      session.elevatedBearer() === null ? refusal('PASSWORD', 'PHONE_CODE') : { __typename: 'ChangeContactPayload' },
  }),
);
beforeEach(() => {
  change.mockClear();
});

const asking = (): Promise<void> =>
  vi.waitFor(() => {
    expect(stepUp.getState().phase).toBe('asking');
  });

describe('an operation that needs a recent authentication', () => {
  it('is repeated after the password', async () => {
    const done = stepUp.run(change);
    await asking();
    expect(stepUp.getState()).toMatchObject({ methods: ['PASSWORD', 'PHONE_CODE'], busy: false, problem: null });
    const attempt = stepUp.withPassword('Correct-horse-7');
    expect(stepUp.getState().busy).toBe(true);
    expect(wire.last).toMatchObject({ name: 'Reauthenticate', variables: { input: { password: 'Correct-horse-7' } } });
    wire.last.answer(payload('fresh'));
    expect((await attempt).phase).toBe('idle');
    expect(await done).toEqual({ changePhone: { __typename: 'ChangeContactPayload' } });
    expect(change).toHaveBeenCalledTimes(2);
    expect(session.elevatedBearer()).toBe('fresh');
  });

  it('is repeated after a code', async () => {
    const done = stepUp.run(change);
    await asking();
    void stepUp.withProof('f'.repeat(64));
    expect(wire.last.variables).toEqual({ input: { proofToken: 'f'.repeat(64) } });
    wire.last.answer(payload('fresh'));
    expect(await done).toMatchObject({ changePhone: { __typename: 'ChangeContactPayload' } });
  });

  it('runs once where the authentication is recent', async () => {
    session.elevate({ accessToken: 'fresh', expiresIn: 600, freshUntil: '2099-01-01T00:00:00.000Z' });
    await stepUp.run(change);
    expect(change).toHaveBeenCalledOnce();
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('comes back refused where the person cancels', async () => {
    const done = stepUp.run(change);
    await asking();
    stepUp.cancel();
    expect(await done).toEqual({ changePhone: refusal('PASSWORD', 'PHONE_CODE') });
    expect(change).toHaveBeenCalledOnce();
  });

  it('comes back refused where the account has no method to offer', async () => {
    const problem = refusal();
    expect(await stepUp.run(() => Promise.resolve({ problem }))).toEqual({ problem });
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('is not asked for twice where the repetition is refused as well', async () => {
    const always = vi.fn(() => Promise.resolve({ data: { changePhone: refusal('PASSWORD') } }));
    const done = stepUp.run(always);
    await asking();
    void stepUp.withPassword('Correct-horse-7');
    wire.last.answer(payload('fresh'));
    expect(await done).toEqual({ data: { changePhone: refusal('PASSWORD') } });
    expect(always).toHaveBeenCalledTimes(2);
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('waits together with others for one authentication', async () => {
    const both = Promise.all([stepUp.run(change), stepUp.run(change)]);
    await asking();
    void stepUp.withPassword('Correct-horse-7');
    wire.last.answer(payload('fresh'));
    await both;
    expect(wire.asked).toHaveLength(1);
    expect(change).toHaveBeenCalledTimes(4);
  });

  it('is repeated without asking where another one brought the authentication meanwhile', async () => {
    let answer: (refused: object) => void = () => undefined;
    const slow = vi.fn(() => new Promise<object>((resolve) => (answer = resolve)));
    const done = stepUp.run(slow);
    session.elevate({ accessToken: 'fresh', expiresIn: 600, freshUntil: '2099-01-01T00:00:00.000Z' });
    answer({ changePhone: refusal('PASSWORD') });
    await vi.waitFor(() => {
      expect(slow).toHaveBeenCalledTimes(2);
    });
    answer({ changePhone: { __typename: 'ChangeContactPayload' } });
    expect(await done).toMatchObject({ changePhone: { __typename: 'ChangeContactPayload' } });
    expect(wire.asked).toHaveLength(0);
  });

  it('forgets an authentication that the service counts no more', async () => {
    session.elevate({ accessToken: 'old', expiresIn: 600, freshUntil: '2099-01-01T00:00:00.000Z' });
    void stepUp.run(() => Promise.resolve({ changePhone: refusal('PASSWORD') }));
    await asking();
    expect(session.elevatedBearer()).toBeNull();
    stepUp.cancel();
  });

  it('is let go when the session ends', async () => {
    const done = stepUp.run(change);
    await asking();
    session.signOut();
    expect(await done).toMatchObject({ changePhone: { __typename: 'ReauthenticationRequired' } });
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('fails as it would have without', async () => {
    await expect(stepUp.run(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
  });

  it('keeps its type', () => {
    expectTypeOf(stepUp.run(() => Promise.resolve(7))).resolves.toEqualTypeOf<number>();
  });
});

describe('an attempt', () => {
  beforeEach(async () => {
    void stepUp.run(change);
    await asking();
  });

  it('that is refused says why, and leaves room for another', async () => {
    const wrong = { __typename: 'CredentialsRejected', code: 'CREDENTIALS_REJECTED', message: 'Wrong.' };
    const attempt = stepUp.withPassword('Wrong-horse-7');
    wire.last.answer({ reauthenticate: wrong });
    expect(await attempt).toMatchObject({
      phase: 'asking',
      busy: false,
      problem: wrong,
      methods: ['PASSWORD', 'PHONE_CODE'],
    });
    void stepUp.withPassword('Correct-horse-7');
    expect(stepUp.getState().problem).toBeNull();
    wire.last.answer(payload('fresh'));
    await vi.waitFor(() => {
      expect(stepUp.getState().phase).toBe('idle');
    });
  });

  it('by a contact that does not count offers what does', async () => {
    const attempt = stepUp.withProof('f'.repeat(64));
    wire.last.answer({ reauthenticate: refusal('PASSWORD') });
    expect(await attempt).toMatchObject({ methods: ['PASSWORD'], problem: { __typename: 'ReauthenticationRequired' } });
  });

  it('that is lost can be made again', async () => {
    const attempt = stepUp.withPassword('Correct-horse-7');
    wire.last.fail(UNREACHABLE);
    expect(await attempt).toMatchObject({ phase: 'asking', busy: false, problem: UNREACHABLE });
  });

  it('is made once for a double click', () => {
    void stepUp.withPassword('Correct-horse-7');
    void stepUp.withPassword('Correct-horse-7');
    expect(wire.asked).toHaveLength(1);
  });

  it('that was canceled changes nothing when its answer comes', async () => {
    const attempt = stepUp.withPassword('Correct-horse-7');
    stepUp.cancel();
    wire.last.answer(payload('fresh'));
    await attempt;
    expect(session.elevatedBearer()).toBeNull();
    expect(stepUp.getState().phase).toBe('idle');
  });

  it('is nothing where no operation waits', async () => {
    stepUp.cancel();
    expect((await stepUp.withPassword('Correct-horse-7')).phase).toBe('idle');
    expect(wire.asked).toHaveLength(0);
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
