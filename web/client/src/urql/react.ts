import { useMemo } from 'react';
import { useClient } from 'urql';

import { useVerificationFlow, type UseVerification } from '../react/use-verification-flow.ts';
import type { FlowOptions } from '../verification/flow.ts';
import { urqlWire } from './wire.ts';

/** A verification over the urql client of the nearest `Provider`. */
export function useVerification(options?: FlowOptions): UseVerification {
  const client = useClient();
  const wire = useMemo(() => urqlWire(client), [client]);
  return useVerificationFlow(wire, options);
}
