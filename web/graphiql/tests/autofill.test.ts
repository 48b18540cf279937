import { describe, expect, it } from 'vitest';

import { AutofillStore, onValues, publishValues } from '../src/autofill/autofill-store.ts';
import { fillHeaders, fillVariables, valuesOf } from '../src/autofill/values.ts';

describe('valuesOf', () => {
  it('finds the values that later operations need', () => {
    expect(valuesOf({ data: { sendVerificationCode: { verification: { id: 'ver_1' } } } })).toEqual({ id: 'ver_1' });
    expect(valuesOf({ data: { confirmVerificationCode: { proof: { token: 'ab' } } } })).toEqual({ proof: 'ab' });
    const tokens = { accessToken: 'ey', expiresIn: 3600, refreshToken: 'rt' };
    expect(valuesOf({ data: { signIn: { user: { username: 'lena' }, tokens } } })).toEqual({
      accessToken: 'ey',
      refreshToken: 'rt',
    });
    const nodes = [
      { id: 'ses_1', current: true },
      { id: 'ses_2', current: false },
    ];
    expect(valuesOf({ data: { me: { id: 'usr_1', sessions: { nodes } } } })).toEqual({ sessionId: 'ses_2' });
  });

  it.each([
    null,
    5,
    'text',
    { data: null, errors: [{ message: 'No.' }] },
    { data: { signIn: { tokens: null, proof: null } } },
  ])('finds nothing in %j', (response) => {
    expect(valuesOf(response)).toEqual({});
  });
});

describe('fillVariables and fillHeaders', () => {
  it('replaces existing variables and adds none', () => {
    const filled = fillVariables('{"phone": "+1", "id": "ver_…"}', { id: 'ver_1', proof: 'ab', accessToken: 'ey' });
    expect(JSON.parse(filled ?? '')).toEqual({ phone: '+1', id: 'ver_1' });
  });

  it('replaces an existing authorization header', () => {
    const values = { accessToken: 'ey', id: 'ver_1' };
    expect(JSON.parse(fillHeaders('{"authorization": "x", "id": "y"}', values) ?? '')).toEqual({
      authorization: 'Bearer ey',
      id: 'y',
    });
    expect(fillHeaders('{"accept-language": "en"}', values)).toBeNull();
  });

  it('returns null if nothing changes or the text is not JSON', () => {
    expect(fillVariables('{"id": "ver_1"}', { id: 'ver_1' })).toBeNull();
    for (const text of ['', '{"id": ', '// {"id": "x"}']) expect(fillVariables(text, { id: 'ver_1' })).toBeNull();
  });
});

describe('the store', () => {
  it('passes each value once to each tab: tokens to all tabs, other values to their own tab', () => {
    const store = new AutofillStore();
    store.add({ id: 'ver_1', accessToken: 'ey' }, 'sign-up');
    expect(store.takeNew('sign-up')).toEqual({ id: 'ver_1', accessToken: 'ey' });
    expect(store.takeNew('sign-up')).toEqual({});
    expect(store.takeNew('account')).toEqual({ accessToken: 'ey' });
    expect(store.takeNew('account')).toEqual({});
    store.add({ accessToken: 'ez' }, 'account');
    expect(store.takeNew('account')).toEqual({ accessToken: 'ez' });
  });

  it('notifies listeners until they unsubscribe', () => {
    const received: unknown[] = [];
    const stop = onValues((values) => received.push(values));
    publishValues({ code: '123456' });
    stop();
    publishValues({ code: '654321' });
    expect(received).toEqual([{ code: '123456' }]);
  });
});
