/** A message as the development provider keeps it, instead of sending it. */
export interface Message {
  readonly id: string;
  readonly createdAt: string;
  readonly channel: string;
  readonly to: string;
  readonly subject: string | null;
  readonly text: string;
  /** Null for a message that carries none, such as the notice of a changed password. */
  readonly code: string | null;
}

/** A service that does not answer within this shows no outbox; the page does not wait longer. */
const ANSWER_WITHIN_MS = 3_000;

/** The messages, newest first; null where the service shows none, as anywhere but in development. */
export async function readOutbox(stop?: AbortSignal): Promise<readonly Message[] | null> {
  const limit = AbortSignal.timeout(ANSWER_WITHIN_MS);
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
