import { describe, expect, it } from 'vitest';

import { ServerClock } from '../src/verification/server-clock.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const at = (ms: number): string => new Date(ms).toISOString();

describe('ServerClock', () => {
  it('believes the device until it knows better', () => {
    const clock = new ServerClock(() => NOON);
    expect(clock.now()).toBe(NOON);
    expect(clock.secondsUntil(at(NOON + 59_001))).toBe(60);
    expect(clock.secondsUntil(at(NOON - 1))).toBe(0);
  });

  it.each([-180_000, 180_000])('learns a difference of %i ms from a fresh instant', (ahead) => {
    const clock = new ServerClock(() => NOON);
    clock.wroteSince(NOON - 200, at(NOON - 100 + ahead));
    expect(clock.now()).toBe(NOON + ahead);
  });

  it('takes what the way there and back costs for no difference', () => {
    const clock = new ServerClock(() => NOON);
    clock.wroteSince(NOON - 1_500, at(NOON - 1_400));
    expect(clock.now()).toBe(NOON);
  });

  it('learns from how far away an instant is said to be', () => {
    const clock = new ServerClock(() => NOON);
    clock.saysAway(at(NOON + 90_000), 30);
    expect(clock.now()).toBe(NOON + 60_000);
  });

  it('moves forward to what has passed, and never back', () => {
    const clock = new ServerClock(() => NOON);
    clock.hasPassed(at(NOON + 60_000));
    expect(clock.now()).toBe(NOON + 60_000);
    clock.hasPassed(at(NOON - 600_000));
    expect(clock.now()).toBe(NOON + 60_000);
  });

  it('ignores what is no instant', () => {
    const clock = new ServerClock(() => NOON);
    clock.wroteSince(NOON, 'soon');
    expect(clock.now()).toBe(NOON);
  });
});
