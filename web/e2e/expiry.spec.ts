import { expect, test } from './support/test.ts';
import { newPerson, STACKS } from './support/visitor.ts';

/** The minimum that the service accepts. */
const CODE_TTL_SECONDS = 60;

test.use({ serverOptions: { codeTtlSeconds: CODE_TTL_SECONDS } });

test('an expired code is shown as expired with all clients and transports', async ({ anotherVisitor }) => {
  // All variants wait in parallel.
  await Promise.all(
    STACKS.map(async (variant) => {
      const visitor = await anotherVisitor();
      await visitor.open(variant);
      await visitor.askForSignUpCode(newPerson());
      await expect(visitor.page.getByText('This code has expired.')).toBeVisible({
        timeout: (CODE_TTL_SECONDS + 240) * 1_000,
      });
      await visitor.press('Start over');
      await expect(visitor.heading('Create an account')).toBeVisible();
    }),
  );
});
