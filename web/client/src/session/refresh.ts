import { print } from 'graphql';

import { waitForRetry } from '../backoff.ts';
import { CSRF_HEADER } from '../csrf-header.ts';
import { failureOfStatus, faultOf, UNREACHABLE, RequestError, type TopLevelError } from '../failure.ts';
import { RefreshSessionDocument, type RefreshSessionMutation } from '../generated/graphql.ts';
import type { TokenPair } from './tokens.ts';

/** The time limit for a refresh, including retries. Other tabs wait for its result. */
const REQUEST_TIMEOUT_MS = 20_000;
/** The maximum number of attempts while the service returns `UNAVAILABLE`. */
const MAX_ATTEMPTS = 3;

/** New tokens, or the reason why the session has ended. */
export type Renewal =
  { readonly type: 'renewed'; readonly tokens: TokenPair } | { readonly type: 'ended'; readonly reason: EndReason };

export type EndReason = Extract<RefreshSessionMutation['refreshSession'], { __typename: 'RefreshRejected' }>['reason'];

/** Exchanges a refresh token; null means that the browser sends it in a cookie. Rejects with a `RequestError` if the outcome is unknown. */
export type Renew = (refreshToken: string | null) => Promise<Renewal>;

export interface RenewOptions {
  /** The GraphQL endpoint. */
  readonly url: string;
  /** Use `include` if the service has another origin and keeps the refresh token in a cookie. */
  readonly credentials?: RequestCredentials;
}

/**
 * Renews with a plain `fetch` instead of the page's GraphQL client: a refresh that passed through the session link would wait
 * for itself.
 */
export function renewOverHttp({ url, credentials = 'same-origin' }: RenewOptions): Renew {
  const query = print(RefreshSessionDocument);
  return async (refreshToken) => {
    const variables = { input: refreshToken === null ? {} : { refreshToken } };
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const send = (): Promise<unknown> =>
      post({ query, operationName: 'RefreshSession', variables }, { url, credentials, signal });
    const data = await retryUnavailable(send, signal);
    const result = (data as RefreshSessionMutation).refreshSession;
    switch (result.__typename) {
      case 'RefreshSessionPayload':
        return { type: 'renewed', tokens: result.tokens };
      case 'RefreshRejected':
        return { type: 'ended', reason: result.reason };
      case 'QuotaExceeded':
        throw new RequestError({
          __typename: 'ServiceFault',
          code: 'RATE_LIMITED',
          requestId: null,
          retryAfterSeconds: result.retryAfterSeconds,
        });
    }
  };
}

/**
 * Retries on UNAVAILABLE: the service is overloaded, or this process has not loaded the signing key of the token yet.
 * Sending the same token again is safe.
 */
async function retryUnavailable<Data>(send: () => Promise<Data>, signal: AbortSignal): Promise<Data> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await send();
    } catch (thrown) {
      if (failures === MAX_ATTEMPTS || signal.aborted || !isUnavailable(thrown)) throw thrown;
      await waitForRetry(failures);
    }
  }
}

function isUnavailable(thrown: unknown): boolean {
  if (!(thrown instanceof RequestError) || thrown.failure.__typename !== 'ServiceFault') return false;
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
        ...CSRF_HEADER,
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
  } catch (cause) {
    throw new RequestError(UNREACHABLE, cause);
  }
  try {
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    throw new RequestError(failureOfStatus(response.status), cause);
  }
  if (answer?.data) return answer.data;
  throw new RequestError(answer?.errors ? faultOf(answer.errors) : failureOfStatus(response.status));
}
