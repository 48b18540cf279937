import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { buildSchema, execute, parse, subscribe, validate, type GraphQLSchema } from 'graphql';
import { useServer as serveProtocol } from 'graphql-ws/use/ws';
import { WebSocketServer, type WebSocket } from 'ws';

import { Accounts } from './accounts.ts';
import type { Context, ServerState } from './context.ts';
import { serveFile } from './files.ts';
import { serveGraphql, type Api, type RecordedRequest } from './http.ts';
import { accountRoots } from './resolvers/account.ts';
import { verificationRoots } from './resolvers/verification.ts';
import { DEFAULTS, type Settings } from './settings.ts';
import { Verifications, type Message } from './verifications.ts';

export interface FakeServerOptions extends Partial<Settings> {
  /** The text of `schema.graphql`, which the fake server executes. */
  readonly schema: string;
  /** A directory of built pages to serve. */
  readonly pages?: string;
}

/** An in-memory implementation of the schema, for tests only. It is neither secure nor durable. */
export class FakeServer {
  readonly state: ServerState;
  /** Every HTTP request for GraphQL, in order. */
  readonly requests: RecordedRequest[] = [];
  #port = 0;
  #server: Server | null = null;
  readonly #sockets = new Set<Socket>();
  readonly #schema: GraphQLSchema;
  readonly #pages: string | undefined;
  #revoked: () => void = () => undefined;
  #whenRevoked: Promise<void> = Promise.resolve();

  private constructor({ schema, pages, ...settings }: FakeServerOptions) {
    const all = { ...DEFAULTS, ...settings };
    this.state = {
      settings: all,
      verifications: new Verifications(all),
      accounts: new Accounts(all),
      proofs: new Map(),
    };
    this.#schema = buildSchema(schema);
    this.#pages = pages;
    const rearm = (): void => {
      this.#whenRevoked = new Promise((resolve) => (this.#revoked = resolve));
    };
    rearm();
    this.state.accounts.onRevoked = () => {
      this.#revoked();
      rearm();
    };
  }

  static async start(options: FakeServerOptions): Promise<FakeServer> {
    const server = new FakeServer(options);
    await server.listen();
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  get url(): string {
    return `${this.origin}/graphql`;
  }

  get outbox(): readonly Message[] {
    return this.state.verifications.outbox;
  }

  /** The number of HTTP requests with this operation. */
  count(operationName: string): number {
    return this.requests.filter((request) => request.operationName === operationName).length;
  }

  /** Closes all connections and stops listening, like a killed process. The state is kept. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      if (server)
        server.close(() => {
          resolve();
        });
      else resolve();
    });
  }

  /** Starts listening, on the same port as before. */
  async listen(): Promise<void> {
    const api: Api = {
      state: this.state,
      schema: this.#schema,
      roots: { ...verificationRoots, ...accountRoots },
      requests: this.requests,
      whenRevoked: () => this.#whenRevoked,
    };
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', this.origin);
      if (pathname === '/graphql' && request.method === 'POST') {
        void serveGraphql(api, request, response);
      } else if (pathname === '/dev/outbox') {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.outbox));
      } else if (this.#pages === undefined) {
        response.writeHead(404).end();
      } else {
        void serveFile(this.#pages, pathname, response);
      }
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#serveSockets(server, api);
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  #serveSockets(server: Server, api: Api): void {
    const signedIn = new WeakMap<WebSocket, Context['signedIn']>();
    serveProtocol<{ authorization?: string }, { socket: WebSocket }>(
      {
        schema: api.schema,
        // From the same `graphql` module instance as the schema: test runners may load it twice.
        parse,
        validate,
        execute,
        subscribe,
        roots: { query: api.roots, mutation: api.roots, subscription: api.roots },
        onConnect: ({ connectionParams, extra }) => {
          const token = connectionParams?.authorization?.replace('Bearer ', '');
          if (token === undefined) return true;
          const authenticated = api.state.accounts.authenticate(token);
          signedIn.set(extra.socket, authenticated);
          // `false` closes with 4403.
          if (!authenticated) return false;
          const close = (): void => {
            extra.socket.close(4403, 'Forbidden');
          };
          setTimeout(close, authenticated.expiresAt - Date.now()).unref();
          void api.whenRevoked().then(close);
          return true;
        },
        context: ({ extra }): Context => ({
          state: api.state,
          language: 'en',
          signedIn: signedIn.get(extra.socket) ?? null,
          userAgent: null,
          cookie: null,
          setCookie: () => undefined,
        }),
      },
      new WebSocketServer({ server, path: '/graphql' }),
    );
  }
}
