import { ApolloClient } from '@apollo/client';
import { ApolloProvider, useMutation, useQuery } from '@apollo/client/react';
import { StepUp } from '@countersign/client';
import { apolloAdapter, countersignCache, countersignLink, toRequestError } from '@countersign/client/apollo';
import { useVerification } from '@countersign/client/apollo/react';
import { useMemo, useState, type ReactNode } from 'react';

import type { Preferences } from '../preferences.ts';
import { ENDPOINT, languageHeaders, session, transportOf } from '../service.ts';
import { StackContext, NO_RESPONSE, type Stack } from './stack.ts';

export interface StackProps {
  readonly stream: Preferences['stream'];
  readonly children: ReactNode;
}

export function ApolloStack({ stream, children }: StackProps): ReactNode {
  const [client] = useState(
    () =>
      new ApolloClient({
        cache: countersignCache(),
        link: countersignLink({ url: ENDPOINT, session, stream: transportOf(stream), headers: languageHeaders }),
      }),
  );
  const stack = useMemo(() => apolloStack(client, stream), [client, stream]);
  return (
    <ApolloProvider client={client}>
      <StackContext value={stack}>{children}</StackContext>
    </ApolloProvider>
  );
}

function apolloStack(client: ApolloClient, stream: Preferences['stream']): Stack {
  const { connection } = transportOf(stream);
  return {
    stepUp: new StepUp({ adapter: apolloAdapter(client), session }),

    useVerification: () => useVerification({ connection }),

    useQuery(document, variables, { pause: skip = false } = {}) {
      const { data, error, refetch } = useQuery(document, { variables, skip, fetchPolicy: 'cache-and-network' });
      return {
        data: data ?? null,
        failure: error ? toRequestError(error).failure : null,
        reload: () => void refetch(),
      };
    },

    useMutation(document) {
      const [mutate] = useMutation(document);
      return async (variables) => {
        try {
          const { data } = await mutate({ variables });
          return data === undefined ? NO_RESPONSE : { data, failure: null };
        } catch (thrown) {
          return { data: null, failure: toRequestError(thrown).failure };
        }
      };
    },
  };
}
