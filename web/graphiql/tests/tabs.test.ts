import { describe, expect, it, vi } from 'vitest';

import { keepTitles, openTabs } from '../src/tabs.ts';

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
  it('are those of the flows on the first visit, with their titles', () => {
    const { contents, stored } = opened(null);
    expect(contents).toEqual(first);
    expect(stored.tabs.map(({ title }) => title)).toEqual(['First', 'Second']);
  });

  it('are as they were left, but for the titles of the flows', () => {
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
    'are those of the flows where %j is remembered',
    (state) => {
      expect(opened(state).contents).toEqual(first);
    },
  );

  it('keep their titles when GraphiQL renames them', () => {
    const tabs = [
      { id: 'flow-b', title: 'RenamedByOperation' },
      { id: 'mine', title: 'Other' },
    ];
    keepTitles({ tabs });
    expect(tabs.map(({ title }) => title)).toEqual(['Second', 'Other']);
  });
});
