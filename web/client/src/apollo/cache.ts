import { InMemoryCache, type InMemoryCacheConfig } from '@apollo/client';

import result from '../generated/possible-types.ts';

/**
 * Apollo's cache, told which types each result union holds. Without that it loses the refusals.
 *
 * A page of its own types adds them by `possibleTypes`; `typePolicies` and the rest are as ever.
 */
export function countersignCache(config: InMemoryCacheConfig = {}): InMemoryCache {
  return new InMemoryCache({ ...config, possibleTypes: { ...result.possibleTypes, ...config.possibleTypes } });
}
