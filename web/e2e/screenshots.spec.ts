import { expect, test } from './support/test.ts';
import { phoneNumber, newPerson } from './support/visitor.ts';

const SCREENS = [
  { name: 'phone-light-en', viewport: { width: 390, height: 844 }, colorScheme: 'light', language: 'en' },
  { name: 'phone-dark-ko', viewport: { width: 390, height: 844 }, colorScheme: 'dark', language: 'ko' },
  { name: 'desktop-light-ko', viewport: { width: 1280, height: 860 }, colorScheme: 'light', language: 'ko' },
  { name: 'desktop-dark-en', viewport: { width: 1280, height: 860 }, colorScheme: 'dark', language: 'en' },
] as const;

test.use({ serverOptions: { resendCooldownSeconds: 30, reauthMaxAgeSeconds: 0 } });

/** Takes screenshots of every page for manual review. They are not compared, because fonts differ between machines. */
for (const { name: screen, viewport, colorScheme, language } of SCREENS) {
  test.describe(screen, () => {
    test.use({ viewport, colorScheme });

    test('screenshots', async ({ visitor }) => {
      const { page } = visitor;
      const person = newPerson();
      let number = 0;
      const screenshot = async (name: string): Promise<void> => {
        number += 1;
        await page.evaluate(() =>
          Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => null))),
        );
        await page.screenshot({
          path: `e2e/artefacts/screenshots/${screen}/${String(number)}-${name}.png`,
          fullPage: true,
        });
      };
      const field = (name: string) => page.locator(`input[name=${name}]`);
      const submit = page.locator('button[type=submit]');

      await page.goto(`/demo/?language=${language}#/sign-in`);
      await expect(page.locator('h1')).toBeVisible();
      await screenshot('sign-in');
      await page.locator('.bar-button').click();
      await screenshot('settings');
      await page.keyboard.press('Escape');
      await page.goto(`/demo/?language=${language}#/reset`);
      await expect(field('birthDate')).toBeVisible();
      await screenshot('reset');

      await page.goto(`/demo/?language=${language}#/sign-up`);
      await field('contact').fill('02-123-4567');
      await submit.click();
      await expect(page.locator('.field-error')).toBeVisible();
      await screenshot('sign-up-refused');
      await field('contact').fill(person.phone);
      await submit.click();
      await expect(field('one-time-code')).toBeVisible();
      await screenshot('code');
      await visitor.expectStatus('SENT');
      await field('one-time-code').fill('000000');
      await expect(page.getByRole('alert')).toBeVisible();
      await screenshot('code-wrong');
      await visitor.enterCodeTo(field('one-time-code'), person.e164);

      await field('username').fill(person.username);
      await field('password').fill('short');
      await field('name').fill(person.name);
      await field('birthDate').fill(person.birthDate);
      await submit.click();
      await expect(page.locator('.field-error')).toBeVisible();
      await screenshot('details-refused');
      await field('password').fill(person.password);
      await submit.click();
      await expect(page.locator('.devices li')).toBeVisible();
      await screenshot('account');
      await page.goto(`/demo/?language=${language}#/account/phone`);
      await expect(field('contact')).toBeVisible();
      await screenshot('change-phone');

      await field('contact').fill(phoneNumber().phone);
      await submit.click();
      const dialog = page.getByRole('dialog');
      await dialog.locator('input[name=password]').fill('wrong');
      await dialog.locator(submit).click();
      await expect(dialog.locator('.field-error')).toBeVisible();
      await screenshot('step-up-password-wrong');
      await dialog.getByRole('radio').last().check();
      await expect(dialog.locator('.contact')).toBeVisible();
      await screenshot('step-up-code');
      // The phone has just received the sign-up code, so the send works after the cooldown.
      await expect(async () => {
        await dialog.locator(submit).click();
        await expect(field('one-time-code')).toBeVisible({ timeout: 2_000 });
      }).toPass();
      await screenshot('step-up-code-sent');
      await page.keyboard.press('Escape');
      await expect(page.getByRole('alert')).toBeVisible();
      await screenshot('step-up-canceled');
      for (const route of ['account/profile', 'account/password', 'account/delete', 'undo']) {
        await page.goto(`/demo/?language=${language}#/${route}`);
        await expect(submit).toBeVisible();
        await screenshot(route.replace('/', '-'));
      }
    });
  });
}
