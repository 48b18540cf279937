import { expect, test } from './support/test.ts';
import { somebody, WAYS } from './support/visitor.ts';

test.use({ serverOptions: { codeTtlSeconds: 4 } });

for (const way of WAYS) {
  test(`a code that nobody enters is said to have expired: ${way.client} over ${way.stream}`, async ({ visitor }) => {
    await visitor.open(way);
    await visitor.askForSignUpCode(somebody());
    await expect(visitor.page.getByText('It expired before it was entered.')).toBeVisible();
    await visitor.press('Start again');
    await expect(visitor.heading('Create an account')).toBeVisible();
  });
}
