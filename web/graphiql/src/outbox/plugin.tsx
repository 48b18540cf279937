import type { GraphiQLPlugin } from '@graphiql/react';
import { useEffect, useState, type ReactNode } from 'react';

import { readOutbox, type Message } from './outbox.ts';

const LOOK_EVERY_MS = 1_500;

/** The messages that the development provider keeps, with the code of each a click away from the clipboard. */
export const OUTBOX_PLUGIN: GraphiQLPlugin = { title: 'Outbox', icon: Envelope, content: Outbox };

function Outbox(): ReactNode {
  const messages = useMessages();
  return (
    <section className="outbox" aria-label="Outbox">
      <h2 className="graphiql-doc-explorer-title">Outbox</h2>
      <p>In development nothing is sent. What would have been is here, newest first.</p>
      {messages.length === 0 ? (
        <p className="outbox-empty">No message yet. Run the first tab.</p>
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
  useEffect(() => {
    const stop = new AbortController();
    const look = async (): Promise<void> => {
      const found = await readOutbox(stop.signal);
      // The same again draws nothing again, and leaves a selection in the text alone.
      if (found && !stop.signal.aborted) setMessages((known) => (known[0]?.id === found[0]?.id ? known : found));
    };
    void look();
    const timer = setInterval(() => void look(), LOOK_EVERY_MS);
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
