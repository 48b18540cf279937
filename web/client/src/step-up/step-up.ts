import { failureOf } from '../failure.ts';
import { ReauthenticateDocument, type AuthenticationMethod, type ReauthenticateInput } from '../generated/graphql.ts';
import type { Session } from '../session/session.ts';
import type { Wire } from '../wire.ts';
import { reauthenticationRequiredIn, type ReauthenticationRequired, type StepUpProblem } from './types.ts';

/** No operation waits for an authentication. */
interface Idle {
  readonly phase: 'idle';
  readonly methods: readonly AuthenticationMethod[];
  readonly busy: false;
  readonly problem: null;
}

/** An operation waits until the person has authenticated again, or has canceled. */
interface Asking {
  readonly phase: 'asking';
  /** The methods to offer. */
  readonly methods: readonly AuthenticationMethod[];
  /** Whether an attempt is under way. */
  readonly busy: boolean;
  /** Why the newest attempt failed. A new attempt clears it. */
  readonly problem: StepUpProblem | null;
}

export type StepUpState = Idle | Asking;

export interface StepUpOptions {
  /** `apolloWire(client)` or `urqlWire(client)`. */
  readonly wire: Wire;
  readonly session: Session;
}

const IDLE: Idle = { phase: 'idle', methods: [], busy: false, problem: null };

/**
 * Repeats operations that need a recent authentication, once the person has given one: a store to subscribe to, and the
 * acts of a dialog. One for the whole page, since there is one person in front of it.
 */
export class StepUp {
  readonly #wire: Wire;
  readonly #session: Session;
  readonly #listeners = new Set<() => void>();
  /** The operations that wait; told whether to repeat. */
  readonly #waiting = new Set<(authenticated: boolean) => void>();
  #state: StepUpState = IDLE;
  #unwatchSession: () => void = () => undefined;

  constructor({ wire, session }: StepUpOptions) {
    this.#wire = wire;
    this.#session = session;
  }

  readonly getState = (): StepUpState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /**
   * Runs an operation. Where its result holds `ReauthenticationRequired`, the state becomes `asking`, and after a successful
   * authentication the operation is run once more. Resolves with the refusal where the person cancels, or where the
   * account has no method to offer.
   */
  readonly run = async <Result>(operation: () => Promise<Result>): Promise<Result> => {
    const sentWith = this.#session.elevatedBearer();
    const result = await operation();
    const required = reauthenticationRequiredIn(result);
    if (!required || !(await this.#authenticated(required, sentWith))) return result;
    return operation();
  };

  /** Authenticates by the account's password. */
  readonly withPassword = (password: string): Promise<StepUpState> => this.#attempt({ password });

  /** Authenticates by the proof of a verification with the purpose `STEP_UP`. */
  readonly withProof = (proofToken: string): Promise<StepUpState> => this.#attempt({ proofToken });

  /** Lets the waiting operations go with the refusal that they were answered. */
  readonly cancel = (): void => {
    this.#settle(false);
  };

  /** Whether the operation may be repeated. */
  #authenticated({ methods }: ReauthenticationRequired, sentWith: string | null): Promise<boolean> {
    const held = this.#session.elevatedBearer();
    // Another operation asked, and was given what this one needs, while this one was on its way.
    if (held !== null && held !== sentWith) return Promise.resolve(true);
    this.#session.lower();
    if (methods.length === 0 || !this.#session.isSignedIn()) return Promise.resolve(false);
    const repeat = new Promise<boolean>((resolve) => this.#waiting.add(resolve));
    if (this.#state.phase === 'idle') {
      this.#unwatchSession = this.#session.subscribe(() => {
        if (!this.#session.isSignedIn()) this.cancel();
      });
      this.#set({ phase: 'asking', methods, busy: false, problem: null });
    }
    return repeat;
  }

  async #attempt(input: ReauthenticateInput): Promise<StepUpState> {
    const { phase, methods, busy } = this.#state;
    if (phase === 'idle' || busy) return this.#state;
    const attempt: Asking = { phase, methods, busy: true, problem: null };
    this.#set(attempt);
    const end = (problem: StepUpProblem, offered = methods): void => {
      // Unless the person canceled meanwhile.
      if (this.#state === attempt) this.#set({ phase, methods: offered, busy: false, problem });
    };
    try {
      const { reauthenticate: result } = await this.#wire.request(ReauthenticateDocument, { input });
      if (result.__typename === 'ReauthenticationRequired') end(result, result.methods);
      else if (result.__typename !== 'ReauthenticatePayload') end(result);
      else if (this.#state === attempt) {
        this.#session.elevate(result);
        this.#settle(true);
      }
    } catch (thrown) {
      end(failureOf(thrown));
    }
    return this.#state;
  }

  #settle(authenticated: boolean): void {
    if (this.#state.phase === 'idle') return;
    this.#unwatchSession();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#set(IDLE);
    for (const resolve of waiting) resolve(authenticated);
  }

  #set(state: StepUpState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
