import { FLOWS } from './flows/index.ts';

interface TabContents {
  readonly query: string | null;
  readonly variables: string | null;
  readonly headers: string | null;
}

export interface InitialContents {
  readonly initialQuery?: string;
  readonly initialVariables?: string;
  readonly initialHeaders?: string;
}

/**
 * What the tab in front opens with: what it held when the page was left, or the first flow.
 *
 * GraphiQL remembers all tabs, but of the one in front it looks only for what was edited, takes the rest for empty, and
 * then puts an empty tab beside the others; so it is told.
 */
export function activeTab(storage: Pick<Storage, 'getItem'>): InitialContents {
  const tab = remembered(storage.getItem('graphiql:tabState')) ?? FLOWS[0];
  if (!tab) return {};
  const { query, variables, headers } = tab;
  return {
    ...(query !== null && { initialQuery: query }),
    ...(variables !== null && { initialVariables: variables }),
    ...(headers !== null && { initialHeaders: headers }),
  };
}

function remembered(state: string | null): TabContents | null {
  try {
    const { tabs, activeTabIndex } = JSON.parse(state ?? '') as { tabs: TabContents[]; activeTabIndex: number };
    return tabs[activeTabIndex] ?? null;
  } catch {
    // Nothing, or nothing that can be read: as on the first visit.
    return null;
  }
}
