// What the pages decide without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryDiff, folded, groupHosts, lineDiff, same } from '../../ui/diff.js';
import { bytes, percent } from '../../ui/format.js';
import { layout, levelOf } from '../../ui/heat.js';
import { merge } from '../../ui/merge.js';
import { Ring, levelOfLine } from '../../ui/ring.js';
import { check, documentOf, editable, placeOfError, withField } from '../../ui/service.js';
import { followed, hostOf, planOf, searched, withFeatures } from '../../ui/shapes.js';
import { pieces, plain } from '../../ui/visible.js';

const entry = (log_path, topic, more = {}) => ({ log_path, topic, ...more });

test('what hides in a text is marked, the rest stays as it is', () => {
  assert.deepEqual(pieces('plain text'), ['plain text']);
  assert.equal(plain('a\u202egnp.exe'), 'a⟨RLO⟩gnp.exe');
  assert.equal(plain('\0\x1b[31m\x7f\x85'), '⟨NUL⟩⟨ESC⟩[31m⟨DEL⟩⟨U+0085⟩');
  assert.equal(plain('\u200b\u2066\ufeff\u{e0041}'), '⟨ZWSP⟩⟨LRI⟩⟨BOM⟩⟨U+E0041⟩');
  assert.equal(plain('x\ud800y'), 'x⟨U+D800⟩y');
  assert.equal(plain('日志 é שלום 😀'), '日志 é שלום 😀');
  assert.deepEqual(pieces('a\nb\tc\r', { lines: true })[0], 'a\nb\tc');
  assert.equal(plain('a\nb'), 'a⟨LF⟩b');
});

test('a tower of combining marks is cut, an ordinary accent is not', () => {
  assert.equal(plain('e\u0301'), 'e\u0301');
  assert.equal(plain(`a${'\u0301'.repeat(40)}b`), `a${'\u0301'.repeat(4)}⟨+36⟩b`);
});

test('entries are told apart by path and topic', () => {
  const diff = entryDiff([entry('/a', 't', { send_rate: 1 }), entry('/b', 't')], [entry('/a', 't', { send_rate: 2 }), entry('/b', 'u')]);
  assert.deepEqual(diff.added, [entry('/b', 'u')]);
  assert.deepEqual(diff.removed, [entry('/b', 't')]);
  assert.deepEqual(diff.changed.map(({ fields }) => fields), [[{ name: 'send_rate', before: 1, after: 2 }]]);
  assert.ok(same({ a: [1, { b: 2 }], c: null }, { c: null, a: [1, { b: 2 }] }));
  assert.ok(!same({ a: undefined }, { b: undefined }));
});

test('hosts that change alike are one group, but not with those that are held', () => {
  const diff = { added: [entry('/a', 't')] };
  const groups = groupHosts([{ host: 'x', diff }, { host: 'y', diff, held: 'drift' }, { host: 'z', diff }].map((host) => ({ held: null, ...host })));
  assert.deepEqual(groups.map(({ hosts, held }) => [hosts.map(({ host }) => host), held]), [[['x', 'z'], null], [['y'], 'drift']]);
});

test('a difference of lines, put together again, gives both sides', () => {
  const before = 'a\nb\nc\nd\ne';
  const after = 'a\nc\nx\nd\ne\nf';
  const lines = lineDiff(before, after);
  const side = (kind) => lines.filter((line) => line.kind === 'same' || line.kind === kind).map(({ text }) => text).join('\n');
  assert.equal(side('removed'), before);
  assert.equal(side('added'), after);
  assert.equal(lines.filter(({ kind }) => kind !== 'same').length, 3);
  const long = lineDiff(Array.from({ length: 50 }, (_, i) => `${i}`).join('\n'), Array.from({ length: 50 }, (_, i) => (i === 25 ? 'x' : `${i}`)).join('\n'));
  assert.deepEqual(folded(long).filter(({ kind }) => kind === 'fold').map(({ lines: hidden }) => hidden.length), [22, 21]);
});

