import type { ClientAdapter } from '../adapter.ts';
import { RequestError } from '../failure.ts';
import {
  CancelVerificationDocument,
  ConfirmVerificationCodeDocument,
  RequestPasswordResetDocument,
  ResendVerificationCodeDocument,
  SendVerificationCodeDocument,
  type Channel,
  type RequestPasswordResetInput,
  type SendVerificationCodeInput,
  type SendVerificationCodeMutation,
} from '../generated/graphql.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { ServerClock } from './server-clock.ts';
import { IDLE, reduce, type Action, type VerificationEvent, type VerificationState } from './state.ts';
import type { Proof, Verification, VerificationProblem } from './types.ts';
import { Watch, type WatchOptions } from './watch.ts';

/** The input of `sendVerificationCode` without the idempotency key, which the flow adds. */
export type SendRequest = Omit<SendVerificationCodeInput, 'idempotencyKey'>;

export interface FlowOptions extends WatchOptions {
  readonly clock?: ServerClock;
}

type SendResult = SendVerificationCodeMutation['sendVerificationCode'];

/** The result of an action: a new snapshot, a proof or a problem. */
type Outcome = Extract<VerificationEvent, { type: 'snapshot' | 'proved' }> | VerificationProblem;

/**
 * One verification from the first send to its proof, without a view: a store to subscribe to, and the actions.
 *
 * Actions run one after the other. A repeated call of an action in progress returns the same promise, so a double click and
 * React's StrictMode have no effect. A pending verification is watched while the flow has subscribers.
 */
export class VerificationFlow {
  readonly clock: ServerClock;
  readonly #adapter: ClientAdapter;
  readonly #options: WatchOptions;
  readonly #listeners = new Set<() => void>();
  readonly #keys = new IdempotencyKeys();
  readonly #inFlight = new Map<string, Promise<VerificationState>>();
  #lastAction: Promise<unknown> = Promise.resolve();
  #state: VerificationState = IDLE;
  #watched: { readonly id: string; readonly watch: Watch } | null = null;
  /** Incremented by `reset`. Results of actions of an earlier epoch are ignored. */
  #epoch = 0;

  constructor(adapter: ClientAdapter, { clock, ...options }: FlowOptions = {}) {
    this.#adapter = adapter;
    this.#options = options;
    this.clock = clock ?? new ServerClock();
  }

