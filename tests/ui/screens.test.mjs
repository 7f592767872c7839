// Pages whose states take minutes, hundreds of hosts or a fast topic to come about, against answers by script.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually, launch, open, seriousFindings } from './harness.mjs';
import { Scripted, flood } from './scripted.mjs';
import { fleetAnswers } from './fleet_answers.mjs';

const HOSTILE = '<img src=x onerror="window.__pwn=1">\u202egnp.exe\u0007\0 \u001b[31mred\u001b[0m </script><script>window.__pwn=1</script>';

describe('pages with answers by script', { concurrency: false }, () => {
  let browser;
  let server;
  let page;
  const answers = fleetAnswers();

  before(async () => {
    server = await new Scripted(answers).start();
    browser = await launch();
    page = await open(browser, server, { token: null });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  afterEach(() => {
    const faults = page.faults.splice(0);
    assert.deepEqual(faults, []);
  });

  /// Answers `key` with `answer` until the test is over.
  const answering = (t, key, answer) => {
    const before_ = answers[key];
    answers[key] = answer;
    t.after(() => { if (before_) answers[key] = before_; else delete answers[key]; });
  };
  const lastAsked = (method, path) => server.asked.findLast((call) => call.method === method && call.path === path);
  const shown = (text) => page.getByText(text, { exact: true }).first().waitFor();
  const rows = () => page.locator('.log-line').count();

  test('a tail shows lines by level, pauses with Space, goes on, wraps and clears', async () => {
    await page.goto('/tail?service=checkout&run=1');
    await page.locator('.log-line.bad').first().waitFor();
    await page.locator('.log-line.warn').first().waitFor();
    await page.locator('.tail-lines').focus();
    await page.keyboard.press('Space');
    await page.getByText(/Paused, \d+ new lines?/).waitFor();
    const before_ = await rows();
    await page.getByText(/Paused, ([2-9]\d|\d{3}) new lines/).waitFor();
    assert.equal(await rows(), before_);
    await page.keyboard.press('Space');
    await shown('Following');
    await page.waitForFunction((n) => document.querySelectorAll('.log-line').length > n + 20, before_);
    await page.getByLabel('Wrap').uncheck();
    await page.locator('.tail-lines.nowrap').waitFor();
    await page.getByRole('button', { name: /Pause/ }).click();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.waitForFunction(() => document.querySelectorAll('.log-line').length === 0);
  });

  test('who scrolls up reads in peace', async () => {
    await page.goto('/tail?service=checkout&run=1');
    await page.waitForFunction(() => document.querySelectorAll('.log-line').length > 60);
    await page.locator('.tail-lines').hover();
    await page.mouse.wheel(0, -400);
    await page.getByText(/Paused, \d+ new lines?/).waitFor();
    await page.getByRole('button', { name: /Resume/ }).click();
    await shown('Following');
  });

  test('a tail of 20,000 lines a second keeps 2,000 rows, draws each once, and answers the keyboard', async (t) => {
    const line = `INFO ${'x'.repeat(190)}`;
    answering(t, 'GET tail', ({ response }) => flood(server, response, { rate: 20000, line: () => line }));
    await page.goto('/tail?service=checkout&run=1');
    await page.getByText('20,000 lines/s').first().waitFor();
    await shown('5 % shown');
    await page.waitForFunction(() => document.querySelectorAll('.log-line').length === 2000, null, { polling: 100 });
    await page.evaluate(() => { [...document.querySelectorAll('.log-block')].at(-1).mine = true; });
    await page.waitForFunction(() => ![...document.querySelectorAll('.log-block')].at(-1).mine);
    assert.ok(await page.evaluate(() => [...document.querySelectorAll('.log-block')].some((block) => block.mine)), 'a block that was drawn is drawn again');
    const busy = await page.evaluate(async () => {
      let long = 0;
      const seen = new PerformanceObserver((list) => { for (const task of list.getEntries()) long += task.duration; });
      seen.observe({ type: 'longtask' });
      const begin = performance.now();
      for (let i = 0; i < 60; i += 1) await new Promise((done) => { requestAnimationFrame(done); });
      return { long, all: performance.now() - begin };
    });
    t.diagnostic(`tasks above 50 ms took ${Math.round(busy.long)} of ${Math.round(busy.all)} ms`);
    assert.ok(await rows() <= 2000);
    const filter = page.getByLabel('Contains');
    await filter.fill('timeout');
    assert.equal(await filter.inputValue(), 'timeout');
    await page.locator('.tail-lines').focus();
    await page.keyboard.press('Space');
    await page.getByText(/Paused, [\d,]+ new lines/).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('h');
    await page.locator('tbody tr').first().waitFor();
    await eventually('the stream is closed with its page', () => server.streams.size === 0);
  });

  test('hostile lines are text, with what hides in them made visible', async (t) => {
    answering(t, 'GET tail', ({ response }) => {
      const say = server.stream(response);
      const row = { at: new Date().toISOString(), host: HOSTILE, service: HOSTILE, path: HOSTILE, start: 0, end: 9, size: 8192, cut: false };
      say('lines', [{ ...row, id: 'a/0/1', text: HOSTILE }, { ...row, id: 'a/0/2', text: '\0'.repeat(8192), size: 1048576, cut: true }, { ...row, id: 'a/0/3', text: `a${'\u0301'.repeat(8000)}` }, { ...row, id: 'a/0/4', text: '\0<b>\u202e'.repeat(1600) }]);
      say('status', { rate: 3, shown: 3, dropped: 0, sampling: 1, source: 'agent', complete: false, unattributed: 7, partitions: { a: null } });
      say('problem', { code: 'kafka', detail: HOSTILE });
      return null;
    });
    await page.goto(`/tail?service=checkout&q=${encodeURIComponent('<img')}&run=1`);
    await page.locator('.said mark').filter({ hasText: '<img' }).waitFor();
    for (const mark of ['RLO', 'BEL', 'NUL', 'ESC', 'NUL×8192', '+7996']) await page.locator('.said .mark').filter({ hasText: mark }).first().waitFor();
    for (const text of ['sampled on the agent', 'Too fast to see everything', '7 records do not say where they are from', 'cut, 1.0 MiB in all']) await shown(text);
    assert.ok((await page.locator('.said').first().innerText()).includes('</script><script>window.__pwn=1</script>'));
    for (const n of [0, 3]) {
      await page.locator('.log-line .at').nth(n).click();
      await page.locator('dialog pre .mark').first().waitFor();
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
    }
    assert.equal(await page.evaluate(() => globalThis.__pwn), undefined);
  });

  test('a tail names a bad pattern at its field, and says when it was cut off', async (t) => {
    answering(t, 'GET tail', () => [422, { title: 'Unprocessable', status: 422, code: 'invalid', errors: [{ pointer: '/re', code: 'pattern', detail: 'missing ): (' }] }]);
    await page.goto('/tail');
    await page.getByRole('button', { name: 'Follow' }).click();
    await shown('Name a service, a host or a path');
    await page.getByLabel('Service').fill('checkout');
    await page.getByLabel('Regular expression').fill('(');
    await page.keyboard.press('Enter');
    await shown('missing ): (');
    assert.match(page.url(), /service=checkout.*re=%28/);
    answers['GET tail'] = ({ response }) => {
      const say = server.stream(response);
      say('lines', [{ id: 'a/0/1', at: new Date().toISOString(), host: 'web01', text: 'one', cut: false }]);
      setTimeout(() => response.end(), 300);
      return null;
    };
    await page.goto('/tail?host=web01&run=1');
    await shown('not followed for a while: lines may be missing here');
  });

  test('a rollout counts down, is aborted with a reason, and says why it stopped', async (t) => {
    await page.goto('/rollouts');
    await page.getByRole('link', { name: 'checkout' }).click();
    await page.locator('.steps li[aria-current=step]').getByText('25 %').waitFor();
    const left = page.locator('.countdown');
    const first = await left.innerText();
    assert.match(first, /^\d:\d\d$/);
    await page.waitForFunction((text) => document.querySelector('.countdown').innerText !== text, first);
    await page.getByRole('button', { name: 'Abort' }).click();
    const button = page.locator('dialog').getByRole('button', { name: 'Abort' });
    assert.ok(await button.isDisabled());
    await page.getByLabel('Reason for the change').fill('errors in the shop');
    answering(t, 'POST rollouts/01J8ZK3V9Y3Q5T7W9B1D3F5H7K:abort', () => ({}));
    await button.click();
    await page.locator('dialog').waitFor({ state: 'detached' });
    assert.deepEqual(lastAsked('POST', 'rollouts/01J8ZK3V9Y3Q5T7W9B1D3F5H7K:abort').body, { message: 'errors in the shop' });
    await page.goto('/rollouts/r2');
    await page.getByText('aborted: agents refused it').waitFor();
    await page.getByText('permission denied on /var/log/payments/audit.log').first().waitFor();
    assert.equal(await page.getByRole('button', { name: 'Abort' }).count(), 0);
  });

  test('a plan can go out in stages', async () => {
    await page.goto('/services/checkout');
    await page.locator('[data-pointer="/files/0/send_rate"] input').fill('8000');
    await page.getByRole('button', { name: 'Review changes' }).click();
    await page.getByRole('button', { name: 'In stages' }).click();
    await page.getByLabel('Bake time').selectOption('60');
    await page.getByLabel('Reason for the change').fill('before the sale');
    await page.getByRole('button', { name: 'Begin the rollout' }).click();
    await page.waitForURL(/\/rollouts\/01J8/);
    const { body, headers } = lastAsked('POST', 'rollouts');
    assert.equal(body.bake_s, 60);
    assert.equal(body.service.files[0].send_rate, 8000);
    assert.equal(headers['if-match'], '"7"');
  });

  test('a limit shows what it would do before it is applied', async () => {
    await page.goto('/services/checkout');
    await page.locator('.uplot').waitFor();
    await page.locator('[data-pointer="/files/0/send_rate"] input').fill('1000');
    await page.getByText('At 1,000 lines/s for each file: 3,000 lines/s flow, 14,210 lines/s are written').waitFor();
    await page.getByText(/3 files would fall behind/).waitFor();
    await page.getByRole('slider').press('End');
    await page.getByText(/At 1,000,000 lines\/s for each file/).waitFor();
    assert.equal(await page.locator('[data-pointer="/files/0/send_rate"] input').inputValue(), '1000000');
    await page.getByRole('button', { name: 'Discard' }).click();
  });

  test('a path is chosen from what the agent has', async () => {
    await page.goto('/services/checkout');
    await page.getByText(/Matches 37 hosts/).waitFor();
    await page.getByRole('button', { name: 'Browse' }).click();
    await page.getByText('4 files match now').waitFor();
    await page.locator('dialog').getByLabel('Path or glob').fill('/var/log/checkout/*');
    await page.keyboard.press('Enter');
    await page.locator('dialog').getByRole('button', { name: '/var/log/checkout/error.log' }).click();
    assert.equal(await page.locator('[data-pointer="/files/0/log_path"] input').inputValue(), '/var/log/checkout/error.log');
    assert.equal(lastAsked('GET', 'paths').query.glob, '/var/log/checkout/*');
    await page.getByRole('button', { name: 'Discard' }).click();
  });

  test('a replay is estimated, started, and shown with its progress', async () => {
    await page.goto('/replays');
    await page.getByText('42 %').waitFor();
    await page.getByText('no such file: /var/log/nope.log').waitFor();
    await page.getByRole('button', { name: 'New replay' }).click();
    await page.getByLabel('Host').fill('web03');
    await page.getByLabel('Path', { exact: true }).fill('/var/log/nginx/access.log');
    await page.getByRole('button', { name: 'The end' }).click();
    await page.getByLabel('Last', { exact: true }).fill('20');
    await page.getByRole('button', { name: 'Estimate' }).click();
    await page.getByText('About 812,000 lines, 163 MiB, to').waitFor();
    await page.getByText('Takes about 1 min at this rate.').waitFor();
    await page.getByLabel('Reason for the change').fill('the index is gone');
    await page.getByRole('button', { name: 'Start the replay' }).click();
    await page.getByRole('button', { name: 'New replay' }).waitFor();
    assert.deepEqual(lastAsked('POST', 'replays').body, { host: 'web03', message: 'the index is gone', path: '/var/log/nginx/access.log', last: 20971520, same_topic: true, rate: 10000 });
  });

  test('a route shows who runs it, and a mistake in it stands at its field', async () => {
    await page.goto('/transfer');
    await page.getByText('mover1: sink: ').first().waitFor();
    await page.getByRole('link', { name: 'checkout-es' }).click();
    await page.getByText('The sink rejected 17 records').waitFor();
    await page.getByText('--dead-letters checkout --list').waitFor();
    await page.getByRole('row', { name: /mover2/ }).first().waitFor();
    assert.equal(await page.getByLabel('Sink', { exact: true }).inputValue(), 'search');
    await page.getByLabel('Index').fill('with a blank');
    await page.getByLabel('Reason for the change').fill('another index');
    await page.getByRole('button', { name: 'Save the route' }).click();
    await page.locator('.field.wrong[data-pointer="/index"]').waitFor();
    page.faults.splice(0);
    await page.getByLabel('Index').fill('shop-{yyyy.MM}');
    await page.getByLabel('Topics').fill('checkout\npayments');
    await page.getByRole('button', { name: 'Save the route' }).click();
    await page.waitForFunction(() => !document.querySelector('.save-line'));
    const { body, headers } = lastAsked('PUT', 'transfer/routes/checkout-es');
    assert.deepEqual(body, { name: 'checkout-es', topics: ['checkout', 'payments'], sink: 'search', index: 'shop-{yyyy.MM}', message: 'another index' });
    assert.equal(headers['if-match'], '"7"');
  });

  test('a new route asks only for what its sink needs', async () => {
    await page.goto('/transfer');
    await page.getByRole('button', { name: 'New route' }).first().click();
    await page.getByLabel('Name').fill('to-hadoop');
    await page.keyboard.press('Enter');
    await page.getByLabel('Topics').fill('~shop-.*');
    await page.getByLabel('Sink', { exact: true }).selectOption('hdfs');
    await page.getByLabel('Directory').fill('/logs');
    assert.equal(await page.getByLabel('Index').count(), 0);
    await page.getByRole('link', { name: 'JSON' }).click();
    assert.deepEqual(JSON.parse(await page.getByRole('textbox', { name: 'JSON' }).inputValue()), { topics: '~shop-.*', sink: 'hdfs', root: '/logs' });
    await page.getByLabel('Reason for the change').fill('keep them');
    await page.getByRole('button', { name: 'Save the route' }).click();
    await page.waitForURL(/\/transfer\/to-hadoop$/);
    const { headers } = lastAsked('PUT', 'transfer/routes/to-hadoop');
    assert.equal(headers['if-none-match'], '*');
    page.faults.splice(0); // this server has not kept it
  });

  test('a missing log is traced to its first broken step', async () => {
    await page.goto('/why');
    await page.getByLabel('Host').fill('web07');
    await page.getByLabel('Path').fill('/var/log/checkout/error.log');
    await page.keyboard.press('Enter');
    await shown('The agent may not read the file');
    await page.getByText('usermod -aG adm logagent').first().waitFor();
    assert.match(page.url(), /host=web07&path=/);
    await page.goto('/why?host=web01&path=/var/log/fine.log');
    await page.getByText('Everything is well').waitFor();
  });

  test('drifted keys are written again, hand-written ones become services after a look', async () => {
    await page.goto('/drift');
    await page.getByRole('checkbox', { name: 'web04' }).check();
    await page.getByRole('button', { name: 'Write again' }).click();
    await page.getByLabel('Reason for the change').fill('back to the definition');
    await page.locator('dialog').getByRole('button', { name: 'Write again' }).click();
    await shown('Done: 1 of 1');
    assert.deepEqual(lastAsked('POST', 'drift:repair').body.addresses, ['10.2.0.4']);
    await page.getByRole('checkbox', { name: 'web05' }).check();
    await page.getByRole('button', { name: 'Take over…' }).click();
    await page.locator('dialog').getByText('/var/log/old/*.log').waitFor();
    await page.locator('dialog').getByText('two globs can reach the same file').waitFor();
    await page.getByLabel('Reason for the change').fill('now ours');
    await page.getByRole('button', { name: 'Make 1 service' }).click();
    await shown('Done: 1 of 1');
  });

  test('an answer that breaks off is no answer, and the page goes on', async (t) => {
    let broken = 0;
    answering(t, 'GET hosts', ({ rest, response }) => {
      if (rest) return undefined;
      broken += 1;
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
      response.write('{"items":');
      setTimeout(() => response.destroy(), 50);
      return null;
    });
    await page.goto('/hosts');
    await page.getByText('The server does not answer.').first().waitFor();
    assert.ok(broken);
    page.faults.splice(0);
    answers['GET hosts'] = fleetAnswers()['GET hosts'];
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('tbody tr').first().waitFor();
  });

  test('a result names the first host that refused, and why', async () => {
    await page.goto('/services/checkout/result?revision=12');
    await page.getByText(/Applied on 35 of 37 hosts; web07: permission denied on/).waitFor();
  });

  const SCREENS = {
    rollouts: ['/rollouts', 'tbody tr'], rollout: ['/rollouts/01J8ZK3V9Y3Q5T7W9B1D3F5H7K', 'tbody tr'], aborted: ['/rollouts/r2', '.notice'], replays: ['/replays?new=1', 'form'], transfer: ['/transfer', 'tbody tr'], route: ['/transfer/checkout-es', 'tbody tr'], newRoute: ['/transfer/x?new=1', '.card'],
    refused: ['/transfer/fraud', '.notice'], why: ['/why?host=web07&path=/var/log/x.log', '.way'], drift: ['/drift', 'tbody tr'], carry: ['/drift?tab=carry', '.carry'], tail: ['/tail?service=checkout&run=1', '.log-line'], slider: ['/services/checkout', '.uplot'],
    rates: ['/services/checkout/rates', '.uplot'], result: ['/services/checkout/result', '.outcome'], files: ['/hosts/web01', 'tbody tr'], config: ['/hosts/web01?tab=config', '.views'], api: ['/api', '.endpoint'],
  };

  for (const [scheme, locale, width] of [['light', 'en-US', 1360], ['dark', 'zh-CN', 480]]) {
    test(`axe finds nothing serious, and nothing is cut off: ${scheme}, ${locale}, ${width} px`, async () => {
      const other = await open(browser, server, { token: null, colorScheme: scheme, locale, viewport: { width, height: 850 }, reducedMotion: 'reduce' });
      for (const [name, [path, ready]] of Object.entries(SCREENS)) {
        await other.goto(path);
        await other.locator(ready).first().waitFor().catch((error) => assert.fail(`${name}: ${error.message}`));
        assert.deepEqual(await seriousFindings(other), [], name);
        assert.ok(await other.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the window`);
      }
      assert.deepEqual(other.faults, []);
      await other.context().close();
    });
  }
});
