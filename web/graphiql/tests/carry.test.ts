import { describe, expect, it } from 'vitest';

import { Carrier, found, onFound } from '../src/carry/carrier.ts';
import { fillHeaders, fillVariables, valuesOf } from '../src/carry/values.ts';

describe('valuesOf', () => {
  it('finds what later operations need', () => {
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
  ])('finds nothing in %j', (answer) => {
    expect(valuesOf(answer)).toEqual({});
  });
});

describe('filling', () => {
  it('replaces the variables that are there, and adds none', () => {
    const filled = fillVariables('{"phone": "+1", "id": "ver_…"}', { id: 'ver_1', proof: 'ab', accessToken: 'ey' });
    expect(JSON.parse(filled ?? '')).toEqual({ phone: '+1', id: 'ver_1' });
  });

  it('replaces an authorization that is there', () => {
    const values = { accessToken: 'ey', id: 'ver_1' };
    expect(JSON.parse(fillHeaders('{"authorization": "x", "id": "y"}', values) ?? '')).toEqual({
      authorization: 'Bearer ey',
      id: 'y',
    });
    expect(fillHeaders('{"accept-language": "en"}', values)).toBeNull();
  });

  it('leaves alone what would not change, and what is not JSON', () => {
    expect(fillVariables('{"id": "ver_1"}', { id: 'ver_1' })).toBeNull();
    for (const text of ['', '{"id": ', '// {"id": "x"}']) expect(fillVariables(text, { id: 'ver_1' })).toBeNull();
  });
});

describe('the carrier', () => {
  it('delivers once to each tab: tokens to all, the rest to the tab of the flow', () => {
    const carrier = new Carrier();
    carrier.take({ id: 'ver_1', accessToken: 'ey' }, 'sign-up');
    expect(carrier.deliver('sign-up')).toEqual({ id: 'ver_1', accessToken: 'ey' });
    expect(carrier.deliver('sign-up')).toEqual({});
    expect(carrier.deliver('account')).toEqual({ accessToken: 'ey' });
    expect(carrier.deliver('account')).toEqual({});
    carrier.take({ accessToken: 'ez' }, 'account');
    expect(carrier.deliver('account')).toEqual({ accessToken: 'ez' });
  });

  it('hears of values until it stops listening', () => {
    const heard: unknown[] = [];
    const stop = onFound((values) => heard.push(values));
    found({ code: '123456' });
    stop();
    found({ code: '654321' });
    expect(heard).toEqual([{ code: '123456' }]);
  });
});
