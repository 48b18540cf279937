import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import type { ReactNode } from 'react';

import { FLOWS } from './flows/index.ts';
import { OUTBOX_PLUGIN } from './outbox/plugin.tsx';
import { WordWrap } from './word-wrap.ts';

const ENDPOINT = new URL('/graphql', location.href);

/** Headers of a tab go into the WebSocket's init payload too, so `authorization` works for subscriptions. */
const fetcher = createGraphiQLFetcher({
  url: ENDPOINT.href,
  subscriptionUrl: ENDPOINT.href.replace(/^http/, 'ws'),
});

/**
 * GraphiQL fills the first tab's query from its defaults, but neither its variables nor its headers: on the first visit
 * they are handed over by themselves, later they come out of what it remembers.
 */
const isFirstVisit = localStorage.getItem('graphiql:tabState') === null;
const first =
  isFirstVisit && FLOWS[0] ? { initialVariables: FLOWS[0].variables, initialHeaders: FLOWS[0].headers } : {};

/** Wide enough for a third pane beside the editor and the answer. */
const isWide = window.matchMedia('(min-width: 70rem)').matches;

export interface PageProps {
  /** Whether the service shows its outbox and the demo. */
  readonly isDevelopment: boolean;
}

export function Page({ isDevelopment }: PageProps): ReactNode {
  return (
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={[...FLOWS]}
      defaultEditorToolsVisibility="variables"
      {...first}
      shouldPersistHeaders
      inputValueDeprecation
      plugins={isDevelopment ? [OUTBOX_PLUGIN, HISTORY_PLUGIN] : [HISTORY_PLUGIN]}
      {...(isDevelopment && isWide && { visiblePlugin: OUTBOX_PLUGIN })}
    >
      <GraphiQL.Logo>
        <span className="logo">
          <img src="/icon.svg" alt="" width="22" height="22" />
          Countersign
          {isDevelopment && <a href="/demo/">See the demo</a>}
        </span>
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, merge, copy }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <WordWrap />
          </>
        )}
      </GraphiQL.Toolbar>
    </GraphiQL>
  );
}
