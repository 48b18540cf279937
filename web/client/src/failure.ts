/** The closed list of `extensions.code` of top-level errors. Any other value becomes `UNKNOWN`. */
const FAULT_CODES = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_REQUEST',
  'TOO_COMPLEX',
  'RATE_LIMITED',
  'UNAVAILABLE',
  'INTERNAL',
] as const;

export type FaultCode = (typeof FAULT_CODES)[number] | 'UNKNOWN';

/** No response: the network, the proxy or the service is unavailable. Whether the request was executed is unknown. */
export interface Unreachable {
  readonly __typename: 'Unreachable';
}

/** A top-level error: the service failed, or it rejected the request. */
export interface ServiceFault {
  readonly __typename: 'ServiceFault';
  readonly code: FaultCode;
  /** For support requests to the operator of the service. */
  readonly requestId: string | null;
  /** The delay before the next attempt, if the service gives one. */
  readonly retryAfterSeconds: number | null;
}

/** Errors other than the refusals of the schema. `__typename` distinguishes them from refusals and from each other. */
export type Failure = Unreachable | ServiceFault;

/** The exception that carries a `Failure`. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly failure: Failure;

  constructor(failure: Failure, cause?: unknown) {
    super(
      failure.__typename === 'ServiceFault' ? `The service returned ${failure.code}` : 'No response from the service',
      { cause },
    );
    this.failure = failure;
  }
}

/** An entry of `errors` in a GraphQL response, with the fields that are used here. */
export interface TopLevelError {
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

export const UNREACHABLE: Unreachable = { __typename: 'Unreachable' };

/** Converts a list of top-level errors. The first one determines the result. */
export function faultOf(errors: readonly TopLevelError[]): ServiceFault {
  const extensions = errors[0]?.extensions ?? {};
  const { code, requestId, retryAfterSeconds } = extensions as Record<
    'code' | 'requestId' | 'retryAfterSeconds',
    unknown
  >;
  return {
    __typename: 'ServiceFault',
    code: FAULT_CODES.find((known) => known === code) ?? 'UNKNOWN',
    requestId: typeof requestId === 'string' ? requestId : null,
    retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : null,
  };
}

/** Converts an HTTP status without a GraphQL response, such as one from a proxy. */
export function failureOfStatus(status: number): Failure {
  const fault = (code: FaultCode): ServiceFault => ({
    __typename: 'ServiceFault',
    code,
    requestId: null,
    retryAfterSeconds: null,
  });
  if (status === 401) return fault('UNAUTHENTICATED');
  if (status === 403) return fault('FORBIDDEN');
  if (status === 429) return fault('RATE_LIMITED');
  if (status === 502 || status === 503 || status === 504) return fault('UNAVAILABLE');
  if (status >= 500) return fault('INTERNAL');
  if (status >= 400) return fault('BAD_REQUEST');
  return UNREACHABLE;
}

/** Whether the service rejected the access token. */
export function isUnauthenticated(errors: readonly TopLevelError[] | undefined): boolean {
  return errors?.some((error) => error.extensions?.['code'] === 'UNAUTHENTICATED') ?? false;
}

/** Converts a thrown value to a failure. */
export function failureOf(thrown: unknown): Failure {
  return thrown instanceof RequestError ? thrown.failure : UNREACHABLE;
}
