import { describe, expect, it } from 'vitest';

import { explain, fieldErrors, type Trouble } from '../src/ui/explain.ts';
import { en } from '../src/words/en.ts';

const fault = (code: 'INTERNAL' | 'RATE_LIMITED', requestId: string | null): Trouble => ({
  __typename: 'ServiceFault',
  code,
  requestId,
  retryAfterSeconds: null,
});

describe('explain', () => {
  it('shows a refusal in its own words', () => {
    expect(explain({ __typename: 'ContactTaken', code: 'CONTACT_TAKEN', message: 'Taken.' }, en)).toBe('Taken.');
  });

  it('tells a network that is away from a service that failed', () => {
    expect(explain({ __typename: 'Unreachable' }, en)).toBe(en.problems.Unreachable);
    expect(explain(fault('INTERNAL', 'req_1'), en)).toContain('req_1');
    expect(explain(fault('INTERNAL', null), en)).not.toContain('null');
    expect(explain(fault('RATE_LIMITED', null), en)).toBe(en.problems.RATE_LIMITED);
  });
});

describe('fieldErrors', () => {
  it('goes by the last part of the path', () => {
    const fields = [{ path: 'to.phone', reason: 'not_a_mobile_number', message: 'No.' }];
    const refusal = { __typename: 'InvalidInput', code: 'INVALID_INPUT', message: '', fields } as const;
    expect([...fieldErrors(refusal)]).toEqual([['phone', 'No.']]);
  });

  it('is empty for everything else', () => {
    expect(fieldErrors(null).size).toBe(0);
    expect(fieldErrors({ __typename: 'Unreachable' }).size).toBe(0);
  });
});
