// The pictures of the documentation: tests/ui/run.sh --binary FILE --images docs/images
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fleetAnswers } from './fleet_answers.mjs';
import { Fleet, binary, eventually, launch, open } from './harness.mjs';
import { Scripted } from './scripted.mjs';

const images = process.env.LOGAGENT_SCREENSHOTS && resolve(process.env.LOGAGENT_SCREENSHOTS);
const NAMES = [...Array.from({ length: 24 }, (_, i) => `web${String(i + 1).padStart(2, '0')}`), ...Array.from({ length: 12 }, (_, i) => `db${String(i + 1).padStart(2, '0')}`)];
const file = (log_path, topic, more = {}) => ({ log_path, topic, ...more });

const SERVICES = [
  ['checkout', 'Orders and carts', 'shop', 'env=prod,host=~web.*', [file('/var/log/checkout/app.log', 'checkout', { send_rate: 5000 })]],
  ['payments', 'Card processing', 'payments', 'env=prod,host=~web0.*', [file('/var/log/payments/*.log', 'payments', { mask: [{ match: 'pan=\\d+', with: 'pan=***' }] })]],
  ['nginx-edge', 'Access and error logs of the edge', 'sre', 'host=~web.*', [file('/var/log/nginx/access.log', 'nginx-access'), file('/var/log/nginx/error.log', 'nginx-error')]],
  ['postgres', 'Slow queries', 'databases', 'host=~db.*', [file('/var/log/postgresql/*.log', 'postgres', { multiline: { start: '^\\d{4}-' } })]],
];

/// Lets the browser draw `n` frames: a canvas follows a change of theme in the next ones.
const frames = async (n) => {
  for (let i = 0; i < n; i += 1) await new Promise((done) => { requestAnimationFrame(done); });
};

/// A host as its agent would write it. All revisions up to 10,000 are applied.
const status = (name, i, more = {}) => JSON.stringify({
  host: name, instance: `${i}`, version: '0.1.0', ips: [`10.2.${name.startsWith('db') ? 1 : 0}.${i + 1}`], state: 'healthy',
  config: { source: 'etcd', state: 'applied', applied: { revision: 10000, hash: 'a' }, failed: null },
  problems: [], errors: [], not_tailing: [], files: { tailing: 3 + (i % 4) }, ...more,
});

/// Lets every agent say that it has taken what its key holds now; web07 cannot read one file.
async function answerAll(fleet) {
  for (const [i, name] of NAMES.entries()) {
    const { json } = await fleet.api('GET', `hosts/${name}/config?view=desired`);
    const applied = { config: { source: 'etcd', state: 'applied', applied: { revision: 10000, hash: json?.hash ?? 'a' }, failed: null } };
    await fleet.put(`/logagent/_status/${name}`, status(name, i, { ...applied, ...(name === 'web07' && DENIED()) }));
  }
}

const DENIED = () => ({
  state: 'degraded', files: { tailing: 3, denied: 1 }, problems: [{ code: 'files_denied', text: '/var/log/checkout/error.log: permission denied', since: new Date().toISOString() }],
  not_tailing: [{ path: '/var/log/checkout/error.log', topic: 'checkout-errors', state: 'denied', last_error: 'permission denied; add the user logagent to the group adm' }],
});

async function furnish(fleet) {
  for (const [i, name] of NAMES.entries()) await fleet.put(`/logagent/_status/${name}`, status(name, i));
  await eventually('all hosts are known', async () => (await fleet.api('GET', 'hosts?limit=100')).json?.items?.length === NAMES.length);
  for (const [i, name] of NAMES.entries()) {
    const { status: code } = await fleet.api('PATCH', `hosts/${name}/labels`, { labels: { env: i % 6 === 5 ? 'stage' : 'prod', idc: ['bj', 'sh'][i % 2] }, message: 'from the inventory' });
    assert.equal(code, 200);
  }
  for (const [name, description, owner, selector, files] of SERVICES) {
    const made = await fleet.api('PUT', `services/${name}`, { name, description, owner, hosts: { selector }, files, message: `define ${name}` }, { 'If-None-Match': '*' });
    assert.equal(made.status, 201, JSON.stringify(made.json));
  }
  await answerAll(fleet);
}

/// The share of pixels in which two pictures differ visibly; 1 if their sizes differ.
async function difference(context, before, after) {
  const page = await context.newPage();
  try {
    return await page.evaluate(async (pictures) => {
      const [one, two] = await Promise.all(pictures.map(async (text) => {
        const image = await createImageBitmap(new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type: 'image/png' }));
        const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
        canvas.drawImage(image, 0, 0);
        return canvas.getImageData(0, 0, image.width, image.height);
      }));
      if (one.width !== two.width || one.height !== two.height) return 1;
      let differing = 0;
      for (let i = 0; i < one.data.length; i += 4) differing += [0, 1, 2].some((c) => Math.abs(one.data[i + c] - two.data[i + c]) > 40) ? 1 : 0;
      return differing / (one.width * one.height);
    }, [before, after].map((picture) => picture.toString('base64')));
  } finally {
    await page.close();
  }
}

