import { backoff, pageWakeUps, type WakeUps } from '../backoff.ts';
import type { Failure } from '../failure.ts';
import { VerificationDocument, VerificationStatusDocument } from '../generated/graphql.ts';
import type { Connection } from '../transport/connection.ts';
import type { Wire } from '../wire.ts';
import type { VerificationEvent } from './state.ts';

/** How often the service is asked while the stream says nothing. */
const ASK_EVERY_MS = 4_000;

export interface WatchOptions {
  /** The stream transport's connection: with it, `live` turns false the moment the socket is lost. */
  readonly connection?: Connection;
  readonly wakeUps?: WakeUps;
}

/** What a watch tells of. */
export type Tidings = Extract<VerificationEvent, { type: 'seen' | 'live' | 'lost' }>;

/**
 * Keeps one verification in sight from `start` to `stop`.
 *
 * The subscription tells what happens as it happens, whole each time, so nothing has to be caught up with after a gap: a
 * new subscription opens with the present state. Under it hangs a net for networks that let no stream through: while
 * none is live, the same is asked for by a query.
 */
export class Watch {
  readonly #wire: Wire;
  readonly #id: string;
  readonly #tell: (tidings: Tidings) => void;
  readonly #options: WatchOptions;
  readonly #undo: (() => void)[] = [];
  #closeStream: () => void = () => undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #heard = false;
  #stopped = false;

  constructor(wire: Wire, id: string, tell: (tidings: Tidings) => void, options: WatchOptions) {
    this.#wire = wire;
    this.#id = id;
    this.#options = options;
    this.#tell = (tidings) => {
      if (!this.#stopped) tell(tidings);
    };
  }

  start(): void {
    const { connection, wakeUps = pageWakeUps } = this.#options;
    const net = setInterval(() => {
      if (!this.#isLive()) this.#ask();
    }, ASK_EVERY_MS);
    this.#undo.push(
      () => {
        clearInterval(net);
      },
      wakeUps(() => {
        this.#wake();
      }),
    );
    if (connection) {
      const forget = connection.subscribe(() => {
        // After a reconnect the service opens with the present state; only hearing that makes the stream live again.
        if (connection.get() !== 'open') this.#heard = false;
        this.#tell({ type: 'live', live: this.#isLive() });
      });
      this.#undo.push(forget);
    }
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    for (const undo of this.#undo.splice(0)) undo();
    this.#closeStream();
  }

  #open(): void {
    this.#retry = undefined;
    this.#closeStream = this.#wire.stream(
      VerificationStatusDocument,
      { id: this.#id },
      {
        next: ({ verificationStatus }) => {
          this.#failures = 0;
          this.#heard = true;
          this.#tell({ type: 'live', live: this.#isLive() });
          this.#tell({ type: 'seen', verification: verificationStatus });
        },
        error: (error) => {
          this.#ended(error.failure);
        },
        // A stream completes when its verification is over, and by then we were stopped; otherwise the server went away.
        complete: () => {
          this.#ended(null);
        },
      },
    );
    // The stream may have told the end at once, before there was anything to close.
    if (this.#stopped) this.#closeStream();
  }

  #ended(failure: Failure | null): void {
    if (this.#stopped) return;
    this.#heard = false;
    if (failure?.__typename === 'ServiceFault' && failure.code === 'NOT_FOUND') {
      this.#tell({ type: 'lost' });
      return;
    }
    this.#tell({ type: 'live', live: false });
    this.#retry = setTimeout(() => {
      this.#open();
    }, backoff(this.#failures++));
  }

  #wake(): void {
    if (this.#retry !== undefined) {
      clearTimeout(this.#retry);
      this.#open();
    }
    this.#ask();
  }

  #ask(): void {
    this.#wire.request(VerificationDocument, { id: this.#id }).then(
      ({ verification }) => {
        this.#tell(verification ? { type: 'seen', verification } : { type: 'lost' });
      },
      () => {
        // The net is best effort: it is cast again in a moment, and the stream is trying too.
      },
    );
  }

  #isLive(): boolean {
    return this.#heard && (this.#options.connection?.get() ?? 'open') === 'open';
  }
}
