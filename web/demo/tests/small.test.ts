import { describe, expect, it } from 'vitest';

import { contactOf } from '../src/contact.ts';
import { deviceOf } from '../src/device.ts';
import { readable } from '../src/phone.ts';
import { profileChange } from '../src/profile.ts';

describe('contactOf', () => {
  it('tells an address from a number', () => {
    expect(contactOf(' hong@example.com ')).toEqual({ email: 'hong@example.com' });
    expect(contactOf('010-1234-5678')).toEqual({ phone: '010-1234-5678' });
  });
});

describe('deviceOf', () => {
  const iphone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1';
  const galaxy =
    'Mozilla/5.0 (Linux; Android 15; SM-S931) AppleWebKit/537 SamsungBrowser/27.0 Chrome/125 Mobile Safari/537';
  it.each([
    [iphone, 'Safari · iOS'],
    [galaxy, 'Samsung Internet · Android'],
    ['curl/8.5.0', null],
  ])('%s', (userAgent, device) => {
    expect(deviceOf(userAgent)).toBe(device);
  });
});

describe('readable', () => {
  it.each([
    ['+821012345678', '+82 10 1234 5678'],
    ['+14155552671', '+1 415 555 2671'],
    ['+4915112345678', '+49 151 1234 5678'],
    ['+33612345678', '+33 612 34 5678'],
    ['+5511961234567', '+55 119 6123 4567'],
    ['+85261234567', '+852 6123 4567'],
    ['+97250123456', '+972 5012 3456'],
  ])('%s', (phone, read) => {
    expect(readable(phone)).toBe(read);
  });

  it('changes no digit, whatever the length', () => {
    for (const code of ['1', '7', '82', '49', '972']) {
      for (let length = 4; length <= 13; length += 1) {
        const phone = `+${code}${'2345678901234'.slice(0, length)}`;
        expect(readable(phone).replaceAll(' ', '')).toBe(phone);
        expect(readable(phone)).not.toMatch(/ {2}| $/);
      }
    }
    expect(readable('none')).toBe('none');
  });
});

describe('profileChange', () => {
  const known = { name: 'Lena Müller', nickname: null, profileImageUrl: 'https://example.com/a.png' };
  it('is what differs, and null for what was emptied', () => {
    const typed = { name: ' Lena Müller ', nickname: 'Leni', profileImageUrl: '' };
    expect(profileChange(known, typed)).toEqual({ nickname: 'Leni', profileImageUrl: null });
  });
  it('is nothing for a form without changes', () => {
    expect(profileChange(known, { name: 'Lena Müller', nickname: '', profileImageUrl: known.profileImageUrl })).toEqual(
      {},
    );
  });
});
