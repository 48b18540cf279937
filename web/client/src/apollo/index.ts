export { countersignCache } from './cache.ts';
export { countersignLink, sessionLink, streamLink, type LinkOptions } from './links.ts';
export { apolloAdapter, toRequestError } from './adapter.ts';
