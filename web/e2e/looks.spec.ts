import { expect, test } from './support/test.ts';
import { phoneNumber, somebody } from './support/visitor.ts';

const SCREENS = [
  { name: 'phone-light-en', viewport: { width: 390, height: 844 }, colorScheme: 'light', language: 'en' },
  { name: 'phone-dark-ko', viewport: { width: 390, height: 844 }, colorScheme: 'dark', language: 'ko' },
  { name: 'desk-light-ko', viewport: { width: 1280, height: 860 }, colorScheme: 'light', language: 'ko' },
  { name: 'desk-dark-en', viewport: { width: 1280, height: 860 }, colorScheme: 'dark', language: 'en' },
] as const;

test.use({ serverOptions: { resendCooldownSeconds: 30, reauthMaxAgeSeconds: 0 } });

/** Pictures of every page, for people to look at. They are not compared: fonts differ from one machine to the next. */
for (const { name, viewport, colorScheme, language } of SCREENS) {
  test.describe(name, () => {
    test.use({ viewport, colorScheme });

    test('pictures', async ({ visitor }) => {
      const { page } = visitor;
      const person = somebody();
      let number = 0;
      const picture = async (of: string): Promise<void> => {
        number += 1;
        await page.evaluate(() =>
          Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => null))),
        );
        await page.screenshot({ path: `e2e/artefacts/looks/${name}/${String(number)}-${of}.png`, fullPage: true });
      };
      const field = (named: string) => page.locator(`input[name=${named}]`);
      const submit = page.locator('button[type=submit]');

      await page.goto(`/demo/?language=${language}#/sign-in`);
      await expect(page.locator('h1')).toBeVisible();
      await picture('sign-in');
      await page.locator('.bar-button').click();
      await picture('settings');
      await page.keyboard.press('Escape');
      await page.goto(`/demo/?language=${language}#/reset`);
      await expect(field('birthDate')).toBeVisible();
      await picture('reset');

      await page.goto(`/demo/?language=${language}#/sign-up`);
      await field('contact').fill('02-123-4567');
      await submit.click();
      await expect(page.locator('.field-error')).toBeVisible();
      await picture('sign-up-refused');
      await field('contact').fill(person.phone);
      await submit.click();
      await expect(field('one-time-code')).toBeVisible();
      await picture('code');
      await visitor.seesStatus('SENT');
      await field('one-time-code').fill('000000');
      await expect(page.getByRole('alert')).toBeVisible();
      await picture('code-wrong');
      await visitor.enterCodeTo(field('one-time-code'), person.e164);

      await field('username').fill(person.username);
      await field('password').fill('short');
      await field('name').fill(person.name);
      await field('birthDate').fill(person.birthDate);
      await submit.click();
      await expect(page.locator('.field-error')).toBeVisible();
      await picture('details-refused');
      await field('password').fill(person.password);
      await submit.click();
      await expect(page.locator('.devices li')).toBeVisible();
      await picture('account');
      await page.goto(`/demo/?language=${language}#/account/phone`);
      await expect(field('contact')).toBeVisible();
      await picture('change-phone');

      await field('contact').fill(phoneNumber().phone);
      await submit.click();
      const dialog = page.getByRole('dialog');
      await dialog.locator('input[name=password]').fill('wrong');
      await dialog.locator(submit).click();
      await expect(dialog.locator('.field-error')).toBeVisible();
      await picture('step-up-password-wrong');
      await dialog.getByRole('radio').last().check();
      await expect(dialog.locator('.contact')).toBeVisible();
      await picture('step-up-code');
      // The phone was sent a code for the sign-up a moment ago, and takes another after the cooldown.
      await expect(async () => {
        await dialog.locator(submit).click();
        await expect(field('one-time-code')).toBeVisible({ timeout: 2_000 });
      }).toPass();
      await picture('step-up-code-sent');
      await page.keyboard.press('Escape');
      await expect(page.getByRole('alert')).toBeVisible();
      await picture('step-up-canceled');
      for (const route of ['account/profile', 'account/password', 'account/delete', 'undo']) {
        await page.goto(`/demo/?language=${language}#/${route}`);
        await expect(submit).toBeVisible();
        await picture(route.replace('/', '-'));
      }
    });
  });
}
