import type { ServiceFault } from '../failure.ts';
import type { Proof, Verification, VerificationProblem } from './types.ts';

/** What is being asked of the service. */
export type Act = 'send' | 'resend' | 'confirm' | 'cancel';

/**
 * How news of the verification comes in.
 *
 * - `none`: nothing was heard of it yet, or nobody listens
 * - `live`: as it happens
 * - `late`: the stream was lost and comes back by itself; until then the service is asked now and then
 */
export type News = 'none' | 'live' | 'late';

interface Facts {
  /** The act under way, if any. */
  readonly busy: Act | null;
  /** What became of the newest act, where it did not succeed. A new act clears it. */
  readonly problem: VerificationProblem | null;
  readonly news: News;
}

/** Nothing was sent yet. */
export interface Idle extends Facts {
  readonly phase: 'idle';
  readonly verification: null;
  readonly proof: null;
}

/** A code is on its way, or waits to be typed. */
export interface Waiting extends Facts {
  readonly phase: 'waiting';
  readonly verification: Verification;
  readonly proof: null;
}

/** The code was right: here is the proof. */
export interface Proved extends Facts {
  readonly phase: 'proved';
  readonly verification: Verification;
  readonly proof: Proof;
}

/** Nothing more can come of it: expired, locked, canceled, or confirmed by somebody who did not tell us the proof. */
export interface Over extends Facts {
  readonly phase: 'over';
  readonly verification: Verification;
  readonly proof: null;
}

export type VerificationState = Idle | Waiting | Proved | Over;

export type VerificationEvent =
  | { readonly type: 'began'; readonly act: Act }
  | { readonly type: 'ended'; readonly problem: VerificationProblem | null }
  | { readonly type: 'seen'; readonly verification: Verification }
  | { readonly type: 'proved'; readonly verification: Verification; readonly proof: Proof }
  | { readonly type: 'watched' }
  | { readonly type: 'live'; readonly live: boolean }
  | { readonly type: 'lost' }
  | { readonly type: 'reset' };

/** The service knows the watched verification no more, as after its clean-up. */
const LOST: ServiceFault = { __typename: 'ServiceFault', code: 'NOT_FOUND', requestId: null, retryAfterSeconds: null };

export const IDLE: Idle = { phase: 'idle', verification: null, proof: null, busy: null, problem: null, news: 'none' };

/** The state after an event. Pure: all that the flow does beside this is talk to the service. */
export function after(state: VerificationState, event: VerificationEvent): VerificationState {
  switch (event.type) {
    case 'began':
      return { ...state, busy: event.act, problem: null };
    case 'ended':
      return settle({ ...state, busy: null, problem: event.problem });
    case 'seen':
      return settle(seen(state, event.verification));
    case 'proved':
      return {
        ...state,
        phase: 'proved',
        verification: newer(state.verification, event.verification),
        proof: event.proof,
      };
    case 'watched':
      return withNews(state, 'none');
    case 'live':
      if (event.live) return withNews(state, 'live');
      return state.news === 'live' ? withNews(state, 'late') : state;
    case 'lost':
      return settle({ ...state, problem: LOST });
    case 'reset':
      return IDLE;
  }
}

function withNews(state: VerificationState, news: News): VerificationState {
  return state.news === news ? state : { ...state, news };
}

function seen(state: VerificationState, verification: Verification): VerificationState {
  if (verification.id !== state.verification?.id) return { ...state, phase: 'waiting', verification, proof: null };
  // In the phase that it is in already; `settle` moves it on.
  return { ...state, verification: newer(state.verification, verification) } as VerificationState;
}

/**
 * Moves a verification that ended out of `waiting`. A confirmation under way holds it there: the stream may say VERIFIED
 * before the answer with the proof is here.
 */
function settle(state: VerificationState): VerificationState {
  if (state.phase !== 'waiting') return state;
  if (isGone(state.problem)) return { ...state, phase: 'over' };
  if (state.verification.status === 'PENDING') return state;
  if (state.verification.status === 'VERIFIED' && state.busy === 'confirm') return state;
  return { ...state, phase: 'over' };
}

function isGone(problem: VerificationProblem | null): boolean {
  return problem === LOST || problem?.__typename === 'VerificationNotFound';
}

/** Of two snapshots of one verification the one with the higher sequence; of two verifications the one that came last. */
export function newer(known: Verification | null, heard: Verification): Verification {
  return known?.id === heard.id && known.sequence >= heard.sequence ? known : heard;
}
