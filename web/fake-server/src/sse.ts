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

/** Serves a subscription over server-sent events (distinct connections mode). Ends with an error when `whenRevoked` resolves. */
export async function serveStream(
  args: StreamArgs,
  response: ServerResponse,
  whenRevoked: Promise<void>,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(':\n\n');
  const write = (result: ExecutionResult): void => {
    response.write(`event: next\ndata: ${JSON.stringify(result)}\n\n`);
  };
  const finish = (): void => {
    response.end('event: complete\ndata:\n\n');
  };

  const results = await subscribe(args);
  if (!(Symbol.asyncIterator in results)) {
    write(results);
    finish();
    return;
  }
  response.on('close', () => void results.return(undefined));
  void whenRevoked.then(() => {
    if (response.writableEnded) return;
    write({ errors: [unauthenticated()] });
    finish();
  });
  try {
    for await (const result of results) {
      if (response.writableEnded) return;
      write(result);
    }
  } catch (thrown) {
    write({ errors: [thrown instanceof GraphQLError ? thrown : new GraphQLError('Internal error.')] });
  }
  finish();
}
