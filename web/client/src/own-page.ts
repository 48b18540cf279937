/**
 * Sent with every request over HTTP. A page of another site cannot send such a header without asking first, so the service
 * believes a refresh token in a cookie only where it came with one.
 */
export const OWN_PAGE = { 'x-requested-with': 'countersign' } as const;
