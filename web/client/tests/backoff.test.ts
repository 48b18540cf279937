import { describe, expect, it, vi } from 'vitest';

import { backoff, waitForRetry } from '../src/backoff.ts';

describe('backoff', () => {
  it('doubles, up to ten seconds', () => {
    expect([0, 1, 2, 3].map((failures) => backoff(failures, 1))).toEqual([400, 800, 1_600, 3_200]);
    expect(backoff(40, 1)).toBe(10_000);
  });

  it('waits at least half of the ceiling', () => {
    expect(backoff(3, 0)).toBe(1_600);
  });
});

describe('waitForRetry', () => {
  it('resolves at a wake event', async () => {
    const unsubscribe = vi.fn();
    await waitForRetry(40, (listener) => {
      queueMicrotask(listener);
      return unsubscribe;
    });
    expect(unsubscribe).toHaveBeenCalledOnce();
  });
});
