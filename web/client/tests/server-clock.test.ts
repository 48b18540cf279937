import { describe, expect, it } from 'vitest';

import { ServerClock } from '../src/verification/server-clock.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const at = (ms: number): string => new Date(ms).toISOString();

describe('ServerClock', () => {
  it('uses the device clock by default', () => {
    const clock = new ServerClock(() => NOON);
    expect(clock.now()).toBe(NOON);
    expect(clock.secondsUntil(at(NOON + 59_001))).toBe(60);
    expect(clock.secondsUntil(at(NOON - 1))).toBe(0);
  });

  it.each([-180_000, 180_000])('detects an offset of %i ms from a new timestamp', (offset) => {
    const clock = new ServerClock(() => NOON);
    clock.observeCreated(NOON - 200, at(NOON - 100 + offset));
    expect(clock.now()).toBe(NOON + offset);
  });

  it('ignores differences within the network latency', () => {
    const clock = new ServerClock(() => NOON);
    clock.observeCreated(NOON - 1_500, at(NOON - 1_400));
    expect(clock.now()).toBe(NOON);
  });

  it('detects an offset from a remaining time', () => {
    const clock = new ServerClock(() => NOON);
    clock.observeRemaining(at(NOON + 90_000), 30);
    expect(clock.now()).toBe(NOON + 60_000);
  });

  it('moves forward to a past timestamp but never back', () => {
    const clock = new ServerClock(() => NOON);
    clock.observePast(at(NOON + 60_000));
    expect(clock.now()).toBe(NOON + 60_000);
    clock.observePast(at(NOON - 600_000));
    expect(clock.now()).toBe(NOON + 60_000);
  });

  it('ignores invalid timestamps', () => {
    const clock = new ServerClock(() => NOON);
    clock.observeCreated(NOON, 'soon');
    expect(clock.now()).toBe(NOON);
  });
});
