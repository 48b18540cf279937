import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { expect } from '@playwright/test';
import { serverAudits } from 'graphql-http';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { SubscriptionClient } from 'subscriptions-transport-ws';
import WebSocket from 'ws';

import { messageTo, type TestServer } from './support/server.ts';
import { serverTest as test } from './support/test.ts';
import { phoneNumber } from './support/visitor.ts';

/** Tests the server with third-party protocol clients and audits. */

let origin = '';

test.beforeAll(({ server }) => {
  ({ origin } = server);
});

test.describe('GraphQL over HTTP: audits of graphql-http', () => {
  for (const { id, name, fn } of serverAudits({ url: () => `${origin}/graphql` })) {
    test(`${id} ${name}`, async () => {
      // Recommendations (SHOULD) have to pass as well.
      expect(await fn()).toMatchObject({ status: 'ok' });
    });
  }
});

interface Snapshot {
  readonly status: string;
  readonly delivery: { readonly status: string };
}

interface Started {
  readonly id: string;
  /** The code that was sent. */
  readonly code: string;
}

const WATCH = `subscription Watch($id: ID!) { verificationStatus(id: $id) { status delivery { status } } }`;

async function request(query: string, variables: object): Promise<unknown> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return ((await response.json()) as { data: unknown }).data;
}

async function start(server: TestServer): Promise<Started> {
  const { phone, e164 } = phoneNumber();
  const answer = await request(
    `mutation Send($phone: String!) {
      sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) {
        ... on SendVerificationCodePayload { verification { id } }
      }
    }`,
    { phone },
  );
  const { sendVerificationCode } = answer as { sendVerificationCode: { verification: { id: string } } };
  const { code } = await messageTo(server, e164);
  return { id: sendVerificationCode.verification.id, code: code ?? '' };
}

async function confirm({ id, code }: Started): Promise<void> {
  const answer = await request(
    `mutation Confirm($id: ID!, $code: String!) {
      confirmVerificationCode(input: { verificationId: $id, code: $code }) { __typename }
    }`,
    { id, code },
  );
  expect(answer).toEqual({ confirmVerificationCode: { __typename: 'ConfirmVerificationCodePayload' } });
}

interface Sink {
  readonly next: (result: unknown) => void;
  readonly error: (cause: unknown) => void;
  readonly complete: () => void;
}

/** Watches a verification, confirms it after the first snapshot, and waits until the server completes the stream. */
async function watchToTheEnd(started: Started, subscribe: (sink: Sink) => void): Promise<void> {
  const seen: Snapshot[] = [];
  let confirming: Promise<void> | undefined;
  await new Promise<void>((resolve, reject) => {
    subscribe({
      next: (result) => {
        const { data } = result as { data?: { verificationStatus: Snapshot } };
        if (!data) {
          reject(new Error(JSON.stringify(result)));
          return;
        }
        seen.push(data.verificationStatus);
        confirming ??= confirm(started).catch(reject);
      },
      error: (cause) => {
        reject(cause instanceof Error ? cause : new Error(JSON.stringify(cause)));
      },
      complete: resolve,
    });
  });
  await confirming;
  expect(seen[0]).toMatchObject({ status: 'PENDING' });
  expect(seen.at(-1)).toMatchObject({ status: 'VERIFIED', delivery: { status: 'SENT' } });
}

const socketUrl = (): string => `${origin.replace('http', 'ws')}/graphql`;

test('graphql-ws: several subscriptions and a query on one socket', async ({ server }) => {
  const client = createSocketClient({ url: socketUrl(), webSocketImpl: WebSocket, retryAttempts: 0, lazy: false });
  const watched = await Promise.all([start(server), start(server), start(server)]);
  await Promise.all(
    watched.map((started) =>
      watchToTheEnd(started, (sink) => client.subscribe({ query: WATCH, variables: { id: started.id } }, sink)),
    ),
  );
  const answers = [];
  for await (const answer of client.iterate({ query: '{ __typename }' })) answers.push(answer);
  expect(answers).toEqual([{ data: { __typename: 'Query' } }]);
  await client.dispose();
});

test('graphql-ws: an invalid operation is rejected and the socket stays open', async () => {
  const client = createSocketClient({ url: socketUrl(), webSocketImpl: WebSocket, retryAttempts: 0 });
  const refusal = client.iterate({ query: 'subscription { nothing }' }).next();
  await expect(refusal).rejects.toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
  const { value } = (await client.iterate({ query: '{ __typename }' }).next()) as { value: unknown };
  expect(value).toEqual({ data: { __typename: 'Query' } });
  await client.dispose();
});

test('graphql-sse, distinct connections: a completed and a canceled subscription', async ({ server }) => {
  const client = createEventStreamClient({ url: `${origin}/graphql`, retryAttempts: 0 });
  const started = await start(server);
  const request = { query: WATCH, variables: { id: started.id } };
  const canceled = client.iterate(request);
  expect((await canceled.next()).value).toMatchObject({ data: { verificationStatus: { status: 'PENDING' } } });
  await canceled.return?.();
  await watchToTheEnd(started, (sink) => client.subscribe(request, sink));
  client.dispose();
});

test('subscriptions-transport-ws (legacy protocol): a subscription until completion', async ({ server }) => {
  const client = new SubscriptionClient(socketUrl(), { lazy: true, reconnect: false }, WebSocket);
  const started = await start(server);
  await watchToTheEnd(started, ({ next, error, complete }) =>
    client.request({ query: WATCH, variables: { id: started.id } }).subscribe({ next, error, complete }),
  );
  client.close();
});

test('Apollo Client, multipart over HTTP: a subscription until completion', async ({ server }) => {
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri: `${origin}/graphql` }),
  });
  const started = await start(server);
  const query = gql(WATCH);
  await watchToTheEnd(started, (sink) => client.subscribe({ query, variables: { id: started.id } }).subscribe(sink));
  client.stop();
});
