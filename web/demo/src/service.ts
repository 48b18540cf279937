import { renewOverHttp, Session, type StreamTransport } from '@countersign/client';
import { createEventStreamTransport } from '@countersign/client/sse';
import { createWebSocketTransport } from '@countersign/client/websocket';

import { getPreferences, type Preferences } from './preferences.ts';

export const ENDPOINT = '/graphql';

/** Who is signed in, in this tab and in all the others. */
export const session = new Session({ renew: renewOverHttp({ url: ENDPOINT }) });

const transports = new Map<Preferences['stream'], StreamTransport>();

/** One transport of a kind for the whole page, whichever client uses it. It opens nothing before it has to. */
export function transportOf(kind: Preferences['stream']): StreamTransport {
  const known = transports.get(kind);
  if (known) return known;
  const create = kind === 'websocket' ? createWebSocketTransport : createEventStreamTransport;
  const transport = create({ url: ENDPOINT, session });
  transports.set(kind, transport);
  return transport;
}

/** Refusals come in this language, and so do the messages that are sent. */
export function languageHeaders(): Record<string, string> {
  return { 'accept-language': getPreferences().language };
}
