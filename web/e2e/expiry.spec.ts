import { expect, test } from './support/test.ts';
import { somebody, STACKS } from './support/visitor.ts';

/** The shortest that the service takes. */
const CODE_TTL_SECONDS = 60;

test.use({ serverOptions: { codeTtlSeconds: CODE_TTL_SECONDS } });

test('a code that nobody enters is said to have expired, whichever way the page hears of it', async ({
  anotherVisitor,
}) => {
  // All of them in the same minute.
  await Promise.all(
    STACKS.map(async (way) => {
      const visitor = await anotherVisitor();
      await visitor.open(way);
      await visitor.askForSignUpCode(somebody());
      await expect(visitor.page.getByText('It expired before it was entered.')).toBeVisible({
        timeout: (CODE_TTL_SECONDS + 240) * 1_000,
      });
      await visitor.press('Start again');
      await expect(visitor.heading('Create an account')).toBeVisible();
    }),
  );
});
