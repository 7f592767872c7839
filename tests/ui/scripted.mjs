// A server that answers as API.md says, out of memory: for pages of which no real server can make every
// state in seconds, and for a tail of any speed. It serves the pages of the tree.
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const modules = createRequire(join(root, process.env.LOGAGENT_UI_MODULES ?? 'build/ui-tests', 'x.js'));
const MIME = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8' };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const TREE = 'tree';

/// The libraries as embed.py makes them.
function library(name) {
  const folder = (module) => join(root, process.env.LOGAGENT_UI_MODULES ?? 'build/ui-tests', 'node_modules', module);
  const read = (path) => readFileSync(folder(path), 'utf8');
  return {
    'preact.js': () => read('preact/dist/preact.mjs'),
    'hooks.js': () => read('preact/hooks/dist/hooks.mjs').replace('from"preact"', 'from"./preact.js"'),
    'htm.js': () => read('htm/dist/htm.mjs'),
    'uplot.js': () => `${read('uplot/dist/uPlot.iife.min.js')}\nexport default uPlot;\n`,
    'uplot.css': () => read('uplot/dist/uPlot.min.css'),
  }[name]?.();
}

export class Scripted {
  /// `answers`: {"GET services": (request) => value | [status, value] | undefined}; the first part of the
  /// path that fits, longest first, is asked.
  constructor(answers) {
    this.answers = answers;
    this.streams = new Set();
    this.asked = []; // {method, path, body, query}
  }

  async start() {
    this.server = createServer((request, response) => this.serve(request, response));
    await new Promise((done) => { this.server.listen(0, '127.0.0.1', done); });
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    this.token = 'lgw_any';
    return this;
  }

  async stop() {
    for (const stream of this.streams) stream.destroy();
    await new Promise((done) => { this.server.close(done); this.server.closeAllConnections?.(); });
  }

  serve(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    let text = '';
    request.on('data', (part) => { text += part; });
    request.on('end', () => {
      if (pathname === '/openapi.json' || pathname.startsWith('/api/v1/')) this.answer({ request, response, pathname, query: searchParams, text });
      else Scripted.file(pathname, response);
    });
  }

  answer({ request, response, pathname, query, text }) {
    const path = pathname.replace(/^\/(api\/v1\/)?/, '').split('/').map((part) => decodeURIComponent(part)).join('/');
    const body = text ? JSON.parse(text) : null;
    this.asked.push({ method: request.method, path, body, query: Object.fromEntries(query), headers: request.headers });
    const keys = Object.keys(this.answers).filter((key) => `${request.method} ${path}`.startsWith(key)).sort((a, b) => b.length - a.length);
    for (const key of keys) {
      const rest = `${request.method} ${path}`.slice(key.length).replace(/^\//, '');
      const given = this.answers[key]({ rest, query, body, request, response, server: this });
      if (given === undefined) continue;
      if (given !== null) Scripted.send(response, ...(Array.isArray(given) && typeof given[0] === 'number' ? given : [200, given]));
      return;
    }
    Scripted.send(response, 404, { title: 'Not Found', status: 404, code: 'not_found', detail: path });
  }

  static send(response, status, value, headers = {}) {
    response.writeHead(status, { 'Content-Type': status >= 400 ? 'application/problem+json' : 'application/json', 'Cache-Control': 'no-store', ETag: '"7"', ...headers });
    response.end(JSON.stringify(value));
  }

  /// Begins a stream of events; `say(event, data, id)` writes one. Answer null to let it stay open.
  stream(response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.flushHeaders();
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
    return (event, data, id) => response.write(`${id ? `id: ${id}\n` : ''}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  static file(pathname, response) {
    const asset = /^\/a\/[^/]+\/(.+)$/.exec(pathname)?.[1];
    const name = asset ?? 'index.html';
    let text = name.startsWith('vendor/') ? library(name.slice(7)) : undefined;
    const path = join(root, 'ui', name);
    if (text === undefined && path.startsWith(join(root, 'ui')) && existsSync(path)) text = readFileSync(path, 'utf8');
    if (text === undefined) {
      response.writeHead(404);
      response.end();
      return;
    }
    response.writeHead(200, { 'Content-Type': MIME[extname(name)] ?? 'text/plain', 'Content-Security-Policy': POLICY });
    response.end(name === 'index.html' ? text.replaceAll('@TREE@', TREE) : text);
  }
}

/// Lines of `rate` a second until the stream is closed; at most 1000 of them are shown, as the server does.
export function flood(server, response, { rate, shown = Math.min(rate, 1000), line = (i) => `INFO request ${i}` }) {
  const say = server.stream(response);
  let id = 0;
  let matched = 0;
  const timer = setInterval(() => {
    const n = Math.round(shown / 5);
    matched += rate / 5;
    say('lines', Array.from({ length: n }, () => {
      id += 1;
      return { id: `checkout/${id % 3}/${id}`, at: new Date().toISOString(), host: `web0${1 + (id % 3)}`, service: 'checkout', path: '/var/log/checkout/app.log', start: id * 200, end: id * 200 + 200, text: line(id), size: 199, cut: false };
    }));
    say('status', { rate, shown: id, dropped: matched - id, sampling: shown / rate, source: 'kafka', complete: true, unattributed: 0, partitions: { checkout: 3 } });
  }, 200);
  response.on('close', () => clearInterval(timer));
  return null;
}
