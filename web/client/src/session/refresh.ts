import { print } from 'graphql';

import { patience } from '../backoff.ts';
import { failureOfStatus, faultOf, UNREACHABLE, WireError, type TopLevelError } from '../failure.ts';
import { RefreshSessionDocument, type RefreshSessionMutation } from '../generated/graphql.ts';
import { OWN_PAGE } from '../own-page.ts';
import type { TokenPair } from './tokens.ts';

/** Within this a refresh is answered or given up: the other tabs wait for it. */
const ANSWER_WITHIN_MS = 20_000;
/** How often a refresh is asked for where the service is busy, or does not know the token's key yet. */
const ATTEMPTS = 3;

/** New tokens, or the service's word that this session is over. */
export type Renewal =
  { readonly type: 'renewed'; readonly tokens: TokenPair } | { readonly type: 'ended'; readonly reason: EndReason };

export type EndReason = Extract<RefreshSessionMutation['refreshSession'], { __typename: 'RefreshRejected' }>['reason'];

/** Exchanges a refresh token; null means that the browser sends it in a cookie. Rejects with a `WireError` where nothing was decided. */
export type Renew = (refreshToken: string | null) => Promise<Renewal>;

export interface RenewOptions {
  /** The GraphQL endpoint. */
  readonly url: string;
  /** `include` where the service stands on another origin and keeps the refresh token in a cookie. */
  readonly credentials?: RequestCredentials;
}

/**
 * Renews by a plain `fetch`, beside whatever GraphQL client the page uses: the request that mends a refused one must not
 * pass through the same links and wait for itself.
 */
export function renewOverHttp({ url, credentials = 'same-origin' }: RenewOptions): Renew {
  const query = print(RefreshSessionDocument);
  return async (refreshToken) => {
    const variables = { input: refreshToken === null ? {} : { refreshToken } };
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const ask = (): Promise<unknown> =>
      post({ query, operationName: 'RefreshSession', variables }, { url, credentials, signal });
    const data = await whileUnavailable(ask, signal);
    const result = (data as RefreshSessionMutation).refreshSession;
    switch (result.__typename) {
      case 'RefreshSessionPayload':
        return { type: 'renewed', tokens: result.tokens };
      case 'RefreshRejected':
        return { type: 'ended', reason: result.reason };
      case 'QuotaExceeded':
        throw new WireError({
          __typename: 'ServiceFault',
          code: 'RATE_LIMITED',
          requestId: null,
          retryAfterSeconds: result.retryAfterSeconds,
        });
    }
  };
}

/**
 * UNAVAILABLE decides nothing: the service is busy, or the process that answered has not read the key of this token yet.
 * Asking again with the same token is safe.
 */
async function whileUnavailable<Data>(ask: () => Promise<Data>, signal: AbortSignal): Promise<Data> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await ask();
    } catch (thrown) {
      if (failures === ATTEMPTS || signal.aborted || !isUnavailable(thrown)) throw thrown;
      await patience(failures);
    }
  }
}

function isUnavailable(thrown: unknown): boolean {
  if (!(thrown instanceof WireError) || thrown.failure.__typename !== 'ServiceFault') return false;
  return thrown.failure.code === 'UNAVAILABLE';
}

interface PostOptions extends Required<RenewOptions> {
  readonly signal: AbortSignal;
}

async function post(body: object, { url, credentials, signal }: PostOptions): Promise<unknown> {
  let response: Response;
  let answer: { data?: unknown; errors?: readonly TopLevelError[] } | null;
  try {
    response = await fetch(url, {
      method: 'POST',
      credentials,
      signal,
      headers: {
        ...OWN_PAGE,
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
  } catch (cause) {
    throw new WireError(UNREACHABLE, cause);
  }
  try {
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    throw new WireError(failureOfStatus(response.status), cause);
  }
  if (answer?.data) return answer.data;
  throw new WireError(answer?.errors ? faultOf(answer.errors) : failureOfStatus(response.status));
}
