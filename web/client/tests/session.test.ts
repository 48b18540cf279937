import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { UNREACHABLE, WireError } from '../src/failure.ts';
import { memoryStore, type KeyValueStore } from '../src/session/record.ts';
import type { Renewal } from '../src/session/refresh.ts';
import { Session, type SignedIn } from '../src/session/session.ts';
import type { TokenPair } from '../src/session/tokens.ts';
import { fakeLocks } from './support/locks.ts';

const tokens = (name: string, expiresIn = 3_600): TokenPair => ({
  __typename: 'TokenPair',
  accessToken: `access-${name}`,
  expiresIn,
  refreshToken: `refresh-${name}`,
  refreshExpiresAt: '2026-01-08T00:00:00.000Z',
});
const signedIn = (name: string): SignedIn => ({ tokens: tokens(name), deviceToken: `device-${name}` });
const renewed = (name: string, expiresIn?: number): Renewal => ({ type: 'renewed', tokens: tokens(name, expiresIn) });

const open: Session[] = [];
let store: KeyValueStore;
let renew: ReturnType<typeof vi.fn<(refreshToken: string | null) => Promise<Renewal>>>;
let name = 0;

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeLocks() });
  store = memoryStore();
  renew = vi.fn(() => Promise.resolve(renewed('2')));
  name += 1;
});
afterEach(() => {
  for (const session of open.splice(0)) session.close();
});

/** One more tab of the same browser. */
function tab(): Session {
  const session = new Session({ renew, store, name: `test-${String(name)}` });
  open.push(session);
  return session;
}

const heard = (session: Session, signedIn: boolean): Promise<void> =>
  vi.waitFor(() => {
    expect(session.isSignedIn()).toBe(signedIn);
  }, 60_000);

describe('one tab', () => {
  it('is nobody at first', async () => {
    expect(tab().isSignedIn()).toBe(false);
    expect(await tab().bearer()).toBeNull();
    expect(renew).not.toHaveBeenCalled();
  });

  it('uses the token of a sign-in until it is about to expire', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    expect(await session.bearer()).toBe('access-1');
    vi.useFakeTimers({ now: Date.now() + 3_590_000, toFake: ['Date'] });
    expect(await session.bearer()).toBe('access-2');
    expect(renew).toHaveBeenCalledExactlyOnceWith('refresh-1');
    vi.useRealTimers();
  });

  it('renews once, however many requests were refused', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    const all = await Promise.all(['access-1', 'access-1', 'access-1'].map((refused) => session.renew(refused)));
    expect(all).toEqual(['access-2', 'access-2', 'access-2']);
    expect(await session.renew('access-1')).toBe('access-2');
    expect(renew).toHaveBeenCalledOnce();
  });

  it('stays signed in when the service could not be reached', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    renew.mockRejectedValueOnce(new WireError(UNREACHABLE));
    await expect(session.renew('access-1')).rejects.toThrow('No answer came');
    expect(session.isSignedIn()).toBe(true);
    expect(await session.renew('access-1')).toBe('access-2');
  });

  it('is over when the service says so, and knows why', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    renew.mockResolvedValueOnce({ type: 'ended', reason: 'REUSED' });
    expect(await session.renew('access-1')).toBeNull();
    expect(session.isSignedIn()).toBe(false);
    expect(session.endReason).toBe('REUSED');
    expect(store.getItem(`test-${String(name)}.session`)).toBeNull();
  });

  it('does not come back to life when a renewal was under way at the sign-out', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    let answer: (renewal: Renewal) => void = () => undefined;
    renew.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const late = session.renew('access-1');
    await vi.waitFor(() => {
      expect(renew).toHaveBeenCalled();
    }, 60_000);
    session.signOut();
    answer(renewed('2'));
    expect(await late).toBeNull();
    expect(session.isSignedIn()).toBe(false);
  });

  it('asks without a refresh token where that is in a cookie', async () => {
    const session = tab();
    session.signIn({ tokens: { ...tokens('1'), refreshToken: null }, deviceToken: null });
    await session.renew('access-1');
    expect(renew).toHaveBeenCalledExactlyOnceWith(null);
  });

  it('keeps no access token in the store', () => {
    tab().signIn(signedIn('1'));
    expect(store.getItem(`test-${String(name)}.session`)).not.toContain('access-1');
  });

  it('is known again after a sign-out', () => {
    const session = tab();
    expect(session.deviceToken).toBeNull();
    session.signIn(signedIn('1'));
    session.signOut();
    expect(session.deviceToken).toBe('device-1');
  });

  it('takes what is no record for nobody', () => {
    store.setItem(`test-${String(name)}.session`, '{"generation":"x"}');
    expect(tab().isSignedIn()).toBe(false);
  });
});

describe('several tabs', () => {
  it('are signed in and out together', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await heard(there, true);
    expect(await there.bearer()).toBe('access-1');
    there.signOut();
    await heard(here, false);
    expect(await here.bearer()).toBeNull();
    expect(renew).not.toHaveBeenCalled();
  });

  it('renew once between them', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await heard(there, true);
    const both = await Promise.all([here.renew('access-1'), there.renew('access-1')]);
    expect(both).toEqual(['access-2', 'access-2']);
    expect(renew).toHaveBeenCalledOnce();
  });

  it('hand their token to one that was just opened', async () => {
    tab().signIn(signedIn('1'));
    expect(await tab().bearer()).toBe('access-1');
    expect(renew).not.toHaveBeenCalled();
  });

  it('do without the others where none answers', async () => {
    const first = tab();
    first.signIn(signedIn('1'));
    first.close();
    expect(await tab().bearer()).toBe('access-2');
    expect(renew).toHaveBeenCalledExactlyOnceWith('refresh-1');
  });

  it('renew each for itself where the browser has no locks', async () => {
    vi.stubGlobal('navigator', {});
    const session = tab();
    session.signIn(signedIn('1'));
    expect(await session.renew('access-1')).toBe('access-2');
  });
});