const service = (more = {}) => ({ name: 's', owner: 'a', hosts: { list: ['x', 'y'], selector: '' }, files: [entry('/a', 't'), entry('/b', 't')], ...more });

test('edits of different fields are merged without a question', () => {
  const mine = service({ owner: 'b', files: [entry('/a', 't', { send_rate: 5 }), entry('/b', 't')] });
  const theirs = service({ hosts: { list: ['x', 'z'], selector: 'env=prod' }, files: [entry('/a', 't'), entry('/b', 't'), entry('/c', 't')] });
  const { merged, conflicts } = merge(service(), mine, theirs);
  assert.deepEqual(conflicts, []);
  assert.deepEqual(merged, {
    name: 's', owner: 'b', hosts: { list: ['x', 'z'], selector: 'env=prod' },
    files: [entry('/a', 't', { send_rate: 5 }), entry('/b', 't'), entry('/c', 't')],
  });
});

test('host lists are merged as sets', () => {
  const list = (...names) => service({ hosts: { list: names, selector: '' } });
  const { merged, conflicts } = merge(list('x', 'y'), list('x', 'y', 'mine'), list('y', 'theirs'));
  assert.deepEqual(conflicts, []);
  assert.deepEqual(merged.hosts.list, ['y', 'mine', 'theirs']);
});

test('what both changed differently is asked, and the choice is taken', () => {
  const mine = service({ owner: 'mine', files: [entry('/b', 't')] });
  const theirs = service({ owner: 'theirs', files: [entry('/a', 't', { send_rate: 9 }), entry('/b', 't')] });
  const { conflicts } = merge(service(), mine, theirs);
  assert.deepEqual(conflicts.map(({ pointer }) => pointer).sort(), ['/files/["/a","t"]', '/owner']);
  const chosen = merge(service(), mine, theirs, { '/owner': 'theirs', '/files/["/a","t"]': 'theirs' });
  assert.equal(chosen.merged.owner, 'theirs');
  assert.deepEqual(chosen.merged.files, [entry('/a', 't', { send_rate: 9 }), entry('/b', 't')]);
  assert.deepEqual(merge(service(), mine, theirs).merged.files, [entry('/b', 't')]);
});

test('a form says what is missing before it asks the server, and keeps what it does not know', () => {
  const wrong = check(editable({ name: '-x', files: [entry('relative', 'bad topic'), entry('', '')] }));
  assert.deepEqual(wrong.map(({ pointer, code }) => `${pointer} ${code}`), [
    '/name service', '/files/0/log_path path', '/files/0/topic topic', '/files/1/log_path missing', '/files/1/topic missing']);
  assert.deepEqual(check(editable(service())), []);
  assert.equal(documentOf({ ...service(), future: 1, etag: '"3"', revision: 2 }).future, 1);
  assert.ok(!('etag' in documentOf({ etag: '"3"' })));
  assert.deepEqual(withField({ a: 1, format: 'json' }, 'format', 'raw', 'raw'), { a: 1 });
  assert.deepEqual(withField({}, 'keep', []), {});
  assert.deepEqual(placeOfError('{\n  x', 'Unexpected token x in JSON at position 4'), { line: 2, column: 3 });
});

test('a plan of the server is counted by host and entry', () => {
  const change = { kind: 'changed', log_path: '/a', topic: 't', service: 's', fields: [{ field: 'send_rate', before: 1 }], keys: 2 };
  const plan = planOf({ plan: {
    keys: { write: 2, held: 1 }, changes: [change, { kind: 'added', log_path: '/b', topic: 't', keys: 1 }],
    hosts: [{ host: 'x', address: '10.0.0.1', action: 'write', diff: [change] }, { host: '', address: '10.0.0.9', action: 'held:orphan', diff: [] }],
  } });
  assert.deepEqual(plan.totals, { hosts: 2, held: 1, entries_added: 1, entries_removed: 0, entries_changed: 2 });
  assert.deepEqual(plan.hosts[0].diff.changed[0].fields, [{ name: 'send_rate', before: 1 }]);
  assert.deepEqual(plan.hosts.map(({ host, held }) => [host, held]), [['x', null], ['10.0.0.9', 'orphan']]);
  assert.equal(planOf({ dry_run: true }).totals, undefined);
});

