export { countersignExchanges, sessionExchange, streamExchange, type ExchangeOptions } from './exchanges.ts';
export { urqlWire, wireErrorOf } from './wire.ts';
