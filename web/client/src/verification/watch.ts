import type { ClientAdapter } from '../adapter.ts';
import { backoff, pageWakeEvents, type WakeEvents } from '../backoff.ts';
import type { Failure } from '../failure.ts';
import { VerificationDocument, VerificationStatusDocument } from '../generated/graphql.ts';
import type { Connection } from '../transport/connection.ts';
import type { VerificationEvent } from './state.ts';

/** The poll interval while no stream is live. */
const POLL_INTERVAL_MS = 4_000;

export interface WatchOptions {
  /** The connection of the stream transport. With it, a lost socket is detected at once. */
  readonly connection?: Connection;
  readonly wakeEvents?: WakeEvents;
}

/** The events that a watch emits. */
export type WatchEvent = Extract<VerificationEvent, { type: 'snapshot' | 'live' | 'notFound' }>;

/**
 * Watches one verification from `start` to `stop`.
 *
 * Each event of the subscription is a complete snapshot, and a new subscription begins with the current one, so a lost
 * connection loses no change. While no stream is live, for example on networks that block streams, the verification is
 * polled.
 */
export class Watch {
  readonly #adapter: ClientAdapter;
  readonly #id: string;
  readonly #emit: (event: WatchEvent) => void;
  readonly #options: WatchOptions;
  readonly #cleanups: (() => void)[] = [];
  #closeStream: () => void = () => undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #hasSnapshot = false;
  #stopped = false;

  constructor(adapter: ClientAdapter, id: string, emit: (event: WatchEvent) => void, options: WatchOptions) {
    this.#adapter = adapter;
    this.#id = id;
    this.#options = options;
    this.#emit = (event) => {
      if (!this.#stopped) emit(event);
    };
  }

  start(): void {
    const { connection, wakeEvents = pageWakeEvents } = this.#options;
    const pollTimer = setInterval(() => {
      if (!this.#isLive()) this.#poll();
    }, POLL_INTERVAL_MS);
    this.#cleanups.push(
      () => {
        clearInterval(pollTimer);
      },
      wakeEvents(() => {
        this.#wake();
      }),
    );
    if (connection) {
      const unsubscribe = connection.subscribe(() => {
        // After a reconnect the stream is live again once the first snapshot has arrived.
        if (connection.get() !== 'open') this.#hasSnapshot = false;
        this.#emit({ type: 'live', live: this.#isLive() });
      });
      this.#cleanups.push(unsubscribe);
    }
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    this.#closeStream();
  }

  #open(): void {
    this.#retry = undefined;
    this.#closeStream = this.#adapter.stream(
      VerificationStatusDocument,
      { id: this.#id },
      {
        next: ({ verificationStatus }) => {
          this.#failures = 0;
          this.#hasSnapshot = true;
          this.#emit({ type: 'live', live: this.#isLive() });
          this.#emit({ type: 'snapshot', verification: verificationStatus });
        },
        error: (error) => {
          this.#ended(error.failure);
        },
        // When the verification ends, this watch is stopped before the stream completes. Otherwise the server has shut down.
        complete: () => {
          this.#ended(null);
        },
      },
    );
    // The first snapshot may have stopped this watch before `#closeStream` was assigned.
    if (this.#stopped) this.#closeStream();
  }

  #ended(failure: Failure | null): void {
    if (this.#stopped) return;
    this.#hasSnapshot = false;
    if (failure?.__typename === 'ServiceFault' && failure.code === 'NOT_FOUND') {
      this.#emit({ type: 'notFound' });
      return;
    }
    this.#emit({ type: 'live', live: false });
    this.#retry = setTimeout(() => {
      this.#open();
    }, backoff(this.#failures++));
  }

  #wake(): void {
    if (this.#retry !== undefined) {
      clearTimeout(this.#retry);
      this.#open();
    }
    this.#poll();
  }

  #poll(): void {
    this.#adapter.request(VerificationDocument, { id: this.#id }).then(
      ({ verification }) => {
        this.#emit(verification ? { type: 'snapshot', verification } : { type: 'notFound' });
      },
      () => {
        // Ignored: the next poll or the reconnected stream brings the snapshot.
      },
    );
  }

  #isLive(): boolean {
    return this.#hasSnapshot && (this.#options.connection?.get() ?? 'open') === 'open';
  }
}
