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

/** The messages, newest first; null where the service shows none, as anywhere but in development. */
export async function readOutbox(signal?: AbortSignal): Promise<readonly Message[] | null> {
  try {
    const response = await fetch('/dev/outbox', { headers: { accept: 'application/json' }, signal: signal ?? null });
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    return response.ok && isJson ? ((await response.json()) as Message[]) : null;
  } catch {
    return null;
  }
}

export async function hasOutbox(): Promise<boolean> {
  return (await readOutbox()) !== null;
}
