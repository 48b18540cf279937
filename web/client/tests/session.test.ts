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

  it('takes the token by which an account knows its device again, and keeps the old one where none came', () => {
    const session = tab();
    session.signIn(signedIn('1'));
    session.keepDevice('device-2');
    expect(session.deviceToken).toBe('device-2');
    session.keepDevice(null);
    expect(session.deviceToken).toBe('device-2');
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

  it('are not signed in again by a renewal that comes after somebody else signed in', async () => {
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
    expect(await there.bearer()).toBe('access-other');
    expect(store.getItem(`test-${String(name)}.session`)).toContain('refresh-other');
  });
});

describe('several tabs of a browser without locks', () => {
  beforeEach(() => {
    vi.stubGlobal('navigator', {});
  });

  it('renew once between them', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await heard(there, true);
    const both = await Promise.all([here.renew('access-1'), there.renew('access-1')]);
    expect(both).toEqual(['access-2', 'access-2']);
    expect(renew).toHaveBeenCalledOnce();
  });

  it('take turns, each with the newest refresh token, where they cannot talk to each other either', async () => {
    vi.stubGlobal('BroadcastChannel', undefined);
    const first = tab();
    first.signIn(signedIn('0'));
    const tabs = [first, tab(), tab(), tab()];
    const underWay = { now: 0, most: 0 };
    const sent: (string | null)[] = [];
    renew.mockImplementation(async (refreshToken) => {
      sent.push(refreshToken);
      const generation = String(sent.length);
      underWay.most = Math.max(underWay.most, ++underWay.now);
      await new Promise((resolve) => setTimeout(resolve, 20));
      underWay.now -= 1;
      return renewed(generation);
    });
    const bearers = await Promise.all(tabs.map((each) => (each === first ? each.renew('access-0') : each.bearer())));
    expect(underWay.most).toBe(1);
    expect(sent).toEqual(sent.map((_, turn) => `refresh-${String(turn)}`));
    expect(new Set(bearers).size).toBe(tabs.length);
    expect(store.getItem(`test-${String(name)}.renewing`)).toBeNull();
  });

  it('do not wait for one that was closed in the middle of it', async () => {
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

describe('a recent authentication', () => {
  const elevation = {
    accessToken: 'elevated',
    expiresIn: 600,
    freshUntil: new Date(Date.now() + 300_000).toISOString(),
  };
  const later = (ms: number): void => {
    vi.useFakeTimers({ now: Date.now() + ms, toFake: ['Date'] });
  };
  afterEach(() => {
    vi.useRealTimers();
  });

  it('stands beside the token of the session until it is fresh no longer', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    session.elevate(elevation);
    expect(session.elevatedBearer()).toBe('elevated');
    expect(await session.bearer()).toBe('access-1');
    later(300_001);
    expect(session.elevatedBearer()).toBeNull();
  });

  it('is used until it expires where the clock of the device is ahead', () => {
    const session = tab();
    session.signIn(signedIn('1'));
    later(3_000_000);
    session.elevate(elevation);
    expect(session.elevatedBearer()).toBe('elevated');
    later(569_000);
    expect(session.elevatedBearer()).toBe('elevated');
    later(2_000);
    expect(session.elevatedBearer()).toBeNull();
  });

  it('is neither stored nor shown to another tab', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await heard(there, true);
    here.elevate(elevation);
    expect(store.getItem(`test-${String(name)}.session`)).not.toContain('elevated');
    expect(await tab().bearer()).toBe('access-1');
    expect(there.elevatedBearer()).toBeNull();
  });

  it('survives a refresh in another tab', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    await heard(there, true);
    here.elevate(elevation);
    await there.renew('access-1');
    await vi.waitFor(async () => {
      expect(await here.bearer()).toBe('access-2');
    });
    expect(here.elevatedBearer()).toBe('elevated');
  });

  it('ends with the session, and with a sign-in in another tab', async () => {
    const [here, there] = [tab(), tab()];
    here.signIn(signedIn('1'));
    here.elevate(elevation);
    here.signOut();
    expect(here.elevatedBearer()).toBeNull();

    here.signIn(signedIn('1'));
    here.elevate(elevation);
    there.signIn(signedIn('other'));
    await vi.waitFor(async () => {
      expect(await here.bearer()).toBe('access-other');
    });
    expect(here.elevatedBearer()).toBeNull();
  });

  it('asks the service about the session where it is refused before its time', async () => {
    const session = tab();
    session.signIn(signedIn('1'));
    session.elevate(elevation);
    expect(await session.renew('elevated')).toBe('access-2');
    expect(session.elevatedBearer()).toBeNull();
    session.elevate(elevation);
    renew.mockResolvedValueOnce({ type: 'ended', reason: 'REVOKED' });
    expect(await session.renew('elevated')).toBeNull();
    expect(session.isSignedIn()).toBe(false);
  });
});
