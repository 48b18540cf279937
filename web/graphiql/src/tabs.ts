import { FLOWS } from './flows/index.ts';

/** A tab in the format that GraphiQL stores. */
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
 * Restores the titles of the flow tabs. On every change GraphiQL names a tab after its last operation, and then calls
 * `onTabChange` with the new state.
 */
export function restoreTitles({ tabs }: { readonly tabs: readonly { readonly id: string; title: string }[] }): void {
  for (const tab of tabs) tab.title = TITLES.get(tab.id) ?? tab.title;
}

/**
 * Writes the tabs to GraphiQL's storage (the stored tabs, or one for each flow) and returns the contents of the active one.
 *
 * GraphiQL restores all tabs, but adds an empty one if these contents differ from the active tab.
 */
export function openTabs(storage: Pick<Storage, 'getItem' | 'setItem'>): InitialContents {
  const state = restoredTabs(storage.getItem(KEY)) ?? defaultTabs();
  restoreTitles(state);
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

function defaultTabs(): Tabs {
  const tabs = FLOWS.map((flow) => ({ ...flow, hash: null, operationName: null, response: null }));
  return { tabs, activeTabIndex: 0 };
}

/** Parses the stored tabs. Null if there are none, or if GraphiQL could not restore them. */
function restoredTabs(state: string | null): Tabs | null {
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
