import { describe, expect, it, vi } from 'vitest';

import { restoreTitles, openTabs } from '../src/tabs.ts';

vi.mock('../src/flows/index.ts', () => ({
  FLOWS: [
    { id: 'flow-a', title: 'First', query: 'first', variables: '{}', headers: '{"a": "b"}' },
    { id: 'flow-b', title: 'Second', query: 'second', variables: '{}', headers: '{}' },
  ],
}));

const KEY = 'graphiql:tabState';

function opened(state: string | null) {
  const values = new Map(state === null ? [] : [[KEY, state]]);
  const contents = openTabs({
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => values.set(key, value),
  });
  return {
    contents,
    stored: JSON.parse(values.get(KEY) ?? '') as { tabs: { title: string }[]; activeTabIndex: number },
  };
}

const tab = { hash: null, operationName: null, response: null };
const first = { initialQuery: 'first', initialVariables: '{}', initialHeaders: '{"a": "b"}' };

describe('the tabs', () => {
  it('are the flow tabs on the first visit', () => {
    const { contents, stored } = opened(null);
    expect(contents).toEqual(first);
    expect(stored.tabs.map(({ title }) => title)).toEqual(['First', 'Second']);
  });

  it('are restored, with the titles of the flow tabs', () => {
    const tabs = [
      { ...tab, id: 'flow-a', title: 'Renamed', query: '{ a }', variables: null, headers: null },
      { ...tab, id: 'mine', title: 'Mine', query: '{ b }', variables: '{"x": 1}', headers: '{"h": "1"}' },
    ];
    expect(opened(JSON.stringify({ tabs, activeTabIndex: 0 })).contents).toEqual({ initialQuery: '{ a }' });
    const { contents, stored } = opened(JSON.stringify({ tabs, activeTabIndex: 1 }));
    expect(contents).toEqual({ initialQuery: '{ b }', initialVariables: '{"x": 1}', initialHeaders: '{"h": "1"}' });
    expect(stored.tabs.map(({ title }) => title)).toEqual(['First', 'Mine']);
    expect(stored.activeTabIndex).toBe(1);
  });

  it.each(['', 'null', '{}', '{"tabs":[],"activeTabIndex":3}', '[', '{"tabs":[{"query":"{ a }"}],"activeTabIndex":0}'])(
    'are the flow tabs if %j is stored',
    (state) => {
      expect(opened(state).contents).toEqual(first);
    },
  );

  it('keep their titles after GraphiQL has renamed them', () => {
    const tabs = [
      { id: 'flow-b', title: 'RenamedByOperation' },
      { id: 'mine', title: 'Other' },
    ];
    restoreTitles({ tabs });
    expect(tabs.map(({ title }) => title)).toEqual(['Second', 'Other']);
  });
});