  readonly getState = (): VerificationState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#updateWatch();
    return () => {
      this.#listeners.delete(listener);
      this.#updateWatch();
    };
  };

  /** Sends a code. The same request again, while its verification is pending, returns that verification and sends nothing. */
  readonly send = (request: SendRequest): Promise<VerificationState> =>
    this.#run('send', request, async () => {
      const { key, isNew } = this.#keys.keyFor(request);
      const sentAt = Date.now();
      const data = await this.#adapter.request(SendVerificationCodeDocument, {
        input: { ...request, idempotencyKey: key },
      });
      const result = data.sendVerificationCode;
      if (isNew && result.__typename === 'SendVerificationCodePayload') {
        this.clock.observeCreated(sentAt, result.verification.createdAt);
      }
      return sendOutcome(result);
    });

  /** Requests a password reset. Its code is confirmed like any other, for a proof that `resetPassword` accepts. */
  readonly requestPasswordReset = (input: RequestPasswordResetInput): Promise<VerificationState> =>
    this.#run('send', input, async () => {
      const data = await this.#adapter.request(RequestPasswordResetDocument, { input });
      return sendOutcome(data.requestPasswordReset);
    });

  /** Sends the same code again, optionally over another channel. */
  readonly resend = (channel?: Channel): Promise<VerificationState> =>
    this.#run('resend', channel, async () => {
      const input = { verificationId: this.#id(), ...(channel && { channel }) };
      const data = await this.#adapter.request(ResendVerificationCodeDocument, { input });
      return sendOutcome(data.resendVerificationCode);
    });

  /** Confirms the code. If it is correct, the phase becomes `proved` and the state contains the proof. */
  readonly confirm = (code: string): Promise<VerificationState> =>
    this.#run('confirm', code, async () => {
      const input = { verificationId: this.#id(), code };
      const { confirmVerificationCode: result } = await this.#adapter.request(ConfirmVerificationCodeDocument, {
        input,
      });
      if (result.__typename !== 'ConfirmVerificationCodePayload') return result;
      return { type: 'proved', verification: result.verification, proof: result.proof };
    });

  /** Cancels the verification. Its code can no longer be confirmed. */
  readonly cancel = (): Promise<VerificationState> =>
    this.#run('cancel', undefined, async () => {
      const input = { verificationId: this.#id() };
      const { cancelVerification: result } = await this.#adapter.request(CancelVerificationDocument, { input });
      if (result.__typename !== 'CancelVerificationPayload') return result;
      return { type: 'snapshot', verification: result.verification };
    });

  /**
   * Continues a verification that was started elsewhere, such as the e-mail verification of a sign-up or the verification of a
   * page before its reload. With a proof, the verification is already confirmed.
   */
  readonly resume = (verification: Verification, proof?: Proof): void => {
    this.#apply(proof ? { type: 'proved', verification, proof } : { type: 'snapshot', verification });
  };

  /** Returns to the initial state. Results of actions in progress are ignored. */
  readonly reset = (): void => {
    this.#epoch += 1;
    this.#inFlight.clear();
    this.#apply({ type: 'reset' });
  };

  #run(action: Action, argument: unknown, work: () => Promise<Outcome>): Promise<VerificationState> {
    const name = JSON.stringify([action, argument]);
    const same = this.#inFlight.get(name);
    if (same) return same;
    const epoch = this.#epoch;
    const run = async (): Promise<VerificationState> => {
      if (epoch !== this.#epoch) return this.#state;
      this.#apply({ type: 'actionStarted', action });
      let problem: VerificationProblem | null = null;
      try {
        const outcome = await work();
        if (epoch !== this.#epoch) return this.#state;
        problem = this.#applyOutcome(outcome);
      } catch (thrown) {
        if (!(thrown instanceof RequestError)) throw thrown;
        problem = thrown.failure;
      } finally {
        if (epoch === this.#epoch) {
          this.#inFlight.delete(name);
          this.#apply({ type: 'actionFinished', problem });
        }
      }
      return this.#state;
    };
    const queued = this.#lastAction.then(run, run);
    this.#lastAction = queued;
    this.#inFlight.set(name, queued);
    return queued;
  }

  /** Applies the result of an action. Some refusals also contain a snapshot or the service's time. */
  #applyOutcome(outcome: Outcome): VerificationProblem | null {
    if ('type' in outcome) {
      this.#apply(outcome);
      return null;
    }
    if (outcome.__typename === 'VerificationNotPending')
      this.#apply({ type: 'snapshot', verification: outcome.verification });
    if (outcome.__typename === 'QuotaExceeded') this.clock.observeRemaining(outcome.retryAt, outcome.retryAfterSeconds);
    return outcome;
  }

  #id(): string {
    const id = this.#state.verification?.id;
    if (id === undefined) throw new Error('No verification has been started. Call send first.');
    return id;
  }

  #apply(event: VerificationEvent): void {
    if (event.type === 'snapshot') this.clock.observePast(event.verification.delivery.updatedAt);
    const next = reduce(this.#state, event);
    if (next === this.#state) return;
    this.#state = next;
    if (next.phase === 'proved' || next.phase === 'ended') this.#keys.clear();
    this.#updateWatch();
    for (const listener of this.#listeners) listener();
  }

  #updateWatch(): void {
    const id = this.#state.phase === 'waiting' && this.#listeners.size > 0 ? this.#state.verification.id : null;
    if (id === (this.#watched?.id ?? null)) return;
    this.#watched?.watch.stop();
    this.#watched = null;
    this.#apply({ type: 'watchChanged' });
    if (id === null) return;
    const watch = new Watch(
      this.#adapter,
      id,
      (event) => {
        this.#apply(event);
      },
      this.#options,
    );
    this.#watched = { id, watch };
    watch.start();
  }
}

function sendOutcome(result: SendResult): Outcome {
  if (result.__typename !== 'SendVerificationCodePayload') return result;
  return { type: 'snapshot', verification: result.verification };
}