// Times and counters move a little in every run; a picture is written again when more than that changed.
const VISIBLY = 0.004;

/// Takes pictures of what `page` shows, light and dark.
const painter = (browser, page) => async (name, ready) => {
  await page.locator(ready).first().waitFor();
  const context = await browser.newContext();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(frames, 4);
    const path = join(images, `${name}-${colorScheme}.png`);
    const made = await page.screenshot();
    if (!existsSync(path) || await difference(context, readFileSync(path), made) > VISIBLY) writeFileSync(path, made);
  }
  await context.close();
  await page.emulateMedia({ colorScheme: 'light' });
};

const SIZE = { viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' };
const skip = !images && 'LOGAGENT_SCREENSHOTS names no directory';

test('pictures of the main screens', { skip }, async () => {
  const fleet = await new Fleet().start();
  const browser = await launch();
  try {
    await furnish(fleet);
    mkdirSync(images, { recursive: true });
    const page = await open(browser, fleet, SIZE);
    const picture = painter(browser, page);
    await page.goto('/services');
    await picture('services', 'tbody tr');
    await page.goto('/hosts');
    await picture('hosts', 'tbody tr');
    await page.goto('/services/checkout');
    await page.getByText(/Matches \d+ hosts/).waitFor();
    await picture('service', '.entry');
    await page.locator('[data-pointer="/files/0/send_rate"] input').fill('8000');
    await page.getByRole('button', { name: 'Add file' }).click();
    await page.locator('[data-pointer="/files/1/log_path"] input').fill('/var/log/checkout/error.log');
    await page.locator('[data-pointer="/files/1/topic"] input').fill('checkout-errors');
    await page.getByRole('button', { name: 'Review changes' }).click();
    await page.getByLabel('Reason for the change').fill('raise the limit before the sale, collect errors');
    await picture('plan', '.plan-group');
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/\/result/);
    await answerAll(fleet);
    await page.getByText('Applied on 19 of 20 hosts').waitFor();
    await picture('result', '.outcome');
    await page.goto('/services/checkout/history');
    await picture('history', '.lines .added');
    await page.goto('/');
    await page.locator('.columns.even li').first().waitFor();
    await picture('overview', 'canvas');
    assert.deepEqual(page.faults, []);
  } finally {
    await browser.close();
    await fleet.stop();
  }
});

test('the demo of the documentation', { skip: !images && 'no --images' }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'logagent-pictures-'));
  const demo = spawn(binary, ['demo', '--seconds', '120', '--dir', directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  demo.stdout.on('data', (text) => { said += text; });
  const ended = new Promise((done) => { demo.once('exit', done); });
  const browser = await launch();
  try {
    const [, url, token] = await eventually('the demo says where it is', () => /(http:\/\/\S+)\/#token=(lgw_\S+)/.exec(said));
    const page = await open(browser, { url, token }, { viewport: { width: 1200, height: 640 } });
    await eventually('the throttled file lags', async () => /throttled/.test(said));
    await page.goto('/services');
    await page.locator('tbody tr').nth(4).waitFor();
    await page.screenshot({ path: join(images, 'demo-services.png') });
    await page.goto('/hosts');
    await page.locator('tbody tr').nth(2).waitFor();
    await page.screenshot({ path: join(images, 'demo-hosts.png') });
  } finally {
    await browser.close();
    demo.kill('SIGINT');
    await ended;
    rmSync(directory, { recursive: true });
  }
});

test('pictures of what takes time', { skip }, async () => {
  const server = await new Scripted(fleetAnswers()).start();
  const browser = await launch();
  try {
    mkdirSync(images, { recursive: true });
    const page = await open(browser, server, { ...SIZE, token: null });
    const picture = painter(browser, page);
    await page.goto('/tail?service=checkout&q=timeout&run=1');
    await page.waitForFunction(() => document.querySelectorAll('.log-line').length > 60);
    await page.locator('.tail-lines').focus();
    await page.keyboard.press('Space');
    await picture('tail', '.log-line');
    await page.goto('/rollouts/01J8ZK3V9Y3Q5T7W9B1D3F5H7K');
    await picture('rollout', 'tbody tr');
    await page.goto('/why?host=web07&path=/var/log/checkout/error.log');
    await picture('why', '.way');
    await page.goto('/replays');
    await picture('replays', 'tbody tr');
    await page.goto('/transfer');
    await page.getByText('archiver').first().waitFor();
    await picture('transfer', 'tbody tr');
    await page.goto('/services/checkout');
    await page.locator('.uplot').waitFor();
    await page.locator('[data-pointer="/files/0/send_rate"] input').fill('4000');
    await page.getByText(/would fall behind/).waitFor();
    await page.locator('.uplot').scrollIntoViewIfNeeded();
    await picture('limit', '.uplot');
    assert.deepEqual(page.faults, []);
  } finally {
    await browser.close();
    await server.stop();
  }
});
