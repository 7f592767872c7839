// The first day of somebody new: from `logagent web` on an empty etcd to lines in the live tail, a mistake on
// one host, and the way back; everything through the page.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fleet, launch, open } from './harness.mjs';

test('a service for three hosts is defined, seen in the live tail, broken on one host and rolled back', async (t) => {
  const begin = Date.now();
  const fleet = await new Fleet().start();
  const browser = await launch();
  let writer = null;
  try {
    if (!await fleet.offers('tail')) return t.skip('this build has no live tail');
    const app = fleet.logs(1);
    const extra = fleet.logs(1, 'extra');
    const page = await open(browser, fleet);
    const field = (pointer) => page.locator(`[data-pointer="${pointer}"]`);
    const apply = async (reason) => {
      await page.getByRole('button', { name: 'Review changes' }).click();
      await page.getByLabel('Reason for the change').fill(reason);
      await page.keyboard.press('Control+Enter');
      await page.waitForURL(/\/result/);
    };

    // An empty fleet says what to do; the agents that are started then show up by themselves.
    await page.goto('/hosts');
    await page.getByText('logagent check -c /etc/logagent/agent.ini').waitFor();
    for (const [n, allowed] of [[1, [app, extra]], [2, [app]], [3, [app, extra]]]) fleet.startAgent(n, allowed);
    for (const name of ['web01', 'web02', 'web03']) await page.getByRole('link', { name }).waitFor();

    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.getByRole('link', { name: 'New service' }).first().click();
    await field('/name').locator('input').fill('checkout');
    await field('/hosts/selector').locator('input').fill('host=~web0.*');
    await page.getByText('Matches 3 hosts').waitFor();
    await field('/files/0/log_path').locator('input').fill(`${app}/*.log`);
    await field('/files/0/topic').locator('input').fill('checkout');
    await apply('collect the shop');
    await page.getByText('Applied on 3 of 3 hosts').waitFor();

    // Lines are written from now on, and the live tail shows those of every host.
    let written = 0;
    writer = setInterval(() => {
      written += 1;
      appendFileSync(join(app, 'app.log'), `INFO order ${written} placed\nWARN <b>cart</b> ${written} is slow\n`);
    }, 100);
    await page.goto('/services/checkout');
    await page.locator('#main').getByRole('link', { name: 'Live tail' }).click();
    await page.locator('.log-line .said').filter({ hasText: /^INFO order \d+ placed$/ }).first().waitFor();
    await page.locator('.log-line.warn .said').filter({ hasText: '<b>cart</b>' }).first().waitFor();
    for (const name of ['web01', 'web02', 'web03']) await page.locator('.log-line .from').filter({ hasText: name }).first().waitFor();
    t.diagnostic(`the first lines after ${Math.round((Date.now() - begin) / 1000)} s`);
    await page.getByLabel('Host').fill('web02');
    await page.getByLabel('Contains').fill('placed');
    await page.keyboard.press('Enter');
    await page.locator('.log-line mark').filter({ hasText: 'placed' }).first().waitFor();
    assert.deepEqual([...new Set(await page.locator('.log-line .from').allInnerTexts())], ['web02']);
    await page.locator('.log-line .at').first().click();
    await page.locator('dialog').getByText(`${app}/app.log`).waitFor();
    await page.keyboard.press('Escape');

    // More than anybody can read: a sample is shown, it says so, and the page goes on.
    clearInterval(writer);
    appendFileSync(join(app, 'app.log'), Array.from({ length: 40000 }, (_, i) => `INFO order ${i} placed in a hurry\n`).join(''));
    await page.getByText(/^[\d,]+ lines not shown$/).waitFor();
    await page.getByLabel('Contains').fill('nothing like this');
    await page.keyboard.press('Enter');
    await page.getByText('Waiting for lines…').waitFor();

    // A path that one host does not allow: applied on two, and the third is named with the reason.
    await page.goto('/services/checkout');
    await page.getByRole('button', { name: 'Add file' }).click();
    await field('/files/1/log_path').locator('input').fill(`${extra}/extra.log`);
    await field('/files/1/topic').locator('input').fill('extra');
    await apply('also the extra log');
    await page.getByText(/^Applied on 2 of 3 hosts; web02: .*allow_paths/).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('w');
    await page.getByLabel('Host').fill('web02');
    await page.getByLabel('Path').fill(`${extra}/extra.log`);
    await page.keyboard.press('Enter');
    await page.getByRole('status').filter({ hasText: 'The host does not allow this path' }).waitFor();
    await page.locator('.way .broken').getByText(/allow_paths/).first().waitFor();
    await page.goto('/services/checkout');

    await page.getByRole('link', { name: 'History' }).click();
    await page.getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('button', { name: 'Roll back on 3 hosts' }).click();
    await page.waitForURL(/\/result/);
    await page.getByText('Applied on 3 of 3 hosts').waitFor();
    const { json } = await fleet.api('GET', 'services/checkout');
    assert.deepEqual([json.revision, json.files.length], [3, 1]);
    assert.deepEqual(page.faults, []);
    return undefined;
  } finally {
    clearInterval(writer);
    await browser.close();
    await fleet.stop();
  }
});
