// What the pages decide without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ctl } from '../../ui/ctl.js';
import { entryDiff, folded, groupHosts, lineDiff, same } from '../../ui/diff.js';
import { bytes, countdown, percent } from '../../ui/format.js';
import { layout, levelOf } from '../../ui/heat.js';
import { merge } from '../../ui/merge.js';
import { STEPS, limitAt, positionOf } from '../../ui/rates.js';
import { partOf } from '../../ui/replay.js';
import { Ring, hits, levelOfLine } from '../../ui/ring.js';
import { check, documentOf, editable, placeOfError, withField } from '../../ui/service.js';
import { followed, hostOf, lineOf, planOf, searched, tailStatusOf, withFeatures } from '../../ui/shapes.js';
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

test('a run of one hidden character is one mark, and what would be too many is not drawn', () => {
  assert.equal(plain(`a${'\0'.repeat(500)}b`), 'a⟨NUL×500⟩b');
  assert.equal(plain('\0\x07\0'), '⟨NUL⟩⟨BEL⟩⟨NUL⟩');
  const many = pieces('\0\x07'.repeat(100000), { most: 50 });
  assert.ok(many.length < 60);
  assert.ok(!/[\0\x07]/.test(many.at(-1)));
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
  assert.equal(ring.length, 3);
  assert.equal(ring.seen, 5);
  ring.clear();
  assert.deepEqual([ring.rows, ring.length, ring.seen], [[], 0, 5]);
  assert.deepEqual(['ERROR x', 'a warn b', 'Information', '2026 DEBUG'].map(levelOfLine), ['bad', 'warn', '', 'off']);
});

test('blocks of a ring stay the same objects until they are cut, and never become many', () => {
  const ring = new Ring(2000);
  ring.add(Array.from({ length: 60 }, (_, i) => i));
  const [first, second] = ring.blocks;
  assert.deepEqual([first.rows.length, second.rows.length], [50, 10]);
  ring.add(Array.from({ length: 1945 }, (_, i) => 60 + i));
  assert.notEqual(ring.blocks[0], first);
  assert.equal(ring.blocks[0].rows[0], 5);
  assert.equal(ring.blocks[1], second);
  const drip = new Ring(2000);
  for (let i = 0; i < 5000; i += 1) drip.add([i]);
  assert.ok(drip.blocks.length <= 200);
  assert.deepEqual(drip.rows, Array.from({ length: 2000 }, (_, i) => 3000 + i));
  assert.equal(new Set(drip.blocks.map(({ id }) => id)).size, drip.blocks.length);
});

test('a word is found in a line where it stands, as it is written', () => {
  const shown = (text, word) => hits(text, word).map((part) => (part.hit ? `[${part.text}]` : part.text)).join('');
  assert.equal(shown('a.b a.b', 'a.b'), '[a.b] [a.b]');
  assert.equal(shown('axb', 'a.b'), 'axb');
  assert.equal(shown('aaa', 'aa'), '[aa]a');
  assert.equal(shown('x'.repeat(1000), 'x').replaceAll(/[[\]]/g, ''), 'x'.repeat(1000));
  assert.equal(shown('', 'x'), '');
});

test('a slider for limits has round numbers, and every limit its place', () => {
  assert.deepEqual([0, 1, 100, 5000, 1e6].map((limit) => limitAt(positionOf(limit))), [0, 1, 100, 5000, 1e6]);
  for (let i = 1; i <= STEPS; i += 1) assert.ok(limitAt(i) >= limitAt(i - 1));
  assert.deepEqual([positionOf(3), positionOf(1e9)], [10, STEPS]);
});

test('a line of the tail names its record, whatever its topic is called', () => {
  const { topic, partition, offset } = lineOf({ id: 'a.b_c-d/12/9007199254740993', text: 'x' });
  assert.deepEqual([topic, partition, offset], ['a.b_c-d', '12', '9007199254740993']);
  assert.deepEqual(tailStatusOf({ rate: 5, sampling: 0.5, partitions: { a: 2, b: 3 }, shown: 1 }), { rate: 5, ratio: 0.5, partitions: 5, topics: 2, shown: 1 });
  assert.equal(tailStatusOf({ partitions: { a: 2, b: null } }).partitions, null);
});

test('a request is said as a command where there is one', () => {
  assert.equal(ctl({ method: 'GET', path: 'services' }), 'logagent ctl services list');
  assert.equal(ctl({ method: 'GET', path: 'hosts', query: { q: "a 'b'" } }), "logagent ctl hosts list 'a '\\''b'\\'''");
  assert.equal(ctl({ method: 'POST', path: 'services/a%20b:rollback', query: { dry_run: 'true' }, body: { revision: 3, message: 'go back' } }), "logagent ctl services rollback 'a b' 3 -m 'go back' --dry-run");
  assert.equal(ctl({ method: 'DELETE', path: 'services/a', headers: { 'X-Message': 'gone' } }), 'logagent ctl services delete a -m gone');
  assert.equal(ctl({ method: 'PUT', path: 'services/a', body: { name: 'a', message: 'why' } }), 'logagent ctl services apply -f - -m why <<\'END\'\n{\n  "name": "a"\n}\nEND');
  assert.equal(ctl({ method: 'GET', path: 'tail', query: { service: 'a', q: '' } }), 'logagent ctl tail service=a');
  assert.equal(ctl({ method: 'POST', path: 'tokens', body: { name: 'x', role: 'viewer', services: ['*'], expires_s: 5 } }), null);
  assert.equal(ctl({ method: 'GET', path: 'rates' }), null);
});

test('the form of a replay becomes the arguments of the command', () => {
  const form = { path: ' /a.log ', part: 'time', since: '2h', until: '', last: '50', from: '10', to: '', topic: 't', same: true, rate: '0' };
  assert.deepEqual(partOf(form), { path: '/a.log', since: '2h', same_topic: true, rate: 0 });
  assert.deepEqual(partOf({ ...form, part: 'last', same: false }), { path: '/a.log', last: 52428800, topic: 't', rate: 0 });
  assert.deepEqual(partOf({ ...form, part: 'bytes', rate: '' }), { path: '/a.log', offset: '10:', same_topic: true });
});

test('a countdown ends at zero', () => {
  const now = Date.parse('2026-11-30T10:00:00Z');
  assert.deepEqual(['2026-11-30T10:03:24Z', '2026-11-30T10:00:00.2Z', '2026-11-30T09:00:00Z', null].map((at) => countdown(at, now)), ['3:24', '0:01', '0:00', '–']);
});

test('numbers have units, and nearly all is not all', () => {
  assert.equal(bytes(0), '0 B');
  assert.equal(bytes(1536), '1.5 KiB');
  assert.equal(bytes(null), '–');
  assert.equal(percent(9996, 10000), '99.9 %');
  assert.equal(percent(1, 1), '100 %');
});
