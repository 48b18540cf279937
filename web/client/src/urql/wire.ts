import type { AnyVariables, Client, CombinedError, OperationResult } from '@urql/core';
import { onEnd, pipe, subscribe } from 'wonka';

import { failureOfStatus, faultOf, UNREACHABLE, WireError } from '../failure.ts';
import { isMutation } from '../operation.ts';
import type { Wire } from '../wire.ts';

/** The wire over a urql client. Queries ask the network, not the cache: a verification is ordered by its sequence. */
export function urqlWire(client: Client): Wire {
  return {
    async request(document, variables) {
      const context = { requestPolicy: 'network-only' } as const;
      const result = isMutation(document)
        ? await client.mutation(document, variables, context).toPromise()
        : await client.query(document, variables, context).toPromise();
      return dataOf(result);
    },

    stream(document, variables, watcher) {
      let over = false;
      const subscription = pipe(
        client.subscription(document, variables),
        onEnd(() => {
          if (over) return;
          over = true;
          watcher.complete();
        }),
        subscribe((result) => {
          if (over) return;
          if (result.error) {
            over = true;
            watcher.error(wireErrorOf(result.error));
          } else if (result.data !== undefined) {
            watcher.next(result.data);
          }
        }),
      );
      return () => {
        over = true;
        subscription.unsubscribe();
      };
    },
  };
}

function dataOf<Data, Variables extends AnyVariables>(result: OperationResult<Data, Variables>): Data {
  if (result.error) throw wireErrorOf(result.error);
  if (result.data === undefined) throw new WireError(UNREACHABLE);
  return result.data;
}

/** Whatever urql reports, as what the flow knows. */
export function wireErrorOf(error: CombinedError): WireError {
  if (error.networkError instanceof WireError) return error.networkError;
  if (error.graphQLErrors.length > 0) return new WireError(faultOf(error.graphQLErrors), error);
  const status = (error.response as Response | undefined)?.status;
  return new WireError(status === undefined || status < 400 ? UNREACHABLE : failureOfStatus(status), error);
}
