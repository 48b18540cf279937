import { Kind, type DocumentNode } from 'graphql';

import { WireError, type Failure } from '../../src/failure.ts';
import type { Verification } from '../../src/verification/types.ts';
import type { Watcher, Wire } from '../../src/wire.ts';

interface Asked {
  readonly name: string;
  readonly variables: Record<string, unknown>;
  answer(data: unknown): void;
  fail(failure: Failure): void;
}

interface Opened {
  readonly id: string;
  closed: boolean;
  next(verification: Verification): void;
  error(failure: Failure): void;
  complete(): void;
}

/** A wire whose other end the test holds: it sees what was asked, and answers when it likes. */
export class ScriptedWire implements Wire {
  readonly asked: Asked[] = [];
  readonly streams: Opened[] = [];

  request: Wire['request'] = (document, variables) =>
    new Promise((resolve, reject) => {
      this.asked.push({
        name: nameOf(document),
        variables,
        answer: (data) => {
          resolve(data as never);
        },
        fail: (failure) => {
          reject(new WireError(failure));
        },
      });
    });

  stream: Wire['stream'] = (_document, variables, watcher) => {
    const listener = watcher as unknown as Watcher<{ verificationStatus: Verification }>;
    const opened: Opened = {
      id: variables['id'] as string,
      closed: false,
      next: (verificationStatus) => {
        listener.next({ verificationStatus });
      },
      error: (failure) => {
        listener.error(new WireError(failure));
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

  get last(): Asked {
    const last = this.asked.at(-1);
    if (!last) throw new Error('Nothing was asked.');
    return last;
  }

  get openStream(): Opened {
    const last = this.streams.at(-1);
    if (!last) throw new Error('No stream was opened.');
    return last;
  }

  named(name: string): Asked[] {
    return this.asked.filter((asked) => asked.name === name);
  }
}

function nameOf(document: DocumentNode): string {
  const [operation] = document.definitions.filter((part) => part.kind === Kind.OPERATION_DEFINITION);
  return operation?.name?.value ?? '';
}
