import { useApolloClient } from '@apollo/client/react';
import { useMemo } from 'react';

import { useVerificationFlow, type UseVerification } from '../react/use-verification-flow.ts';
import type { FlowOptions } from '../verification/flow.ts';
import { apolloWire } from './wire.ts';

/** A verification over the Apollo Client of the nearest `ApolloProvider`. */
export function useVerification(options?: FlowOptions): UseVerification {
  const client = useApolloClient();
  const wire = useMemo(() => apolloWire(client), [client]);
  return useVerificationFlow(wire, options);
}
