import type { GraphiQLPlugin } from '@graphiql/react';
import { useEffect, useRef, useState, type ReactNode } from 'react';

import { publishValues } from '../autofill/autofill-store.ts';
import { readOutbox, type Message } from './outbox.ts';

const POLL_INTERVAL_MS = 1_500;

/** Shows the captured messages. The newest code is filled into the variables; each code can be copied. */
export const OUTBOX_PLUGIN: GraphiQLPlugin = { title: 'Outbox', icon: Envelope, content: Outbox };

function Outbox(): ReactNode {
  const messages = useMessages();
  return (
    <section className="outbox" aria-label="Outbox">
      <h2 className="graphiql-doc-explorer-title">Outbox</h2>
      <p>Development mode: messages are captured here instead of being sent, newest first.</p>
      {messages.length === 0 ? (
        <p className="outbox-empty">No messages yet. Run the operations of the first tab.</p>
      ) : (
        <ol>
          {messages.map((message) => (
            <li key={message.id}>
              <MessageCard message={message} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function MessageCard({ message }: { readonly message: Message }): ReactNode {
  const time = new Date(message.createdAt);
  return (
    <article>
      <header>
        <span>{message.channel}</span>
        <span>{message.to}</span>
        <time dateTime={message.createdAt}>{time.toLocaleTimeString()}</time>
      </header>
      {message.subject !== null && <h3>{message.subject}</h3>}
      <p>{message.text}</p>
      {message.code !== null && <CopyButton text={message.code} />}
    </article>
  );
}

function CopyButton({ text }: { readonly text: string }): ReactNode {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(setCopied, 1_500, false);
    return () => {
      clearTimeout(timer);
    };
  }, [copied]);
  return (
    <button
      type="button"
      className="outbox-code"
      onClick={() => {
        publishValues({ code: text });
        void navigator.clipboard.writeText(text).then(() => {
          setCopied(true);
        });
      }}
    >
      <code>{text}</code>
      <span aria-live="polite">{copied ? 'Copied' : 'Copy'}</span>
    </button>
  );
}

function useMessages(): readonly Message[] {
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const known = useRef<readonly Message[] | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const poll = async (): Promise<void> => {
      const found = await readOutbox(stop.signal);
      if (!found || stop.signal.aborted) return;
      const [newest] = found;
      const before = known.current;
      // Unchanged: skip the render, which would clear a text selection.
      if (before && before[0]?.id === newest?.id) return;
      known.current = found;
      setMessages(found);
      // Messages from before the page was opened belong to earlier verifications.
      if (before && newest && newest.code !== null) publishValues({ code: newest.code });
    };
    void poll();
    const timer = setInterval(() => void poll(), POLL_INTERVAL_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, []);
  return messages;
}

function Envelope(): ReactNode {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <rect x="3" y="5" width="18" height="14" rx="2" />
      <path d="M4 7l8 6 8-6" />
    </svg>
  );
}
