// The real thing for the browser tests: etcd, `logagent web`, a Kafka to send to, agents, a browser.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const modules = createRequire(join(root, process.env.LOGAGENT_UI_MODULES ?? 'build/ui-tests', 'x.js'));
const { chromium } = modules('playwright-core');
const axe = readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8');
export const binary = resolve(process.env.LOGAGENT_BINARY ?? join(root, 'build/release/logagent'));
const patience = Number(process.env.LOGAGENT_PATIENCE ?? 1);

/// Asks `condition` until it holds; fails with `what` after `seconds`.
export async function eventually(what, condition, seconds = 30) {
  const end = Date.now() + seconds * 1000 * patience;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `not in time: ${what}`);
    await new Promise((done) => { setTimeout(done, 50); });
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const { port } = server.address();
  await new Promise((done) => { server.close(done); });
  return port;
}

/// Everything below one temporary directory; stop() ends all of it.
export class Fleet {
  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'logagent-ui-'));
    this.children = [];
  }

  async start() {
    this.etcd = `127.0.0.1:${await freePort()}`;
    this.run('etcd', 'etcd', ['--data-dir', join(this.directory, 'etcd'), '--listen-client-urls', `http://${this.etcd}`,
      '--advertise-client-urls', `http://${this.etcd}`, '--listen-peer-urls', `http://127.0.0.1:${await freePort()}`]);
    await eventually('etcd answers', () => this.etcdReady());
    this.run('kafka', binary, ['mock-kafka', '--topic', 'checkout', '--topic', '_logagent.stats']);
    this.kafka = await eventually('the mock Kafka names its address', () => /bootstrap=(\S+)/.exec(this.output('kafka'))?.[1]);
    this.url = `http://127.0.0.1:${await freePort()}`;
    // While writing pages: LOGAGENT_UI_DIR=ui shows them without a build.
    const pages = process.env.LOGAGENT_UI_DIR ? ['--set', `ui_dir=${resolve(process.env.LOGAGENT_UI_DIR)}`] : [];
    this.run('web', binary, ['web', '--listen', new URL(this.url).host, '--etcd', this.etcd, '--set', `kafka_addr=${this.kafka}`, ...pages]);
    this.token = await eventually('the first token is printed', () => /admin token is (lgw_\S+)/.exec(this.output('web'))?.[1]);
    await this.ready();
    return this;
  }

  /// Another web on the same etcd, under TLS; for open(), with `ignoreHTTPSErrors`.
  async startSecureWeb() {
    const [key, cert] = ['key', 'crt'].map((end) => join(this.directory, `web.${end}`));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90', '-subj', '/CN=web',
      '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const url = `https://127.0.0.1:${await freePort()}`;
    this.run('secure-web', binary, ['web', '--listen', new URL(url).host, '--etcd', this.etcd, '--set', `tls_cert=${cert}`, '--set', `tls_key=${key}`]);
    const ready = () => new Promise((done) => {
      get(`${url}/readyz`, { ca: readFileSync(cert) }, (answer) => { answer.resume(); done(answer.statusCode === 200); }).on('error', () => done(false));
    });
    await eventually('it is ready', ready);
    return { url, token: this.token };
  }

  /// Everything is read from etcd.
  ready() {
    return eventually('web is ready', async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  async etcdReady() {
    try {
      return (await fetch(`http://${this.etcd}/health`)).ok;
    } catch {
      return false;
    }
  }

  run(name, program, args) {
    const log = join(this.directory, `${name}.log`);
    writeFileSync(log, '');
    const child = spawn(program, args, { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => appendFileSync(log, text));
    this.children.push(child);
    return child;
  }

  output(name) {
    return readFileSync(join(this.directory, `${name}.log`), 'utf8');
  }

  /// The directory in which host `n` may read.
  logs(n, part = 'app') {
    const path = join(this.directory, 'logs', part);
    mkdirSync(path, { recursive: true });
    return path;
  }

  startAgent(n, allowed) {
    const name = `web0${n}`;
    const file = join(this.directory, `${name}.ini`);
    writeFileSync(file, [
      `etcd_addr = ${this.etcd}`, 'etcd_watch_key = /logagent/%s/logconfig', `kafka_addr = ${this.kafka}`, `host = ${name}`,
      `ips = 10.9.0.${n}`, `state_dir = ${join(this.directory, 'state', name)}`, 'status_addr = off', `allow_paths = ${allowed.join(', ')}`, 'log = -', '',
    ].join('\n'));
    mkdirSync(join(this.directory, 'state', name), { recursive: true });
    return this.run(name, binary, ['agent', '-c', file]);
  }

  async api(method, path, body, headers = {}) {
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method, headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json', ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, etag: response.headers.get('ETag'), json: text ? JSON.parse(text) : null };
  }

  /// Whether the server names the feature.
  async offers(feature) {
    return (await this.api('GET', 'whoami')).json.features.includes(feature);
  }

  /// Puts a key as etcdctl would.
  async put(key, value) {
    const base64 = (text) => Buffer.from(text).toString('base64');
    const response = await fetch(`http://${this.etcd}/v3/kv/put`, { method: 'POST', body: JSON.stringify({ key: base64(key), value: base64(value) }) });
    assert.ok(response.ok);
  }

  /// The value of a key, null if there is none.
  async get(key) {
    const response = await fetch(`http://${this.etcd}/v3/kv/range`, { method: 'POST', body: JSON.stringify({ key: Buffer.from(key).toString('base64') }) });
    const [found] = (await response.json()).kvs ?? [];
    return found ? Buffer.from(found.value, 'base64').toString() : null;
  }

  async stop() {
    for (const child of [...this.children].reverse()) {
      if (child.exitCode !== null || child.signalCode) continue;
      const gone = new Promise((done) => { child.once('exit', done); });
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 15000);
      await gone;
      clearTimeout(timer);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function launch() {
  const found = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((path) => existsSync(path));
  assert.ok(found, 'no Chromium: tools/deps.sh test installs chromium-headless-shell');
  return chromium.launch({ executablePath: found, args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
}

// A browser says of every answer above 399 that a resource failed to load. Some are part of the game.
const EXPECTED = /^Failed to load resource: the server responded with a status of (401|404|409|412|422)/;

/// A page of a new session, signed in unless `token` is null. `page.faults` collects what must not be:
/// errors of the console, exceptions, violations of the policy.
export async function open(browser, fleet, { token = fleet.token, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 }, locale: 'en-US', baseURL: fleet.url, ...options });
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20000 * patience);
  page.faults = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !EXPECTED.test(message.text())) page.faults.push(message.text());
  });
  page.on('pageerror', (error) => page.faults.push(String(error.stack ?? error)));
  if (token) await signIn(page, token);
  return page;
}

export async function signIn(page, token) {
  await page.goto('/');
  await page.getByLabel('Token').fill(token);
  await page.keyboard.press('Enter');
  await page.locator('.frame').waitFor();
}

/// What axe-core finds that is serious, as lines. It is evaluated, not added as a script: the policy holds.
export async function seriousFindings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 240)}`));
}
