import { useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';

/** Wraps long lines of the query editor, which stands between two panes and is often narrow. Shows nothing. */
export function WordWrap(): null {
  const editor = useGraphiQL((state) => state.queryEditor);
  useEffect(() => {
    editor?.updateOptions({ wordWrap: 'on', wrappingIndent: 'indent' });
  }, [editor]);
  return null;
}
