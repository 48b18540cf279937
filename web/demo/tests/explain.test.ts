import { describe, expect, it } from 'vitest';

import { en } from '../src/texts/en.ts';
import { explain, fieldErrors, type OperationError } from '../src/ui/explain.ts';

const serviceError = (code: 'INTERNAL' | 'RATE_LIMITED', requestId: string | null): OperationError => ({
  __typename: 'ServiceFault',
  code,
  requestId,
  retryAfterSeconds: null,
});

describe('explain', () => {
  it('returns the message of a refusal', () => {
    expect(explain({ __typename: 'ContactTaken', code: 'CONTACT_TAKEN', message: 'Taken.' }, en)).toBe('Taken.');
  });

  it('distinguishes network errors and service errors', () => {
    expect(explain({ __typename: 'Unreachable' }, en)).toBe(en.problems.Unreachable);
    expect(explain(serviceError('INTERNAL', 'req_1'), en)).toContain('req_1');
    expect(explain(serviceError('INTERNAL', null), en)).not.toContain('null');
    expect(explain(serviceError('RATE_LIMITED', null), en)).toBe(en.problems.RATE_LIMITED);
  });
});

describe('fieldErrors', () => {
  it('uses the last segment of the path', () => {
    const fields = [{ path: 'to.phone', reason: 'not_a_mobile_number', message: 'No.' }];
    const refusal = { __typename: 'InvalidInput', code: 'INVALID_INPUT', message: '', fields } as const;
    expect([...fieldErrors(refusal)]).toEqual([['phone', 'No.']]);
  });

  it('is empty for other errors', () => {
    expect(fieldErrors(null).size).toBe(0);
    expect(fieldErrors({ __typename: 'Unreachable' }).size).toBe(0);
  });
});
