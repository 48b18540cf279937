import { describe, expect, it, vi } from 'vitest';

import { backoff, patience } from '../src/backoff.ts';

describe('backoff', () => {
  it('doubles, up to ten seconds', () => {
    expect([0, 1, 2, 3].map((failures) => backoff(failures, 1))).toEqual([400, 800, 1_600, 3_200]);
    expect(backoff(40, 1)).toBe(10_000);
  });

  it('never waits less than half', () => {
    expect(backoff(3, 0)).toBe(1_600);
  });
});

describe('patience', () => {
  it('ends when the device wakes up', async () => {
    const forget = vi.fn();
    await patience(40, (listener) => {
      queueMicrotask(listener);
      return forget;
    });
    expect(forget).toHaveBeenCalledOnce();
  });
});
