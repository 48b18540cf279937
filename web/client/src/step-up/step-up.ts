import type { ClientAdapter } from '../adapter.ts';
import { failureOf } from '../failure.ts';
import { ReauthenticateDocument, type AuthenticationMethod, type ReauthenticateInput } from '../generated/graphql.ts';
import type { Session } from '../session/session.ts';
import { reauthenticationRequiredIn, type ReauthenticationRequired, type StepUpProblem } from './types.ts';

/** No operation is waiting for reauthentication. */
interface Idle {
  readonly phase: 'idle';
  readonly methods: readonly AuthenticationMethod[];
  readonly busy: false;
  readonly problem: null;
}

/** An operation waits until the user has reauthenticated or canceled. */
interface Prompting {
  readonly phase: 'prompting';
  /** The methods to offer. */
  readonly methods: readonly AuthenticationMethod[];
  /** Whether an attempt is in progress. */
  readonly busy: boolean;
  /** Why the last attempt failed. A new attempt clears it. */
  readonly problem: StepUpProblem | null;
}

export type StepUpState = Idle | Prompting;

export interface StepUpOptions {
  /** `apolloAdapter(client)` or `urqlAdapter(client)`. */
  readonly adapter: ClientAdapter;
  readonly session: Session;
}

const IDLE: Idle = { phase: 'idle', methods: [], busy: false, problem: null };

/**
 * Repeats operations that need a recent authentication after the user has reauthenticated: a store to subscribe to, and the
 * methods for a dialog. Create one for the whole page.
 */
export class StepUp {
  readonly #adapter: ClientAdapter;
  readonly #session: Session;
  readonly #listeners = new Set<() => void>();
  /** Resolvers of the waiting operations. True repeats the operation. */
  readonly #waiting = new Set<(authenticated: boolean) => void>();
  #state: StepUpState = IDLE;
  #unsubscribeSession: () => void = () => undefined;

  constructor({ adapter, session }: StepUpOptions) {
    this.#adapter = adapter;
    this.#session = session;
  }

  readonly getState = (): StepUpState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /**
   * Runs an operation. If its result contains `ReauthenticationRequired`, the state becomes `prompting`, and after a successful
   * authentication the operation runs once more. Resolves with the refusal if the user cancels or if the account has no
   * method to offer.
   */
  readonly run = async <Result>(operation: () => Promise<Result>): Promise<Result> => {
    const sentWith = this.#session.stepUpToken();
    const result = await operation();
    const required = reauthenticationRequiredIn(result);
    if (!required || !(await this.#authenticated(required, sentWith))) return result;
    return operation();
  };

  /** Reauthenticates with the account's password. */
  readonly withPassword = (password: string): Promise<StepUpState> => this.#attempt({ password });

  /** Reauthenticates with the proof of a verification with the purpose `STEP_UP`. */
  readonly withProof = (proofToken: string): Promise<StepUpState> => this.#attempt({ proofToken });

  /** Resolves the waiting operations with their refusals. */
  readonly cancel = (): void => {
    this.#settle(false);
  };

  /** Whether the operation may be repeated. */
  #authenticated({ methods }: ReauthenticationRequired, sentWith: string | null): Promise<boolean> {
    const held = this.#session.stepUpToken();
    // Another operation obtained a step-up token while this one was in flight.
    if (held !== null && held !== sentWith) return Promise.resolve(true);
    this.#session.clearStepUpToken();
    if (methods.length === 0 || !this.#session.isSignedIn()) return Promise.resolve(false);
    const repeat = new Promise<boolean>((resolve) => this.#waiting.add(resolve));
    if (this.#state.phase === 'idle') {
      this.#unsubscribeSession = this.#session.subscribe(() => {
        if (!this.#session.isSignedIn()) this.cancel();
      });
      this.#set({ phase: 'prompting', methods, busy: false, problem: null });
    }
    return repeat;
  }

  async #attempt(input: ReauthenticateInput): Promise<StepUpState> {
    const { phase, methods, busy } = this.#state;
    if (phase === 'idle' || busy) return this.#state;
    const attempt: Prompting = { phase, methods, busy: true, problem: null };
    this.#set(attempt);
    const finish = (problem: StepUpProblem, offered = methods): void => {
      // Ignored if the user canceled meanwhile.
      if (this.#state === attempt) this.#set({ phase, methods: offered, busy: false, problem });
    };
    try {
      const { reauthenticate: result } = await this.#adapter.request(ReauthenticateDocument, { input });
      if (result.__typename === 'ReauthenticationRequired') finish(result, result.methods);
      else if (result.__typename !== 'ReauthenticatePayload') finish(result);
      else if (this.#state === attempt) {
        this.#session.setStepUpToken(result);
        this.#settle(true);
      }
    } catch (thrown) {
      finish(failureOf(thrown));
    }
    return this.#state;
  }

  #settle(authenticated: boolean): void {
    if (this.#state.phase === 'idle') return;
    this.#unsubscribeSession();
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
