import WebSocket from 'ws';

// Node 20 has no global WebSocket.
if (!('WebSocket' in globalThis)) Object.assign(globalThis, { WebSocket });
