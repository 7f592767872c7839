// Changes of a whole fleet through the page, on real agents: a rollout in stages that is aborted, and keys
// that somebody edited behind web's back.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { Fleet, eventually, launch, open } from './harness.mjs';

describe('a fleet', { concurrency: false }, () => {
  let fleet;
  let browser;
  let page;
  let app;

  before(async () => {
    fleet = await new Fleet().start();
    browser = await launch();
    page = await open(browser, fleet);
    app = fleet.logs(1);
    for (const n of [1, 2, 3]) fleet.startAgent(n, [app]);
    await eventually('three hosts are known', async () => (await fleet.api('GET', 'hosts')).json.items.length === 3);
    const made = await fleet.api('PUT', 'services/shop', { hosts: { selector: 'host=~web.*' }, files: [{ log_path: `${app}/*.log`, topic: 'checkout', send_rate: 1000 }], message: 'define' }, { 'If-None-Match': '*' });
    assert.equal(made.status, 201, JSON.stringify(made.json));
  });
  after(async () => {
    await browser?.close();
    await fleet?.stop();
  });
  afterEach(() => assert.deepEqual(page.faults.splice(0), []));

  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  const rates = async () => Promise.all([1, 2, 3].map(async (n) => JSON.parse(await fleet.get(`/logagent/10.9.0.${n}/logconfig`))[0].send_rate));

  test('a path is chosen from what an agent has, and its lines are sent again', async (t) => {
    if (!await fleet.offers('replays')) return t.skip('this build has no replays by API');
    appendFileSync(join(app, 'app.log'), 'INFO one\nINFO two\nINFO three\n');
    await page.goto('/services/shop');
    await page.getByText('Matches 3 hosts').waitFor();
    await page.getByRole('button', { name: 'Browse' }).click();
    await page.getByText('1 file matches now').waitFor();
    await page.locator('dialog').getByRole('button', { name: `${app}/app.log` }).click();
    assert.equal(await page.locator('[data-pointer="/files/0/log_path"] input').inputValue(), `${app}/app.log`);
    await page.getByRole('button', { name: 'Discard' }).click();
    await press('g', 'e');
    await page.getByRole('button', { name: 'New replay' }).first().click();
    await page.getByLabel('Host').fill('web01');
    await page.getByLabel('Path', { exact: true }).fill(`${app}/app.log`);
    await page.getByRole('button', { name: 'By bytes' }).click();
    await page.getByRole('button', { name: 'Estimate' }).click();
    await page.getByText('About 3 lines, 29 B, to').waitFor();
    await page.getByLabel('Reason for the change').fill('the sink lost them');
    await page.getByRole('button', { name: 'Start the replay' }).click();
    await page.locator('tbody tr').filter({ hasText: 'done' }).getByText('3 records').waitFor();
    return undefined;
  });

  test('a change goes to one host first, is watched there, and is undone by an abort', async () => {
    await page.goto('/services/shop');
    await page.locator('[data-pointer="/files/0/send_rate"] input').fill('50');
    await page.getByRole('button', { name: 'Review changes' }).click();
    await page.getByRole('button', { name: 'In stages' }).click();
    await page.getByLabel('Reason for the change').fill('slower');
    await page.getByRole('button', { name: 'Begin the rollout' }).click();
    await page.waitForURL(/\/rollouts\/./);
    await page.locator('.countdown').waitFor();
    await page.locator('tbody tr').filter({ hasText: 'applied' }).first().waitFor();
    assert.deepEqual((await rates()).sort((a, b) => a - b), [50, 1000, 1000]);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByLabel('Reason for the change').fill('a look first');
    await page.locator('dialog').getByRole('button', { name: 'Pause' }).click();
    await page.getByText('paused: by hand').waitFor();
    await page.getByRole('button', { name: 'Abort' }).click();
    await page.getByLabel('Reason for the change').fill('too slow');
    await page.locator('dialog').getByRole('button', { name: 'Abort' }).click();
    await page.getByText('aborted: by hand').waitFor();
    await page.getByText('Undone: the revision before is written to every host again.').waitFor();
    await eventually('every host has the old limit', async () => (await rates()).every((rate) => rate === 1000));
    assert.equal((await fleet.api('GET', 'services/shop')).json.files[0].send_rate, 1000);
    await press('g', 'r');
    await page.locator('tbody tr').filter({ hasText: 'shop' }).getByText('aborted').waitFor();
  });

  test('a key that was edited behind its back is shown and written again', async () => {
    await press('g', 'd');
    await page.getByText('Every host has what the services say').waitFor();
    const key = '/logagent/10.9.0.2/logconfig';
    const [entry] = JSON.parse(await fleet.get(key));
    await fleet.put(key, JSON.stringify([{ ...entry, send_rate: 7 }]));
    await page.getByText('edited by hand').waitFor();
    await page.getByRole('button', { name: '1 entry' }).click();
    await page.locator('dialog ins').getByText('1000').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('checkbox', { name: 'web02' }).check();
    await page.getByRole('button', { name: 'Write again' }).click();
    await page.getByLabel('Reason for the change').fill('back to the definition');
    await page.locator('dialog').getByRole('button', { name: 'Write again' }).click();
    await page.getByText('Done: 1 of 1').waitFor();
    await page.getByText('Every host has what the services say').waitFor();
    assert.deepEqual(await rates(), [1000, 1000, 1000]);
  });

  test('a key that was there before any service becomes one', async () => {
    const fourth = fleet.logs(4, 'old');
    await fleet.put('/logagent/10.9.0.4/logconfig', JSON.stringify([{ service: 'old', log_path: `${fourth}/*.log`, topic: 'old' }]));
    fleet.startAgent(4, [app, fourth]);
    await press('g', 'h', 'g', 'd');
    await page.getByText('written by hand').waitFor();
    await page.getByRole('checkbox', { name: 'web04' }).check();
    await page.getByRole('button', { name: 'Take over…' }).click();
    await page.locator('dialog').getByText(`${fourth}/*.log`).waitFor();
    await page.getByLabel('Reason for the change').fill('now ours');
    await page.getByRole('button', { name: 'Make 1 service' }).click();
    await page.getByText('Done: 1 of 1').waitFor();
    const { json } = await fleet.api('GET', 'services/old');
    assert.deepEqual([json.hosts.list, json.files[0].topic], [['web04'], 'old']);
  });
});
