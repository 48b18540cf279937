import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { UNREACHABLE, RequestError } from '../src/failure.ts';
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

/** Opens another tab of the same browser. */
function tab(): Session {
  const session = new Session({ renew, store, name: `test-${String(name)}` });
  open.push(session);
  return session;
}

const waitForSignedIn = (session: Session, signedIn: boolean): Promise<void> =>
  vi.waitFor(() => {
    expect(session.isSignedIn()).toBe(signedIn);
  }, 60_000);

describe('one tab', () => {
  it('is signed out at first', async () => {
    expect(tab().isSignedIn()).toBe(false);
    expect(await tab().accessToken()).toBeNull();
    expect(renew).not.toHaveBeenCalled();
  });

  it('uses the access token until it is about to expire', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    expect(await session.accessToken()).toBe('access-1');
    vi.useFakeTimers({ now: Date.now() + 3_590_000, toFake: ['Date'] });
    expect(await session.accessToken()).toBe('access-2');
    expect(renew).toHaveBeenCalledExactlyOnceWith('refresh-1');
    vi.useRealTimers();
  });

  it('renews once for several rejected requests', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    const all = await Promise.all(['access-1', 'access-1', 'access-1'].map((rejected) => session.renew(rejected)));
    expect(all).toEqual(['access-2', 'access-2', 'access-2']);
    expect(await session.renew('access-1')).toBe('access-2');
    expect(renew).toHaveBeenCalledOnce();
  });

  it('stays signed in if the service is unreachable', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    renew.mockRejectedValueOnce(new RequestError(UNREACHABLE));
    await expect(session.renew('access-1')).rejects.toThrow('No response from the service');
    expect(session.isSignedIn()).toBe(true);
    expect(await session.renew('access-1')).toBe('access-2');
  });

  it('ends with the reason that the service gives', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    renew.mockResolvedValueOnce({ type: 'ended', reason: 'REUSED' });
    expect(await session.renew('access-1')).toBeNull();
    expect(session.isSignedIn()).toBe(false);
    expect(session.endReason).toBe('REUSED');
    expect(store.getItem(`test-${String(name)}.session`)).toBeNull();
  });

  it('stays signed out if a renewal finishes after the sign-out', async () => {
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

  it('renews without a refresh token in cookie mode', async () => {
    const session = tab();
    session.signIn({ tokens: { ...tokens('1'), refreshToken: null }, deviceToken: null });
    await session.renew('access-1');
    expect(renew).toHaveBeenCalledExactlyOnceWith(null);
  });

  it('does not store the access token', () => {
    tab().signIn(signedIn('1'));
    expect(store.getItem(`test-${String(name)}.session`)).not.toContain('access-1');
  });

  it('stores a new device token and ignores null', () => {
    const session = tab();
    session.signIn(signedIn('1'));
    session.storeDeviceToken('device-2');
    expect(session.deviceToken).toBe('device-2');
    session.storeDeviceToken(null);
    expect(session.deviceToken).toBe('device-2');
  });

  it('keeps the device token after a sign-out', () => {
    const session = tab();
    expect(session.deviceToken).toBeNull();
    session.signIn(signedIn('1'));
    session.signOut();
    expect(session.deviceToken).toBe('device-1');
  });

  it('is signed out if the stored record is invalid', () => {
    store.setItem(`test-${String(name)}.session`, '{"generation":"x"}');
    expect(tab().isSignedIn()).toBe(false);
  });
});

describe('several tabs', () => {
  it('share sign-in and sign-out', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await waitForSignedIn(there, true);
    expect(await there.accessToken()).toBe('access-1');
    there.signOut();
    await waitForSignedIn(here, false);
    expect(await here.accessToken()).toBeNull();
    expect(renew).not.toHaveBeenCalled();
  });

  it('renew once', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await waitForSignedIn(there, true);
    const both = await Promise.all([here.renew('access-1'), there.renew('access-1')]);
    expect(both).toEqual(['access-2', 'access-2']);
    expect(renew).toHaveBeenCalledOnce();
  });

  it('share their token with a new tab', async () => {
    tab().signIn(signedIn('1'));
    expect(await tab().accessToken()).toBe('access-1');
    expect(renew).not.toHaveBeenCalled();
  });

  it('renew if no other tab responds', async () => {
    const first = tab();
    first.signIn(signedIn('1'));
    first.close();
    expect(await tab().accessToken()).toBe('access-2');
    expect(renew).toHaveBeenCalledExactlyOnceWith('refresh-1');
  });

  it('keep a new sign-in if an earlier renewal finishes later', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    let answer: (renewal: Renewal) => void = () => undefined;
    renew.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const late = here.renew('access-1');
    await vi.waitFor(() => {
      expect(renew).toHaveBeenCalled();
    });
    there.signIn(signedIn('other'));
    answer(renewed('2'));
    expect(await late).toBe('access-other');
    expect(await there.accessToken()).toBe('access-other');
    expect(store.getItem(`test-${String(name)}.session`)).toContain('refresh-other');
  });
});

