import { expect, test } from './support/test.ts';
import { newPerson } from './support/visitor.ts';

test.use({ serverOptions: { refreshCookie: true } });

test('cookie mode: a reload stays signed in and scripts cannot read the token', async ({ visitor }) => {
  const { page } = visitor;
  await visitor.open({ client: 'apollo', stream: 'websocket' });
  await visitor.signUp(newPerson());
  await page.reload();
  await visitor.expectAccount();

  const cookies = await page.context().cookies();
  const values = cookies.filter(({ httpOnly }) => httpOnly).map(({ value }) => value);
  expect(values.length).toBeGreaterThan(0);
  const stored = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]));
  for (const value of values) expect(stored).not.toContain(value);

  await visitor.signOut();
  await page.reload();
  await expect(visitor.heading('Sign in')).toBeVisible();
});
