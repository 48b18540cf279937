export { countersignExchanges, sessionExchange, streamExchange, type ExchangeOptions } from './exchanges.ts';
export { urqlAdapter, toRequestError } from './adapter.ts';
