import type { ServerResponse } from 'node:http';

import { GraphQLError, subscribe, type DocumentNode, type ExecutionResult, type GraphQLSchema } from 'graphql';

import { unauthenticated, type Context } from './context.ts';

export interface StreamArgs {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly rootValue: unknown;
  readonly contextValue: Context;
  readonly variableValues: Record<string, unknown> | undefined;
}

/** A subscription as server-sent events, in the distinct connections mode. Ends with an error when `onRevoked` says so. */
export async function serveStream(
  args: StreamArgs,
  response: ServerResponse,
  whenRevoked: Promise<void>,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(':\n\n');
  const tell = (result: ExecutionResult): void => {
    response.write(`event: next\ndata: ${JSON.stringify(result)}\n\n`);
  };
  const finish = (): void => {
    response.end('event: complete\ndata:\n\n');
  };

  const results = await subscribe(args);
  if (!(Symbol.asyncIterator in results)) {
    tell(results);
    finish();
    return;
  }
  response.on('close', () => void results.return(undefined));
  void whenRevoked.then(() => {
    if (response.writableEnded) return;
    tell({ errors: [unauthenticated()] });
    finish();
  });
  try {
    for await (const result of results) {
      if (response.writableEnded) return;
      tell(result);
    }
  } catch (thrown) {
    tell({ errors: [thrown instanceof GraphQLError ? thrown : new GraphQLError('Something failed.')] });
  }
  finish();
}
