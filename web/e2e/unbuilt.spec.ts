import { expectAccessible } from './support/axe.ts';
import { messageTo } from './support/server.ts';
import { expect, test } from './support/test.ts';

// A fresh clone without built pages, on a network without access to the CDN.
test.use({ serverOptions: { unbuilt: true } });

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test('a plain console replaces GraphiQL if the CDN is unreachable', async ({ page, server }) => {
      await page.route('https://esm.sh/**', (route) => route.abort());
      await page.goto('/');
      const answer = page.getByRole('log', { name: 'Response' });
      const phone = colorScheme === 'light' ? '+821055550001' : '+821055550002';
      await page.getByLabel('Variables').fill(JSON.stringify({ input: { purpose: 'CONTACT', to: { phone } } }));
      await page.getByRole('button', { name: 'Run' }).click();
      await expect(answer).toContainText('PENDING');
      await expectAccessible(page);

      await page.getByRole('button', { name: 'Watch it' }).click();
      await page.keyboard.press('Control+Enter');
      await expect(answer).toContainText(/SENT|DELIVERED/);
      await page.screenshot({ path: `e2e/artefacts/screenshots/unbuilt-${colorScheme}.png` });
      await page.getByRole('button', { name: 'Stop' }).click();
      await expect(answer).toContainText('Stopped.');

      await page.getByRole('button', { name: 'Confirm it' }).click();
      const variables = page.getByLabel('Variables');
      const { code } = await messageTo(server, phone);
      await variables.fill((await variables.inputValue()).replace('000000', code ?? ''));
      await page.getByRole('button', { name: 'Run' }).click();
      await expect(answer).toContainText('proof');

      await variables.fill('{"input": ');
      await page.getByRole('button', { name: 'Run' }).click();
      await expect(answer).toContainText('The variables are not valid JSON');
    });
  });
}
