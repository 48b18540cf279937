export { FakeServer, type FakeServerOptions } from './server.ts';
export type { Message } from './verifications.ts';
