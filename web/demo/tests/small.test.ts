import { describe, expect, it } from 'vitest';

import { contactOf } from '../src/contact.ts';
import { deviceOf } from '../src/device.ts';
import { readable } from '../src/phone.ts';

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
  it('parts a Korean number and leaves others alone', () => {
    expect(readable('+821012345678')).toBe('+82 10-1234-5678');
    expect(readable('+14155550123')).toBe('+14155550123');
  });
});
