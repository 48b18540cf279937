/**
 * Sent with every HTTP request. A page of another origin cannot send this header without a CORS preflight, so the service
 * accepts a refresh token in a cookie only together with it.
 */
export const CSRF_HEADER = { 'x-requested-with': 'countersign' } as const;
