import WebSocket from 'ws';

// Node 20 has none; browsers do, and so does Node from 22 on.
if (!('WebSocket' in globalThis)) Object.assign(globalThis, { WebSocket });
