import { FLOWS } from './flows/index.ts';

/** A tab as GraphiQL remembers it. */
export interface Tab {
  readonly id: string;
  readonly hash: string | null;
  title: string;
  readonly query: string | null;
  readonly variables: string | null;
  readonly headers: string | null;
  readonly operationName: string | null;
  readonly response: string | null;
}

export interface Tabs {
  readonly tabs: readonly Tab[];
  readonly activeTabIndex: number;
}

export interface InitialContents {
  readonly initialQuery?: string;
  readonly initialVariables?: string;
  readonly initialHeaders?: string;
}

const KEY = 'graphiql:tabState';
const TITLES: ReadonlyMap<string, string> = new Map(FLOWS.map(({ id, title }) => [id, title]));

/**
 * Gives the tabs of the flows their titles back. GraphiQL names a tab after the operation that ran last, at every change,
 * and then calls `onTabChange` with the state that it is about to take.
 */
export function keepTitles({ tabs }: { readonly tabs: readonly { readonly id: string; title: string }[] }): void {
  for (const tab of tabs) tab.title = TITLES.get(tab.id) ?? tab.title;
}

/**
 * Puts the tabs where GraphiQL looks for them, those of the last visit or one for each flow, and returns the contents of
 * the active one.
 *
 * GraphiQL restores all tabs, but compares the active one with these contents, and adds an empty tab if they differ.
 */
export function openTabs(storage: Pick<Storage, 'getItem' | 'setItem'>): InitialContents {
  const state = remembered(storage.getItem(KEY)) ?? firstVisit();
  keepTitles(state);
  storage.setItem(KEY, JSON.stringify(state));
  const active = state.tabs[state.activeTabIndex];
  if (!active) return {};
  const { query, variables, headers } = active;
  return {
    ...(query !== null && { initialQuery: query }),
    ...(variables !== null && { initialVariables: variables }),
    ...(headers !== null && { initialHeaders: headers }),
  };
}

function firstVisit(): Tabs {
  const tabs = FLOWS.map((flow) => ({ ...flow, hash: null, operationName: null, response: null }));
  return { tabs, activeTabIndex: 0 };
}

/** Null for no tabs, and for anything that GraphiQL would not restore. */
function remembered(state: string | null): Tabs | null {
  try {
    const { tabs, activeTabIndex } = JSON.parse(state ?? '') as Tabs;
    return tabs.every(isTab) && tabs[activeTabIndex] ? { tabs, activeTabIndex } : null;
  } catch {
    return null;
  }
}

function isTab(value: unknown): value is Tab {
  const { id, title, ...rest } = value as Record<keyof Tab, unknown>;
  const isTextOrNull = (field: unknown): boolean => typeof field === 'string' || field === null;
  return (
    typeof id === 'string' &&
    typeof title === 'string' &&
    [rest.query, rest.variables, rest.headers, rest.operationName, rest.response].every(isTextOrNull)
  );
}
