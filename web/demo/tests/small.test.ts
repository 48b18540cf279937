import { describe, expect, it } from 'vitest';

import { parseContact } from '../src/contact.ts';
import { describeDevice } from '../src/device.ts';
import { formatPhone } from '../src/phone.ts';
import { profileChange } from '../src/profile.ts';

describe('parseContact', () => {
  it('distinguishes an e-mail address and a phone number', () => {
    expect(parseContact(' hong@example.com ')).toEqual({ email: 'hong@example.com' });
    expect(parseContact('010-1234-5678')).toEqual({ phone: '010-1234-5678' });
  });
});

describe('describeDevice', () => {
  const iphone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1';
  const galaxy =
    'Mozilla/5.0 (Linux; Android 15; SM-S931) AppleWebKit/537 SamsungBrowser/27.0 Chrome/125 Mobile Safari/537';
  it.each([
    [iphone, 'Safari · iOS'],
    [galaxy, 'Samsung Internet · Android'],
    ['curl/8.5.0', null],
  ])('%s', (userAgent, device) => {
    expect(describeDevice(userAgent)).toBe(device);
  });
});

describe('formatPhone', () => {
  it.each([
    ['+821012345678', '+82 10 1234 5678'],
    ['+14155552671', '+1 415 555 2671'],
    ['+4915112345678', '+49 151 1234 5678'],
    ['+33612345678', '+33 612 34 5678'],
    ['+5511961234567', '+55 119 6123 4567'],
    ['+85261234567', '+852 6123 4567'],
    ['+97250123456', '+972 5012 3456'],
  ])('%s', (phone, read) => {
    expect(formatPhone(phone)).toBe(read);
  });

  it('keeps all digits for any length', () => {
    for (const code of ['1', '7', '82', '49', '972']) {
      for (let length = 4; length <= 13; length += 1) {
        const phone = `+${code}${'2345678901234'.slice(0, length)}`;
        expect(formatPhone(phone).replaceAll(' ', '')).toBe(phone);
        expect(formatPhone(phone)).not.toMatch(/ {2}| $/);
      }
    }
    expect(formatPhone('none')).toBe('none');
  });
});

describe('profileChange', () => {
  const known = { name: 'Lena Müller', nickname: null, profileImageUrl: 'https://example.com/a.png' };
  it('contains the changed fields, with null for emptied ones', () => {
    const typed = { name: ' Lena Müller ', nickname: 'Leni', profileImageUrl: '' };
    expect(profileChange(known, typed)).toEqual({ nickname: 'Leni', profileImageUrl: null });
  });
  it('is empty for a form without changes', () => {
    expect(profileChange(known, { name: 'Lena Müller', nickname: '', profileImageUrl: known.profileImageUrl })).toEqual(
      {},
    );
  });
});
