import { WireError } from '../failure.ts';
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
import type { Wire } from '../wire.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { ServerClock } from './server-clock.ts';
import { after, IDLE, type Act, type VerificationEvent, type VerificationState } from './state.ts';
import type { Proof, Verification, VerificationProblem } from './types.ts';
import { Watch, type WatchOptions } from './watch.ts';

/** What to send, to whom and what for. The idempotency key is the flow's business. */
export type SendRequest = Omit<SendVerificationCodeInput, 'idempotencyKey'>;

export interface FlowOptions extends WatchOptions {
  readonly clock?: ServerClock;
}

type SendResult = SendVerificationCodeMutation['sendVerificationCode'];

/** What an act came to: the news it brought, or what stood in its way. */
type Outcome = Extract<VerificationEvent, { type: 'seen' | 'proved' }> | VerificationProblem;

/**
 * One verification from the first send to its proof, without any view: a store to subscribe to, and the acts.
 *
 * Acts go one after the other, and one that is asked for again while it is under way is not done twice: a double click and
 * React's StrictMode cost nothing. A waiting verification is watched as long as somebody subscribes to the flow.
 */
export class VerificationFlow {
  readonly clock: ServerClock;
  readonly #wire: Wire;
  readonly #options: WatchOptions;
  readonly #listeners = new Set<() => void>();
  readonly #keys = new IdempotencyKeys();
  readonly #underWay = new Map<string, Promise<VerificationState>>();
  #lastAct: Promise<unknown> = Promise.resolve();
  #state: VerificationState = IDLE;
  #watched: { readonly id: string; readonly watch: Watch } | null = null;
  /** Raised by `reset`: what was asked for before it is not heard any more. */
  #life = 0;

  constructor(wire: Wire, { clock, ...options }: FlowOptions = {}) {
    this.#wire = wire;
    this.#options = options;
    this.clock = clock ?? new ServerClock();
  }

  readonly getState = (): VerificationState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#keepInSight();
    return () => {
      this.#listeners.delete(listener);
      this.#keepInSight();
    };
  };

  /** Sends a code. Asked for the same again while that waits, the service answers the same and sends nothing more. */
  readonly send = (request: SendRequest): Promise<VerificationState> =>
    this.#do('send', request, async () => {
      const { key, isNew } = this.#keys.of(request);
      const askedAt = Date.now();
      const data = await this.#wire.request(SendVerificationCodeDocument, {
        input: { ...request, idempotencyKey: key },
      });
      const result = data.sendVerificationCode;
      if (isNew && result.__typename === 'SendVerificationCodePayload') {
        this.clock.wroteSince(askedAt, result.verification.createdAt);
      }
      return sent(result);
    });

  /** Asks for a password reset. What it sends is confirmed like any code, for a proof that `resetPassword` takes. */
  readonly requestPasswordReset = (input: RequestPasswordResetInput): Promise<VerificationState> =>
    this.#do('send', input, async () => {
      const data = await this.#wire.request(RequestPasswordResetDocument, { input });
      return sent(data.requestPasswordReset);
    });

  /** Sends the same code once more, if wanted by another channel. */
  readonly resend = (channel?: Channel): Promise<VerificationState> =>
    this.#do('resend', channel, async () => {
      const input = { verificationId: this.#id(), ...(channel && { channel }) };
      const data = await this.#wire.request(ResendVerificationCodeDocument, { input });
      return sent(data.resendVerificationCode);
    });

  /** Confirms the code. Where it is right, the state is `proved` and holds the proof. */
  readonly confirm = (code: string): Promise<VerificationState> =>
    this.#do('confirm', code, async () => {
      const input = { verificationId: this.#id(), code };
      const { confirmVerificationCode: result } = await this.#wire.request(ConfirmVerificationCodeDocument, { input });
      if (result.__typename !== 'ConfirmVerificationCodePayload') return result;
      return { type: 'proved', verification: result.verification, proof: result.proof };
    });

  /** Gives the verification up: its code is worth nothing from then on. */
  readonly cancel = (): Promise<VerificationState> =>
    this.#do('cancel', undefined, async () => {
      const input = { verificationId: this.#id() };
      const { cancelVerification: result } = await this.#wire.request(CancelVerificationDocument, { input });
      if (result.__typename !== 'CancelVerificationPayload') return result;
      return { type: 'seen', verification: result.verification };
    });

  /**
   * Takes up a verification that something else started: a sign-up that waits for its e-mail code, or a page before its
   * reload. With the proof it is a confirmed one.
   */
  readonly resume = (verification: Verification, proof?: Proof): void => {
    this.#apply(proof ? { type: 'proved', verification, proof } : { type: 'seen', verification });
  };

  /** Back to the beginning. What is under way goes on, unheard. */
  readonly reset = (): void => {
    this.#life += 1;
    this.#underWay.clear();
    this.#apply({ type: 'reset' });
  };

  #do(act: Act, what: unknown, work: () => Promise<Outcome>): Promise<VerificationState> {
    const name = JSON.stringify([act, what]);
    const same = this.#underWay.get(name);
    if (same) return same;
    const life = this.#life;
    const run = async (): Promise<VerificationState> => {
      if (life !== this.#life) return this.#state;
      this.#apply({ type: 'began', act });
      let problem: VerificationProblem | null = null;
      try {
        const outcome = await work();
        if (life !== this.#life) return this.#state;
        problem = this.#heed(outcome);
      } catch (thrown) {
        if (!(thrown instanceof WireError)) throw thrown;
        problem = thrown.failure;
      } finally {
        if (life === this.#life) {
          this.#underWay.delete(name);
          this.#apply({ type: 'ended', problem });
        }
      }
      return this.#state;
    };
    const turn = this.#lastAct.then(run, run);
    this.#lastAct = turn;
    this.#underWay.set(name, turn);
    return turn;
  }

  /** Takes the news in. Refusals bring some too: how the verification stands, what time it is. */
  #heed(outcome: Outcome): VerificationProblem | null {
    if ('type' in outcome) {
      this.#apply(outcome);
      return null;
    }
    if (outcome.__typename === 'VerificationNotPending')
      this.#apply({ type: 'seen', verification: outcome.verification });
    if (outcome.__typename === 'QuotaExceeded') this.clock.saysAway(outcome.retryAt, outcome.retryAfterSeconds);
    return outcome;
  }

  #id(): string {
    const id = this.#state.verification?.id;
    if (id === undefined) throw new Error('Nothing was sent yet, so there is no verification to speak of.');
    return id;
  }

  #apply(event: VerificationEvent): void {
    if (event.type === 'seen') this.clock.hasPassed(event.verification.delivery.updatedAt);
    const next = after(this.#state, event);
    if (next === this.#state) return;
    this.#state = next;
    if (next.phase === 'proved' || next.phase === 'over') this.#keys.forget();
    this.#keepInSight();
    for (const listener of this.#listeners) listener();
  }

  #keepInSight(): void {
    const id = this.#state.phase === 'waiting' && this.#listeners.size > 0 ? this.#state.verification.id : null;
    if (id === (this.#watched?.id ?? null)) return;
    this.#watched?.watch.stop();
    this.#watched = null;
    this.#apply({ type: 'watched' });
    if (id === null) return;
    const watch = new Watch(
      this.#wire,
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

function sent(result: SendResult): Outcome {
  if (result.__typename !== 'SendVerificationCodePayload') return result;
  return { type: 'seen', verification: result.verification };
}
