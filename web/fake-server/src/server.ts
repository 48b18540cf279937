import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { buildSchema, execute, parse, subscribe, validate, type GraphQLSchema } from 'graphql';
import { useServer as serveProtocol } from 'graphql-ws/use/ws';
import { WebSocketServer, type WebSocket } from 'ws';

import { Accounts } from './accounts.ts';
import type { Context, House } from './context.ts';
import { serveFile } from './files.ts';
import { serveGraphql, type Api, type Seen } from './http.ts';
import { accountRoots } from './resolvers/account.ts';
import { verificationRoots } from './resolvers/verification.ts';
import { DEFAULTS, type Settings } from './settings.ts';
import { Verifications, type Message } from './verifications.ts';

export interface FakeServerOptions extends Partial<Settings> {
  /** The text of `schema.graphql`: the stand-in is held to the contract by executing it. */
  readonly schema: string;
  /** A folder of built pages to serve. */
  readonly pages?: string;
}

/** A stand-in for the service: the contract, from memory. Not safe, not durable, not fast; for tests alone. */
export class FakeServer {
  readonly house: House;
  /** Every HTTP request for GraphQL, in order. */
  readonly seen: Seen[] = [];
  #port = 0;
  #server: Server | null = null;
  readonly #sockets = new Set<Socket>();
  readonly #schema: GraphQLSchema;
  readonly #pages: string | undefined;
  #revoked: () => void = () => undefined;
  #whenRevoked: Promise<void> = Promise.resolve();

  private constructor({ schema, pages, ...settings }: FakeServerOptions) {
    const all = { ...DEFAULTS, ...settings };
    this.house = {
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
    this.house.accounts.onRevoked = () => {
      this.#revoked();
      rearm();
    };
  }

  static async start(options: FakeServerOptions): Promise<FakeServer> {
    const server = new FakeServer(options);
    await server.comeBack();
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  get url(): string {
    return `${this.origin}/graphql`;
  }

  get outbox(): readonly Message[] {
    return this.house.verifications.outbox;
  }

  /** How often an operation was asked for over HTTP. */
  count(operationName: string): number {
    return this.seen.filter((request) => request.operationName === operationName).length;
  }

  /** Cuts every connection and listens no more, as a process that was killed. What it remembers stays. */
  async goAway(): Promise<void> {
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

  /** Listens again, at the same address. */
  async comeBack(): Promise<void> {
    const api: Api = {
      house: this.house,
      schema: this.#schema,
      roots: { ...verificationRoots, ...accountRoots },
      seen: this.seen,
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
        // Of the same module instance as the schema, which test runners may load twice.
        parse,
        validate,
        execute,
        subscribe,
        roots: { query: api.roots, mutation: api.roots, subscription: api.roots },
        onConnect: ({ connectionParams, extra }) => {
          const token = connectionParams?.authorization?.replace('Bearer ', '');
          if (token === undefined) return true;
          const whoever = api.house.accounts.judge(token);
          signedIn.set(extra.socket, whoever);
          // `false` closes with 4403.
          if (!whoever) return false;
          const close = (): void => {
            extra.socket.close(4403, 'Forbidden');
          };
          setTimeout(close, whoever.expiresAt - Date.now()).unref();
          void api.whenRevoked().then(close);
          return true;
        },
        context: ({ extra }): Context => ({
          house: api.house,
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
