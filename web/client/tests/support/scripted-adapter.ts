import { Kind, type DocumentNode } from 'graphql';

import type { StreamObserver, ClientAdapter } from '../../src/adapter.ts';
import { RequestError, type Failure } from '../../src/failure.ts';
import type { Verification } from '../../src/verification/types.ts';

interface SentRequest {
  readonly name: string;
  readonly variables: Record<string, unknown>;
  answer(data: unknown): void;
  fail(failure: Failure): void;
}

interface OpenedStream {
  readonly id: string;
  closed: boolean;
  next(verification: Verification): void;
  error(failure: Failure): void;
  complete(): void;
}

/** A client adapter that records requests; the test sends the responses. */
export class ScriptedAdapter implements ClientAdapter {
  readonly requests: SentRequest[] = [];
  readonly streams: OpenedStream[] = [];

  request: ClientAdapter['request'] = (document, variables) =>
    new Promise((resolve, reject) => {
      this.requests.push({
        name: nameOf(document),
        variables,
        answer: (data) => {
          resolve(data as never);
        },
        fail: (failure) => {
          reject(new RequestError(failure));
        },
      });
    });

  stream: ClientAdapter['stream'] = (_document, variables, observer) => {
    const listener = observer as unknown as StreamObserver<{ verificationStatus: Verification }>;
    const opened: OpenedStream = {
      id: variables['id'] as string,
      closed: false,
      next: (verificationStatus) => {
        listener.next({ verificationStatus });
      },
      error: (failure) => {
        listener.error(new RequestError(failure));
      },
      complete: () => {
        listener.complete();
      },
    };
    this.streams.push(opened);
    return () => {
      opened.closed = true;
    };
  };

  get last(): SentRequest {
    const last = this.requests.at(-1);
    if (!last) throw new Error('No request was sent.');
    return last;
  }

  get openStream(): OpenedStream {
    const last = this.streams.at(-1);
    if (!last) throw new Error('No stream was opened.');
    return last;
  }

  named(name: string): SentRequest[] {
    return this.requests.filter((request) => request.name === name);
  }
}

function nameOf(document: DocumentNode): string {
  const [operation] = document.definitions.filter((part) => part.kind === Kind.OPERATION_DEFINITION);
  return operation?.name?.value ?? '';
}
