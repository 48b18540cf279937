import { useApolloClient } from '@apollo/client/react';
import { useMemo } from 'react';

import { useVerificationFlow, type UseVerification } from '../react/use-verification-flow.ts';
import type { FlowOptions } from '../verification/flow.ts';
import { apolloAdapter } from './adapter.ts';

/** A verification that uses the Apollo Client of the nearest `ApolloProvider`. */
export function useVerification(options?: FlowOptions): UseVerification {
  const client = useApolloClient();
  const adapter = useMemo(() => apolloAdapter(client), [client]);
  return useVerificationFlow(adapter, options);
}
