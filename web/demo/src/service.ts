import { renewOverHttp, Session, type StreamTransport } from '@countersign/client';
import { createEventStreamTransport } from '@countersign/client/sse';
import { createWebSocketTransport } from '@countersign/client/websocket';

import { getPreferences, type Preferences } from './preferences.ts';

export const ENDPOINT = '/graphql';

/** The session, shared by all tabs. */
export const session = new Session({ renew: renewOverHttp({ url: ENDPOINT }) });

const transports = new Map<Preferences['stream'], StreamTransport>();

/** Returns the transport of a kind. Both clients share it, and it connects on first use. */
export function transportOf(kind: Preferences['stream']): StreamTransport {
  const known = transports.get(kind);
  if (known) return known;
  const create = kind === 'websocket' ? createWebSocketTransport : createEventStreamTransport;
  const transport = create({ url: ENDPOINT, session });
  transports.set(kind, transport);
  return transport;
}

/** The language of refusals and of the messages that are sent. */
export function languageHeaders(): Record<string, string> {
  return { 'accept-language': getPreferences().language };
}
