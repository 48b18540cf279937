/** The closed list of `extensions.code` that the service answers at the top level, and `UNKNOWN` for whatever else stands there. */
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

/** No answer came: the network, the proxy or the service is away. Whether the request was carried out is not known. */
export interface Unreachable {
  readonly __typename: 'Unreachable';
}

/** The service answered, but not with a result: something failed on its side, or the request was not one it takes. */
export interface ServiceFault {
  readonly __typename: 'ServiceFault';
  readonly code: FaultCode;
  /** To be quoted to whoever runs the service. */
  readonly requestId: string | null;
  /** When to come back, where the service says so. */
  readonly retryAfterSeconds: number | null;
}

/** What can go wrong beside the refusals of the schema. Told apart from them, and from each other, by `__typename`. */
export type Failure = Unreachable | ServiceFault;

/** A `Failure` on its way up. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly failure: Failure;

  constructor(failure: Failure, cause?: unknown) {
    super(failure.__typename === 'ServiceFault' ? `The service answered ${failure.code}` : 'No answer came', { cause });
    this.failure = failure;
  }
}

/** An error as it stands in `errors` of a GraphQL answer, or as far as it can be relied on. */
export interface TopLevelError {
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

export const UNREACHABLE: Unreachable = { __typename: 'Unreachable' };

/** The failure that a list of top-level errors stands for: its first one decides. */
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

/** The failure that an HTTP status stands for when no GraphQL answer came with it, as from a proxy. */
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

/** Whether the service would not honour the access token that came along. */
export function isUnauthenticated(errors: readonly TopLevelError[] | undefined): boolean {
  return errors?.some((error) => error.extensions?.['code'] === 'UNAUTHENTICATED') ?? false;
}

/** Whatever was thrown, as a failure. */
export function failureOf(thrown: unknown): Failure {
  return thrown instanceof WireError ? thrown.failure : UNREACHABLE;
}
