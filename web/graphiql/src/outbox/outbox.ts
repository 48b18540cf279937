/** A message that the development provider captured. */
export interface Message {
  readonly id: string;
  readonly createdAt: string;
  readonly channel: string;
  readonly to: string;
  readonly subject: string | null;
  readonly text: string;
  /** Null for messages without a code, such as the notification about a changed password. */
  readonly code: string | null;
}

/** Without a response within this time, no outbox is shown. */
const TIMEOUT_MS = 3_000;

/** The messages, newest first; null outside development mode. */
export async function readOutbox(stop?: AbortSignal): Promise<readonly Message[] | null> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const signal = stop ? AbortSignal.any([stop, limit]) : limit;
  try {
    const response = await fetch('/dev/outbox', { headers: { accept: 'application/json' }, signal });
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    return response.ok && isJson ? ((await response.json()) as Message[]) : null;
  } catch {
    return null;
  }
}

export async function hasOutbox(): Promise<boolean> {
  return (await readOutbox()) !== null;
}
