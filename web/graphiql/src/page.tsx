import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import type { ReactNode } from 'react';

import { Autofill } from './autofill/autofill.ts';
import { fetcher } from './fetcher.ts';
import { FLOWS } from './flows/index.ts';
import { OUTBOX_PLUGIN } from './outbox/plugin.tsx';
import { restoreTitles, openTabs } from './tabs.ts';
import { WordWrap } from './word-wrap.ts';

const contents = openTabs(localStorage);

/** Whether there is room for a third pane. */
const isWide = window.matchMedia('(min-width: 70rem)').matches;

export interface PageProps {
  /** Whether the service exposes its outbox and the demo. */
  readonly isDevelopment: boolean;
}

export function Page({ isDevelopment }: PageProps): ReactNode {
  return (
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={[...FLOWS]}
      defaultEditorToolsVisibility="variables"
      {...contents}
      onTabChange={restoreTitles}
      shouldPersistHeaders
      inputValueDeprecation
      plugins={isDevelopment ? [OUTBOX_PLUGIN, HISTORY_PLUGIN] : [HISTORY_PLUGIN]}
      {...(isDevelopment && isWide && { visiblePlugin: OUTBOX_PLUGIN })}
    >
      <GraphiQL.Logo>
        <span className="logo">
          <img src="/icon.svg" alt="" width="22" height="22" />
          Countersign
          {isDevelopment && <a href="/demo/">Open the demo</a>}
        </span>
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, merge, copy }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <WordWrap />
            <Autofill />
          </>
        )}
      </GraphiQL.Toolbar>
    </GraphiQL>
  );
}
