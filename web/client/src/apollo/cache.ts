import { InMemoryCache, type InMemoryCacheConfig } from '@apollo/client';

import result from '../generated/possible-types.ts';

/**
 * An `InMemoryCache` with the `possibleTypes` of the Countersign schema. Without them Apollo drops fields that are selected
 * through a fragment on an interface.
 *
 * `config.possibleTypes` is merged in; all other options are passed on unchanged.
 */
export function countersignCache(config: InMemoryCacheConfig = {}): InMemoryCache {
  return new InMemoryCache({ ...config, possibleTypes: { ...result.possibleTypes, ...config.possibleTypes } });
}
