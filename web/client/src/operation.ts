import { Kind, OperationTypeNode, type DocumentNode } from 'graphql';

export function isMutation(document: DocumentNode): boolean {
  return document.definitions.some(
    (part) => part.kind === Kind.OPERATION_DEFINITION && part.operation === OperationTypeNode.MUTATION,
  );
}
