import { useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';

/** Enables line wrapping in the query editor, which is often narrow. Renders nothing. */
export function WordWrap(): null {
  const editor = useGraphiQL((state) => state.queryEditor);
  useEffect(() => {
    editor?.updateOptions({ wordWrap: 'on', wrappingIndent: 'indent' });
  }, [editor]);
  return null;
}