describe('several tabs without Web Locks', () => {
  beforeEach(() => {
    vi.stubGlobal('navigator', {});
  });

  it('renew once', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await waitForSignedIn(there, true);
    const both = await Promise.all([here.renew('access-1'), there.renew('access-1')]);
    expect(both).toEqual(['access-2', 'access-2']);
    expect(renew).toHaveBeenCalledOnce();
  });

  it('refresh one after the other with the newest token without BroadcastChannel', async () => {
    vi.stubGlobal('BroadcastChannel', undefined);
    const first = tab();
    first.signIn(signedIn('0'));
    const tabs = [first, tab(), tab(), tab()];
    const concurrent = { now: 0, most: 0 };
    const sent: (string | null)[] = [];
    renew.mockImplementation(async (refreshToken) => {
      sent.push(refreshToken);
      const generation = String(sent.length);
      concurrent.most = Math.max(concurrent.most, ++concurrent.now);
      await new Promise((resolve) => setTimeout(resolve, 20));
      concurrent.now -= 1;
      return renewed(generation);
    });
    const accessTokens = await Promise.all(
      tabs.map((each) => (each === first ? each.renew('access-0') : each.accessToken())),
    );
    expect(concurrent.most).toBe(1);
    expect(sent).toEqual(sent.map((_, index) => `refresh-${String(index)}`));
    expect(new Set(accessTokens).size).toBe(tabs.length);
    expect(store.getItem(`test-${String(name)}.renewing`)).toBeNull();
  });

  it('take over an expired lease', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    const until = Date.now() + 150;
    store.setItem(`test-${String(name)}.renewing`, JSON.stringify({ owner: 'gone', until }));
    expect(await session.renew('access-1')).toBe('access-2');
    expect(Date.now()).toBeGreaterThanOrEqual(until);
    store.setItem(`test-${String(name)}.renewing`, 'no lease');
    renew.mockResolvedValueOnce(renewed('3'));
    expect(await session.renew('access-2')).toBe('access-3');
  });
});

describe('a step-up token', () => {
  const stepUpToken = {
    accessToken: 'step-up',
    expiresIn: 600,
    freshUntil: new Date(Date.now() + 300_000).toISOString(),
  };
  const later = (ms: number): void => {
    vi.useFakeTimers({ now: Date.now() + ms, toFake: ['Date'] });
  };
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is separate from the access token and expires at freshUntil', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    session.setStepUpToken(stepUpToken);
    expect(session.stepUpToken()).toBe('step-up');
    expect(await session.accessToken()).toBe('access-1');
    later(300_001);
    expect(session.stepUpToken()).toBeNull();
  });

  it('is used until it expires if the device clock is fast', () => {
    const session = tab();
    session.signIn(signedIn('1'));
    later(3_000_000);
    session.setStepUpToken(stepUpToken);
    expect(session.stepUpToken()).toBe('step-up');
    later(569_000);
    expect(session.stepUpToken()).toBe('step-up');
    later(2_000);
    expect(session.stepUpToken()).toBeNull();
  });

  it('is neither stored nor shared with other tabs', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await waitForSignedIn(there, true);
    here.setStepUpToken(stepUpToken);
    expect(store.getItem(`test-${String(name)}.session`)).not.toContain('step-up');
    expect(await tab().accessToken()).toBe('access-1');
    expect(there.stepUpToken()).toBeNull();
  });

  it('is kept after a refresh in another tab', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await waitForSignedIn(there, true);
    here.setStepUpToken(stepUpToken);
    await there.renew('access-1');
    await vi.waitFor(async () => {
      expect(await here.accessToken()).toBe('access-2');
    });
    expect(here.stepUpToken()).toBe('step-up');
  });

  it('is deleted at a sign-out and at a sign-in in another tab', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    here.setStepUpToken(stepUpToken);
    here.signOut();
    expect(here.stepUpToken()).toBeNull();

    here.signIn(signedIn('1'));
    here.setStepUpToken(stepUpToken);
    there.signIn(signedIn('other'));
    await vi.waitFor(async () => {
      expect(await here.accessToken()).toBe('access-other');
    });
    expect(here.stepUpToken()).toBeNull();
  });

  it('renews the session if it is rejected before it expires', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    session.setStepUpToken(stepUpToken);
    expect(await session.renew('step-up')).toBe('access-2');
    expect(session.stepUpToken()).toBeNull();
    session.setStepUpToken(stepUpToken);
    renew.mockResolvedValueOnce({ type: 'ended', reason: 'REVOKED' });
    expect(await session.renew('step-up')).toBeNull();
    expect(session.isSignedIn()).toBe(false);
  });
});
