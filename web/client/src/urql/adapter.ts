import type { AnyVariables, Client, CombinedError, OperationResult } from '@urql/core';
import { onEnd, pipe, subscribe } from 'wonka';

import type { ClientAdapter } from '../adapter.ts';
import { failureOfStatus, faultOf, UNREACHABLE, RequestError } from '../failure.ts';
import { isMutation } from '../operation.ts';

/** Adapts a urql client. Queries bypass the cache: the flow orders snapshots by `sequence`. */
export function urqlAdapter(client: Client): ClientAdapter {
  return {
    async request(document, variables) {
      const context = { requestPolicy: 'network-only' } as const;
      const result = isMutation(document)
        ? await client.mutation(document, variables, context).toPromise()
        : await client.query(document, variables, context).toPromise();
      return dataOf(result);
    },

    stream(document, variables, observer) {
      let ended = false;
      const subscription = pipe(
        client.subscription(document, variables),
        onEnd(() => {
          if (ended) return;
          ended = true;
          observer.complete();
        }),
        subscribe((result) => {
          if (ended) return;
          if (result.error) {
            ended = true;
            observer.error(toRequestError(result.error));
          } else if (result.data !== undefined) {
            observer.next(result.data);
          }
        }),
      );
      return () => {
        ended = true;
        subscription.unsubscribe();
      };
    },
  };
}

function dataOf<Data, Variables extends AnyVariables>(result: OperationResult<Data, Variables>): Data {
  if (result.error) throw toRequestError(result.error);
  if (result.data === undefined) throw new RequestError(UNREACHABLE);
  return result.data;
}

/** Converts an error of urql to a `RequestError`. */
export function toRequestError(error: CombinedError): RequestError {
  if (error.networkError instanceof RequestError) return error.networkError;
  if (error.graphQLErrors.length > 0) return new RequestError(faultOf(error.graphQLErrors), error);
  const status = (error.response as Response | undefined)?.status;
  return new RequestError(status === undefined || status < 400 ? UNREACHABLE : failureOfStatus(status), error);
}
