import { Client } from '@urql/core';
import { StepUp } from '@countersign/client';
import { countersignExchanges, urqlAdapter, toRequestError } from '@countersign/client/urql';
import { useVerification } from '@countersign/client/urql/react';
import { useMemo, useState, type ReactNode } from 'react';
import { Provider, useMutation, useQuery } from 'urql';

import type { Preferences } from '../preferences.ts';
import { ENDPOINT, languageHeaders, session, transportOf } from '../service.ts';
import type { StackProps } from './apollo.tsx';
import { StackContext, NO_RESPONSE, type Stack } from './stack.ts';

export function UrqlStack({ stream, children }: StackProps): ReactNode {
  const [client] = useState(
    () =>
      new Client({
        url: ENDPOINT,
        exchanges: countersignExchanges({ session, stream: transportOf(stream) }),
        fetchOptions: () => ({ headers: languageHeaders() }),
        preferGetMethod: false,
      }),
  );
  const stack = useMemo(() => urqlStack(client, stream), [client, stream]);
  return (
    <Provider value={client}>
      <StackContext value={stack}>{children}</StackContext>
    </Provider>
  );
}

function urqlStack(client: Client, stream: Preferences['stream']): Stack {
  const { connection } = transportOf(stream);
  return {
    stepUp: new StepUp({ adapter: urqlAdapter(client), session }),

    useVerification: () => useVerification({ connection }),

    useQuery(query, variables, { pause = false } = {}) {
      const [{ data, error }, execute] = useQuery({ query, variables, pause });
      return {
        data: data ?? null,
        failure: error ? toRequestError(error).failure : null,
        reload: () => {
          execute({ requestPolicy: 'network-only' });
        },
      };
    },

    useMutation(document) {
      const [, mutate] = useMutation(document);
      return async (variables) => {
        const { data, error } = await mutate(variables);
        if (error) return { data: null, failure: toRequestError(error).failure };
        return data === undefined ? NO_RESPONSE : { data, failure: null };
      };
    },
  };
}
