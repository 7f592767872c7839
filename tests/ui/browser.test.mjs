// The pages in a real browser, against the real server, as somebody new would use them.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { Fleet, eventually, launch, open, seriousFindings, signIn } from './harness.mjs';

const HOSTILE = '<img src=x onerror="window.__pwn=1">\u202egnp\u0007';

describe('the pages', { concurrency: false }, () => {
  let fleet;
  let browser;
  let page;

  before(async () => {
    fleet = await new Fleet().start();
    browser = await launch();
    page = await open(browser, fleet);
  });
  after(async () => {
    await browser?.close();
    await fleet?.stop();
  });
  afterEach(() => {
    const faults = page.faults.splice(0);
    assert.deepEqual(faults, []);
  });

  const main = () => page.locator('#main');
  const heading = (name) => page.getByRole('heading', { name, exact: true }).first().waitFor();
  const shown = (text) => page.getByText(text, { exact: true }).first().waitFor();
  const field = (pointer) => page.locator(`[data-pointer="${pointer}"]`);
  const reviewed = async () => {
    await page.getByRole('button', { name: 'Review changes' }).click();
    await heading('Plan');
    await page.getByLabel('Reason for the change').waitFor();
  };
  const applied = async (reason) => {
    await page.getByLabel('Reason for the change').fill(reason);
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/\/result/);
  };

  test('a link brings its token along: it leaves the address bar, and one click signs in', async () => {
    const other = await open(browser, fleet, { token: null });
    await other.goto(`/hosts#token=${fleet.token}`);
    await other.getByLabel('Token').waitFor();
    assert.match(other.url(), /\/hosts$/);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByRole('heading', { name: 'Hosts' }).waitFor();
    await other.context().close();
  });

  test('a wrong token is refused, a right one stays over a reload, signing out ends it', async () => {
    const other = await open(browser, fleet, { token: null });
    await other.goto('/services?q=x');
    await other.getByLabel('Token').fill('lgw_wrong');
    await other.keyboard.press('Enter');
    await other.getByText('This token opens nothing').waitFor();
    await other.getByLabel('Token').fill(fleet.token);
    await other.keyboard.press('Enter');
    await other.getByRole('heading', { name: 'Services' }).waitFor();
    assert.match(other.url(), /\/services\?q=x$/);
    await other.reload();
    await other.getByRole('heading', { name: 'Services' }).waitFor();
    assert.equal(await other.evaluate(() => document.cookie), '');
    await other.getByRole('button', { name: 'Sign out' }).click();
    await other.getByLabel('Token').waitFor();
    await other.reload();
    await other.getByLabel('Token').waitFor();
    assert.deepEqual(other.faults, []);
    await other.context().close();
  });

  test('an empty fleet teaches how to begin', async () => {
    await page.goto('/hosts');
    await shown('No host has reported yet');
    await page.getByText('logagent check -c /etc/logagent/agent.ini').waitFor();
    await page.goto('/services');
    await shown('Define your first service');
    await page.getByRole('link', { name: 'New service' }).first().click();
    await heading('New service');
  });

  test('hosts show up by themselves', async () => {
    const app = fleet.logs(1);
    const extra = fleet.logs(1, 'extra');
    await page.goto('/hosts');
    fleet.startAgent(1, [app, extra]);
    fleet.startAgent(2, [app]);
    fleet.startAgent(3, [app, extra]);
    for (const name of ['web01', 'web02', 'web03']) await page.getByRole('link', { name }).waitFor();
    appendFileSync(join(app, 'app.log'), 'INFO first line\n');
    appendFileSync(join(extra, 'extra.log'), 'INFO first line\n');
  });

  test('a form names what is wrong at the field, before and after asking the server', async () => {
    await page.goto('/new-service');
    await field('/owner').locator('input').fill('shop');
    await page.getByRole('button', { name: 'Review changes' }).click();
    await field('/name').locator('.error').waitFor();
    await field('/files/0/log_path').locator('.error').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.closest('[data-pointer]')?.dataset.pointer), '/name');
    await field('/name').locator('input').fill('checkout');
    await field('/files/0/log_path').locator('input').fill(`${fleet.logs(1)}/*.log`);
    await field('/files/0/topic').locator('input').fill('checkout');
    await page.getByText('More options').click();
    await field('/files/0/keep').locator('textarea').fill('(');
    await page.getByRole('button', { name: 'Review changes' }).click();
    await field('/files/0/keep').locator('.error').waitFor();
    await field('/files/0/keep').locator('textarea').fill('');
  });

  test('a draft survives a reload, and form and JSON are the same draft', async () => {
    await page.reload();
    assert.equal(await field('/name').locator('input').inputValue(), 'checkout');
    await page.getByRole('link', { name: 'JSON' }).click();
    const json = page.getByRole('textbox', { name: 'JSON' });
    const draft = JSON.parse(await json.inputValue());
    assert.equal(draft.owner, 'shop');
    await json.fill('{ "name": ');
    await page.getByText(/Line 1|Not valid JSON/).first().waitFor();
    assert.ok(await page.getByRole('button', { name: 'Review changes' }).isDisabled());
    await json.fill(JSON.stringify({ ...draft, hosts: { list: ['web01', 'web02', 'web03'] } }, null, 2));
    await page.getByRole('link', { name: 'Form' }).click();
    assert.equal(await field('/hosts/list').locator('textarea').inputValue(), 'web01\nweb02\nweb03');
  });

  test('which hosts match is shown while typing', async () => {
    const panel = page.locator('.matches');
    await panel.getByText('Matches 3 hosts').waitFor();
    await field('/hosts/selector').locator('input').fill('host=~(');
    await panel.locator('.error').waitFor();
    await field('/hosts/selector').locator('input').fill('host=~web0[12]');
    await field('/hosts/list').locator('textarea').fill('');
    await panel.getByText('Matches 2 hosts').waitFor();
    await field('/hosts/selector').locator('input').fill('');
    await panel.getByText('No hosts chosen').waitFor();
    await field('/hosts/list').locator('textarea').fill('web01, web02 web03');
    await panel.getByText('Matches 3 hosts').waitFor();
  });

  test('the form shows itself as a command', async () => {
    await page.locator('.bar-bottom').getByRole('button', { name: 'curl' }).click();
    const [ctl, text] = await page.locator('dialog pre').allInnerTexts();
    assert.match(ctl, /^logagent ctl services apply -f - -m /);
    assert.match(text, /curl -sS/);
    assert.match(text, /-X PUT/);
    assert.match(text, /If-None-Match: \*/);
    assert.ok(!text.includes(fleet.token));
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
  });

  test('a service is planned for three hosts, applied, and seen applied on each', async () => {
    await reviewed();
    await page.getByRole('heading', { name: '3 hosts' }).waitFor();
    await main().getByText('Added').first().waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Apply to 3 hosts' }).click();
    await shown('A reason is needed; it goes into history and audit');
    await applied('first service');
    await page.getByText('Applied on 3 of 3 hosts').waitFor();
    const stored = await fleet.api('GET', 'services/checkout');
    assert.equal(stored.json.owner, 'shop');
  });

  test('a bad path is shown on the one host that refuses it', async () => {
    await page.goto('/services/checkout');
    await page.getByRole('button', { name: 'Add file' }).click();
    await field('/files/1/log_path').locator('input').fill(`${fleet.logs(1, 'extra')}/extra.log`);
    await field('/files/1/topic').locator('input').fill('extra');
    await reviewed();
    await applied('also the extra logs');
    await page.getByText('Applied on 2 of 3 hosts').waitFor();
    const row = page.locator('tbody tr').filter({ hasText: 'web02' });
    await row.getByText(/allow_paths/).first().waitFor();
    await row.getByRole('link', { name: 'web02' }).click();
    await heading('web02');
  });

  test('history shows what changed, and a rollback undoes it', async () => {
    await page.goto('/services/checkout/history');
    await page.getByText('also the extra logs').waitFor();
    await page.locator('.lines .added').first().waitFor();
    await page.getByRole('button', { name: 'Roll back' }).click();
    await heading('Roll back to revision 1');
    await page.getByRole('heading', { name: '3 hosts' }).waitFor();
    await page.getByRole('button', { name: 'Roll back on 3 hosts' }).click();
    await page.waitForURL(/\/result/);
    await page.getByText('Applied on 3 of 3 hosts').waitFor();
    const { json } = await fleet.api('GET', 'services/checkout');
    assert.equal(json.files.length, 1);
    assert.equal(json.revision, 3);
  });

  test('two browsers edit one service: the second merges and loses nothing', async () => {
    const other = await open(browser, fleet);
    await other.goto('/services/checkout');
    await other.locator('[data-pointer="/owner"] input').waitFor();
    await page.goto('/services/checkout');
    await field('/description').locator('input').fill('from the first');
    await field('/owner').locator('input').fill('first');
    await reviewed();
    await applied('first edit');
    await other.locator('[data-pointer="/owner"] input').fill('second');
    await other.locator('[data-pointer="/files/0/send_rate"] input').fill('500');
    await other.getByRole('button', { name: 'Review changes' }).click();
    await other.getByRole('heading', { name: 'Bring two edits together' }).waitFor();
    const use = other.getByRole('button', { name: 'Use the merged version' });
    assert.ok(await use.isDisabled());
    await other.locator('.conflict').filter({ hasText: '/owner' }).getByLabel('Mine').check();
    await use.click();
    assert.equal(await other.locator('[data-pointer="/description"] input').inputValue(), 'from the first');
    await other.getByRole('button', { name: 'Review changes' }).click();
    await other.getByLabel('Reason for the change').fill('second edit');
    await other.keyboard.press('Control+Enter');
    await other.waitForURL(/\/result/);
    const { json } = await fleet.api('GET', 'services/checkout');
    assert.deepEqual([json.owner, json.description, json.files[0].send_rate], ['second', 'from the first', 500]);
    assert.deepEqual(other.faults, []);
    await other.context().close();
  });

  test('hostile names and texts are shown as what they are', async () => {
    const made = await fleet.api('PUT', 'services/hostile', {
      name: 'hostile', description: HOSTILE.replace('\u0007', ''), owner: '</script><script>window.__pwn=1</script>', enabled: false,
      hosts: { list: ['web01'] }, files: [{ log_path: '/var/log/\u202egol', topic: 'x' }], message: HOSTILE,
    }, { 'If-None-Match': '*' });
    assert.equal(made.status, 201, JSON.stringify(made));
    const name = 'evil<b>\u202e\u0007\u0000';
    await fleet.put(`/logagent/_status/${name}`, JSON.stringify({
      host: name, version: HOSTILE, ips: ['10.9.0.66'], state: 'degraded', config: { state: HOSTILE },
      problems: [{ code: HOSTILE, text: `${HOSTILE}${'\u0301'.repeat(5000)}`, since: HOSTILE }], files: { tailing: 1 }, labels: 1,
    }));
    await page.goto('/hosts');
    await page.locator('tbody tr').filter({ hasText: 'evil<b>' }).waitFor();
    assert.ok(await page.locator('tbody .mark').filter({ hasText: 'RLO' }).count());
    await page.locator('tbody tr').filter({ hasText: 'evil<b>' }).getByRole('link').first().click();
    await page.waitForURL(/\/hosts\/evil/);
    for (const path of ['/', '/services', '/audit', '/services/hostile/history']) {
      await page.goto(path);
      await main().locator('h1').waitFor();
      await main().locator('.mark').filter({ hasText: 'RLO' }).first().waitFor();
    }
    assert.equal(await page.evaluate(() => globalThis.__pwn), undefined);
  });

  test('the keyboard reaches everything', async () => {
    await page.goto('/services');
    await page.locator('tbody tr').first().waitFor();
    await page.keyboard.press('/');
    assert.ok(await page.evaluate(() => document.activeElement.matches('[data-search]')));
    await page.keyboard.type('check');
    await page.waitForURL(/q=check/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('h');
    await heading('Hosts');
    await page.locator('tbody tr').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    const first = await page.locator('tbody tr a').first().innerText();
    await page.keyboard.press('Enter');
    await heading(first);
    await page.keyboard.press('?');
    await heading('Keyboard');
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await heading('Services');
  });

  test('a token is made, shown once, used and revoked', async () => {
    await page.goto('/access');
    await page.getByRole('button', { name: 'New token' }).click();
    await page.getByLabel('Name').fill('viewer of shops');
    await page.getByLabel('Reason for the change').fill('a test');
    await page.getByRole('button', { name: 'Make token' }).click();
    const token = await page.locator('.notice .command pre').innerText();
    assert.match(token, /^lgw_/);
    const viewer = await open(browser, fleet, { token });
    await viewer.goto('/services/checkout');
    await viewer.getByText('You can look, not change').waitFor();
    assert.equal(await viewer.getByRole('link', { name: 'Audit' }).count(), 0);
    assert.equal(await viewer.getByRole('button', { name: 'Review changes' }).count(), 0);
    await page.reload();
    await page.getByText('viewer of shops').waitFor();
    assert.equal(await page.getByText(token).count(), 0);
    await page.locator('tbody tr').filter({ hasText: 'viewer of shops' }).getByRole('button', { name: 'Revoke' }).click();
    await page.getByLabel('Reason for the change').fill('test over');
    await page.locator('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.locator('tbody tr').filter({ hasText: 'viewer of shops' }).waitFor({ state: 'detached' });
    await viewer.goto('/services');
    await viewer.getByLabel('Token').waitFor();
    assert.deepEqual(viewer.faults, []);
    await viewer.context().close();
  });

  test('what has no page says so', async () => {
    await page.goto('/services/checkout/nonsense');
    await shown('There is no such page');
    await page.goto('/services/none-of-this-name');
    await page.getByText('Not found').first().waitFor();
  });

  const SCREENS = {
    overview: ['/', 'canvas'], services: ['/services', 'tbody tr'], service: ['/services/checkout', '.entry'], json: ['/services/checkout?tab=json', '.gutter'],
    history: ['/services/checkout/history', '.lines'], rollback: ['/services/checkout/history?rollback=1', '.bar-bottom'], delete: ['/services/checkout/delete', '.bar-bottom'],
    hosts: ['/hosts', 'tbody tr'], host: ['/hosts/web01', '.tiles'], audit: ['/audit', 'tbody tr'], access: ['/access', 'tbody tr'], new: ['/new-service', '.entry'],
    nothing: ['/services?q=nothing-like-this', '.empty'],
  };

  for (const [scheme, locale, width] of [['light', 'en-US', 1360], ['dark', 'zh-CN', 1360], ['dark', 'en-US', 480]]) {
    test(`axe finds nothing serious, and nothing is cut off: ${scheme}, ${locale}, ${width} px`, async () => {
      const state = await page.context().storageState();
      const other = await open(browser, fleet, { token: null, storageState: state, colorScheme: scheme, locale, viewport: { width, height: 850 }, reducedMotion: 'reduce' });
      if (locale === 'en-US') {
        await other.context().clearCookies();
        await other.goto('/');
        await other.locator('.sign-in').waitFor();
        assert.deepEqual(await seriousFindings(other), [], 'sign in');
        await signIn(other, fleet.token);
      }
      for (const [name, [path, ready]] of Object.entries(SCREENS)) {
        await other.goto(path);
        await other.locator(ready).first().waitFor().catch((error) => assert.fail(`${name}: ${error.message}`));
        assert.deepEqual(await seriousFindings(other), [], name);
        assert.ok(await other.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the window`);
      }
      if (locale === 'zh-CN') assert.equal(await other.evaluate(() => document.documentElement.lang), 'zh-CN');
      assert.deepEqual(other.faults, []);
      await other.context().close();
    });
  }

  test('theme and language are chosen by hand and kept', async () => {
    await page.goto('/services');
    await page.getByLabel('Language').selectOption('zh-CN');
    await page.getByRole('heading', { name: '服务' }).first().waitFor();
    await page.reload();
    await page.getByRole('heading', { name: '服务' }).first().waitFor();
    await page.getByLabel('语言').selectOption('en');
    await page.getByRole('button', { name: 'System' }).click();
    await page.getByRole('button', { name: 'Light' }).click();
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await page.getByRole('button', { name: 'Dark' }).click();
  });

  test('the overview colours hosts by what their agents tell of their lag', async () => {
    await page.goto('/');
    await heading('Hosts by lag');
    const { items } = (await fleet.api('GET', 'hosts')).json;
    assert.ok(items.some(({ lag_bytes: lag }) => Number.isInteger(lag)), JSON.stringify(items.map(({ host, lag_bytes: lag }) => [host, lag])));
    await page.goto('/hosts/web01');
    const services = page.getByRole('group', { name: 'Services' });
    await services.getByRole('link', { name: 'checkout' }).click();
    await page.waitForURL(/\/services\/checkout/);
  });

  test('under TLS a session is in a cookie that only https carries, and pages follow the fleet', async () => {
    const other = await open(browser, await fleet.startSecureWeb(), { ignoreHTTPSErrors: true });
    await other.goto('/hosts');
    await other.reload();
    await other.locator('.frame').waitFor();
    const cookies = await other.context().cookies();
    assert.deepEqual(cookies.map(({ name, secure, httpOnly, sameSite }) => [name, secure, httpOnly, sameSite]),
      [['__Host-logagent-session', true, true, 'Strict']]);
    await fleet.put('/logagent/_status/web99', JSON.stringify({ host: 'web99', state: 'healthy', ips: ['10.9.0.99'] }));
    await other.getByText('web99', { exact: true }).first().waitFor();
    const answer = await other.evaluate(async () => (await fetch('/api/v1/session', { method: 'DELETE', headers: { 'X-Message': 'over' } })).status);
    assert.equal(answer, 204);
    assert.deepEqual(other.faults, []);
    await other.context().close();
  });

  test('a service is deleted after its plan was seen', async () => {
    await page.goto('/services/checkout');
    await page.getByRole('link', { name: 'Delete…' }).click();
    await page.getByLabel('Reason for the change').fill('no longer needed');
    await page.getByRole('button', { name: 'Delete the service' }).click();
    await page.waitForURL(/\/services$/);
    await eventually('the service is gone', async () => (await fleet.api('GET', 'services/checkout')).status === 404);
  });
});
