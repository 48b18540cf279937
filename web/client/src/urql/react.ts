import { useMemo } from 'react';
import { useClient } from 'urql';

import { useVerificationFlow, type UseVerification } from '../react/use-verification-flow.ts';
import type { FlowOptions } from '../verification/flow.ts';
import { urqlAdapter } from './adapter.ts';

/** A verification that uses the urql client of the nearest `Provider`. */
export function useVerification(options?: FlowOptions): UseVerification {
  const client = useClient();
  const adapter = useMemo(() => urqlAdapter(client), [client]);
  return useVerificationFlow(adapter, options);
}
