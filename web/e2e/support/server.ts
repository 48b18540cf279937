import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface OutboxMessage {
  readonly id: string;
  readonly to: string;
  readonly channel: string;
  readonly text: string;
  readonly code: string | null;
}

/** A running service for tests. */
export interface TestServer {
  readonly origin: string;
  /** Creates an account with two verified contacts, with the admin command. */
  createUser(user: NewUser): Promise<void>;
  /** The messages of the development outbox, newest first. */
  outbox(): Promise<readonly OutboxMessage[]>;
  /** Kills the process (SIGKILL). */
  kill(): Promise<void>;
  /** Starts the process again, with the same address and data. */
  restart(): Promise<void>;
  /** Stops the process and deletes its data. */
  dispose(): Promise<void>;
}

export interface NewUser {
  readonly username: string;
  readonly password: string;
  readonly name: string;
  readonly birthDate: string;
  readonly phone: string;
  readonly email: string;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const ARTEFACTS = join(ROOT, 'web/e2e/artefacts');
const PAGES = join(ROOT, 'web/dist');
const PROGRAM = resolve(process.env['COUNTERSIGN'] ?? join(ROOT, 'target/debug/countersign'));

/** Time limits against hanging; generous, because a debug build may be slow. */
const START_TIMEOUT_MS = 120_000;
const MESSAGE_TIMEOUT_MS = 120_000;

/** Test contacts with a fixed delivery status. */
export const DELIVERED_TO = 'delivered@example.com';
export const UNDELIVERED_TO = 'undelivered@example.com';

export interface ServerOptions {
  /** The resend cooldown for a contact. Default: 0. */
  readonly resendCooldownSeconds?: number;
  /** The lifetime of access tokens. Default: the service's. */
  readonly accessTokenSeconds?: number;
  /** Whether the refresh token is sent in a cookie. Default: the service's. */
  readonly refreshCookie?: boolean;
  /** The lifetime of codes. Default: the service's. */
  readonly codeTtlSeconds?: number;
  /** How long an authentication counts as recent. Default: the service's. */
  readonly reauthMaxAgeSeconds?: number;
  /** Starts the service without built pages. */
  readonly unbuilt?: boolean;
}

/** Waits for the newest message to a contact. */
export async function messageTo(server: TestServer, to: string, after?: string): Promise<OutboxMessage> {
  const deadline = Date.now() + MESSAGE_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const message = (await server.outbox()).find((candidate) => candidate.to === to);
    if (message && message.id !== after) return message;
    await pause(50);
  }
  throw new Error(`No message to ${to} arrived.`);
}

/** Starts the service with its own database. */
export async function startServer(options: ServerOptions): Promise<TestServer> {
  const data = await mkdtemp(join(tmpdir(), 'countersign-e2e-'));
  const port = await freePort();
  mkdirSync(ARTEFACTS, { recursive: true });
  const origin = `http://127.0.0.1:${String(port)}`;
  const unlimited = Object.fromEntries(
    [
      ...['CONTACT_DAILY_SENDS', 'CONTACT_DAILY_GUESSES', 'CLIENT_SENDS_PER_MINUTE', 'CLIENT_GUESSES_PER_MINUTE'],
      ...['CLIENT_SIGN_INS_PER_MINUTE', 'CLIENT_SIGN_UPS_PER_MINUTE', 'CLIENT_LOOKUPS_PER_MINUTE'],
      ...['CLIENT_PROOFS_PER_MINUTE', 'CLIENT_REFRESHES_PER_MINUTE'],
    ].map((name) => [name, 'unlimited']),
  );
  const environment = {
    PATH: process.env['PATH'],
    LISTEN_ADDR: `127.0.0.1:${String(port)}`,
    PUBLIC_URL: origin,
    DATA_DIR: data,
    WEB_DIST: options.unbuilt === true ? join(data, 'unbuilt') : PAGES,
    SMS_PROVIDER: 'development',
    EMAIL_PROVIDER: 'development',
    TEST_CONTACTS: `${DELIVERED_TO}=246810:delivered,${UNDELIVERED_TO}=246810:undelivered`,
    // Tests enter Korean national numbers. Only the test contacts above get delivery receipts.
    DEFAULT_REGION: 'KR',
    DEVELOPMENT_RECEIPTS: 'off',
    CONTACT_UNDO_URL: `${origin}/demo/#/undo?{token}`,
    RESEND_COOLDOWN: `${String(options.resendCooldownSeconds ?? 0)}s`,
    ...(options.accessTokenSeconds !== undefined && {
      JWT_ACCESS_EXPIRES_IN: `${String(options.accessTokenSeconds)}s`,
    }),
    ...(options.refreshCookie !== undefined && { REFRESH_COOKIE: options.refreshCookie ? 'on' : 'off' }),
    ...(options.reauthMaxAgeSeconds !== undefined && { REAUTH_MAX_AGE: `${String(options.reauthMaxAgeSeconds)}s` }),
    ...(options.codeTtlSeconds !== undefined && { CODE_TTL: `${String(options.codeTtlSeconds)}s` }),
    ...unlimited,
  };
  let running: ChildProcess | null = null;
  const logFile = join(ARTEFACTS, `service-${String(port)}.log`);
  const log = openSync(logFile, 'a');

  const restart = async (): Promise<void> => {
    // Outside the repository, which may contain a developer's .env file.
    const program = spawn(PROGRAM, ['serve'], { cwd: data, env: environment, stdio: ['ignore', log, log] });
    running = program;
    let failure: unknown = null;
    program.once('error', (cause) => {
      failure = cause;
    });
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline && failure === null && program.exitCode === null) {
      if (await isReady(origin)) return;
      await pause(50);
    }
    throw new Error(`${PROGRAM} did not start; see ${logFile}.`, { cause: failure });
  };
  const kill = async (): Promise<void> => {
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  };
  const createUser = async ({ username, password, name, birthDate, phone, email }: NewUser): Promise<void> => {
    const facts = ['--name', name, '--birth-date', birthDate, '--phone', phone, '--email', email];
    const command = ['admin', 'create-user', '--username', username, ...facts];
    const program = spawn(PROGRAM, command, { cwd: data, env: environment, stdio: ['pipe', log, log] });
    program.stdin?.end(`${password}\n`);
    const [status] = (await once(program, 'exit')) as [number | null];
    if (status !== 0) throw new Error(`The account was not created; see ${logFile}.`);
  };
  await restart();
  return {
    origin,
    createUser,
    outbox: async () => {
      const response = await fetch(`${origin}/dev/outbox`, { headers: { accept: 'application/json' } });
      return (await response.json()) as OutboxMessage[];
    },
    kill,
    restart,
    dispose: async () => {
      await kill();
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function isReady(origin: string): Promise<boolean> {
  try {
    const response = await fetch(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    return response.ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