test('a change is followed by what each host says', () => {
  const saved = { revision: 3, etcd: 100, hosts: ['done', 'late', 'bad', 'half', 'shut', 'gone', 'unseen'], files: [entry('/a/*.log', 't')] };
  const host = (name, config, more) => hostOf({ host: name, online: true, since: '', status: { config, ...more } });
  const status = followed(saved, [
    host('done', { applied: { revision: 100 } }), host('late', { applied: { revision: 99 } }),
    host('bad', { applied: { revision: 90 }, failed: { revision: 101, detail: 'broken' } }),
    host('half', { applied: { revision: 100 } }, { errors: [{ code: 'path', pointer: '/0', detail: 'no' }] }),
    host('shut', { applied: { revision: 100 } }, { not_tailing: [{ path: '/b/x.log', topic: 't', state: 'denied' }, { path: '/a/x.log', topic: 't', state: 'denied', last_error: 'no' }] }),
    hostOf({ host: 'gone', online: false, status: {} }),
  ]);
  assert.equal(status.applied, 1);
  assert.deepEqual(status.waiting, ['late']);
  assert.deepEqual(status.offline, ['gone', 'unseen']);
  assert.deepEqual(status.failed.map(({ host: name, detail }) => [name, detail]), [['bad', 'broken'], ['half', 'no'], ['shut', 'no']]);
});

test('a list is searched here if the server does not', () => {
  const rows = [{ name: 'checkout', on: true }, { name: 'Payments', on: false }];
  const names = (me, q, keep) => searched(me, rows, q, keep).map(({ name }) => name);
  assert.deepEqual(names({ features: [] }, 'pay'), ['Payments']);
  assert.deepEqual(names({ features: [] }, '', ({ on }) => on), ['checkout']);
  assert.deepEqual(names({ features: ['search'] }, 'pay'), ['checkout', 'Payments']);
});

test('pages for admins are offered to admins of everything only', () => {
  assert.ok(withFeatures({ role: 'admin', services: ['*'] }).features.includes('tokens'));
  assert.ok(!withFeatures({ role: 'admin', services: ['a*'] }).features.includes('tokens'));
  assert.ok(!withFeatures({ role: 'editor', services: ['*'], features: ['audit', 'hosts'] }).features.includes('audit'));
});

test('cells of the heat map are found where they are drawn', () => {
  for (const n of [1, 59, 137, 2000, 10000]) {
    const grid = layout(n, 1000);
    for (const index of [0, Math.floor(n / 2), n - 1]) {
      const { x, y } = grid.placeOf(index);
      assert.equal(grid.indexAt(x + grid.cell / 2, y + grid.cell / 2), index);
      assert.ok(x + grid.cell <= 1000 && y + grid.cell <= grid.height);
    }
    assert.equal(grid.indexAt(-1, 0), null);
    assert.equal(grid.indexAt(0, grid.height + 50), null);
  }
  assert.deepEqual([null, 0, 1, 1 << 20, 32 << 20, 2 ** 30, 2 ** 40].map(levelOf), [0, 0, 1, 2, 3, 4, 4]);
});

test('a ring keeps the last rows and counts all', () => {
  const ring = new Ring(3);
  ring.add([1, 2]);
  ring.add([3, 4, 5]);
  assert.deepEqual(ring.rows, [3, 4, 5]);
  assert.equal(ring.seen, 5);
  assert.deepEqual(['ERROR x', 'a warn b', 'Information', '2026 DEBUG'].map(levelOfLine), ['bad', 'warn', '', 'off']);
});

test('numbers have units, and nearly all is not all', () => {
  assert.equal(bytes(0), '0 B');
  assert.equal(bytes(1536), '1.5 KiB');
  assert.equal(bytes(null), '–');
  assert.equal(percent(9996, 10000), '99.9 %');
  assert.equal(percent(1, 1), '100 %');
});
