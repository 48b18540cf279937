import type { IncomingMessage, ServerResponse } from 'node:http';

import {
  GraphQLError,
  OperationTypeNode,
  execute,
  getOperationAST,
  parse,
  validate,
  type GraphQLSchema,
} from 'graphql';

import { unauthenticated, type Context, type ServerState } from './context.ts';
import { serveStream } from './sse.ts';

export interface Body {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
}

/** A recorded request, for assertions. */
export interface RecordedRequest {
  readonly operationName: string | undefined;
  readonly variables: Record<string, unknown> | undefined;
  readonly authorization: string | undefined;
}

export interface Api {
  readonly state: ServerState;
  readonly schema: GraphQLSchema;
  readonly roots: Record<string, object>;
  readonly requests: RecordedRequest[];
  /** Resolves at the next token revocation. */
  whenRevoked(): Promise<void>;
}

const COOKIE = 'countersign_refresh';

/** Handles `POST /graphql` with a single result or an event stream. */
export async function serveGraphql(api: Api, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = JSON.parse(await textOf(request)) as Body;
  const { authorization, accept = '', cookie = '' } = request.headers;
  api.requests.push({ operationName: body.operationName, variables: body.variables, authorization });

  const mediaType = accept.includes('graphql-response+json') ? 'application/graphql-response+json' : 'application/json';
  const respond = (status: number, result: object): void => {
    const headers = { 'content-type': mediaType, 'cache-control': 'no-store' };
    response.writeHead(mediaType === 'application/json' ? 200 : status, headers).end(JSON.stringify(result));
  };

  const bearer = authorization?.replace('Bearer ', '');
  const signedIn = bearer === undefined ? null : api.state.accounts.authenticate(bearer);
  if (bearer !== undefined && !signedIn) {
    respond(401, { errors: [unauthenticated()] });
    return;
  }
  const context: Context = {
    state: api.state,
    language: request.headers['accept-language'] ?? 'en',
    signedIn,
    userAgent: request.headers['user-agent'] ?? null,
    // Like the service: the cookie is accepted only with a header that pages of other origins cannot send.
    cookie: 'x-requested-with' in request.headers ? (new RegExp(`${COOKIE}=([^;]+)`).exec(cookie)?.[1] ?? null) : null,
    setCookie: (token) => {
      const attributes = `HttpOnly; SameSite=Strict; Path=/${token === null ? '; Max-Age=0' : ''}`;
      response.setHeader('set-cookie', `${COOKIE}=${token ?? ''}; ${attributes}`);
    },
  };

  try {
    const document = parse(body.query);
    const errors = validate(api.schema, document);
    if (errors.length > 0) {
      respond(400, { errors });
      return;
    }
    const args = {
      schema: api.schema,
      document,
      rootValue: api.roots,
      contextValue: context,
      variableValues: body.variables,
      operationName: body.operationName,
    };
    if (getOperationAST(document, body.operationName)?.operation === OperationTypeNode.SUBSCRIPTION) {
      await serveStream(args, response, signedIn ? api.whenRevoked() : new Promise(() => undefined));
    } else {
      respond(200, await execute(args));
    }
  } catch (thrown) {
    respond(400, { errors: [thrown instanceof GraphQLError ? thrown : new GraphQLError('Bad request.')] });
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
