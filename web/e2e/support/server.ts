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

/** The service, as tests need it: somewhere to go, a process to kill, and what it would have sent. */
export interface TestServer {
  readonly origin: string;
  /** Makes an account with both contacts proved long ago, as the operator does. */
  createUser(user: NewUser): Promise<void>;
  /** What it would have sent, newest first. */
  outbox(): Promise<readonly OutboxMessage[]>;
  /** Ends the process without a warning. */
  kill(): Promise<void>;
  /** Starts it again, at the same address and with the same data. */
  restart(): Promise<void>;
  /** Everything away, for good. */
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

/** Guards against hanging, not bounds on speed: a debug build on a busy machine takes its time. */
const START_WITHIN_MS = 120_000;
const MESSAGE_WITHIN_MS = 120_000;

/** Contacts whose message always comes to the same end, so that a page can be seen to show it. Nothing is sent to them. */
export const DELIVERED_TO = 'delivered@example.com';
export const UNDELIVERED_TO = 'undelivered@example.com';

export interface ServerOptions {
  /** The wait between two codes to one contact; none where nothing is said, for tests that have the same person ask again. */
  readonly resendCooldownSeconds?: number;
  /** How long access tokens live; an hour where nothing is said. */
  readonly accessTokenSeconds?: number;
  /** Whether the refresh token travels in a cookie; left to the service's default where nothing is said. */
  readonly refreshCookie?: boolean;
  /** How long codes live; five minutes where nothing is said. */
  readonly codeTtlSeconds?: number;
  /** For how long an authentication counts as recent; left to the service's default where nothing is said. */
  readonly reauthMaxAgeSeconds?: number;
  /** Whether the pages were not built yet. */
  readonly unbuilt?: boolean;
}

/** The newest message to a contact; waits for it, since the dispatcher sends in its own time. */
export async function messageTo(server: TestServer, to: string, after?: string): Promise<OutboxMessage> {
  const deadline = Date.now() + MESSAGE_WITHIN_MS;
  while (Date.now() < deadline) {
    const message = (await server.outbox()).find((candidate) => candidate.to === to);
    if (message && message.id !== after) return message;
    await pause(50);
  }
  throw new Error('No message came.');
}

/** Starts the program, with a database of its own. */
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
    // Numbers are typed as in Korea, and no message is delivered but to the contacts above.
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
    // Away from the repository, where a developer's .env may lie.
    const program = spawn(PROGRAM, ['serve'], { cwd: data, env: environment, stdio: ['ignore', log, log] });
    running = program;
    let failure: unknown = null;
    program.once('error', (cause) => {
      failure = cause;
    });
    const deadline = Date.now() + START_WITHIN_MS;
    while (Date.now() < deadline && failure === null && program.exitCode === null) {
      if (await answers(origin)) return;
      await pause(50);
    }
    throw new Error(`${PROGRAM} does not start; ${logFile} has its last words.`, { cause: failure });
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
    if (status !== 0) throw new Error(`No account was made; ${logFile} says why.`);
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

async function answers(origin: string): Promise<boolean> {
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
