export { countersignExchanges, sessionExchange, streamExchange, type ExchangeOptions } from './exchanges.ts';
export { useVerification } from './use-verification.ts';
export { urqlWire, wireErrorOf } from './wire.ts';
