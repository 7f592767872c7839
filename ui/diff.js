// Differences between documents, as values. Nothing here draws or asks.

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

export function same(a, b) {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]));
}

/// What identifies an entry of logconfig for the agent: the same path and topic is the same target.
export const entryKey = (entry) => JSON.stringify([entry?.log_path, entry?.topic]);

/// The difference of two logconfig arrays: {added, removed, changed: [{before, after, fields}], same}.
export function entryDiff(before, after) {
  const old = new Map((before ?? []).map((entry) => [entryKey(entry), entry]));
  const result = { added: [], removed: [], changed: [], same: [] };
  for (const entry of after ?? []) {
    const key = entryKey(entry);
    if (!old.has(key)) result.added.push(entry);
    else {
      const fields = fieldDiff(old.get(key), entry);
      if (fields.length) result.changed.push({ before: old.get(key), after: entry, fields });
      else result.same.push(entry);
      old.delete(key);
    }
  }
  result.removed.push(...old.values());
  return result;
}

/// The fields that differ: [{name, before, after}], undefined = not there.
export function fieldDiff(before, after) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names.filter((name) => !same(before?.[name], after?.[name]))
    .map((name) => ({ name, before: before?.[name], after: after?.[name] }));
}

/// Hosts whose arrays change in the same way, most hosts first: [{hosts: [...], diff, held}].
export function groupHosts(hosts) {
  const groups = new Map();
  for (const host of hosts) {
    const key = JSON.stringify([host.held, host.diff]);
    if (!groups.has(key)) groups.set(key, { hosts: [], diff: host.diff, held: host.held });
    groups.get(key).hosts.push(host);
  }
  return [...groups.values()].sort((a, b) => b.hosts.length - a.hosts.length);
}

/// The lines of two texts, in order: [{kind: 'same'|'added'|'removed', text}]. Longest common
/// subsequence; the two sides are documents of at most some hundred lines.
export function lineDiff(before, after) {
  const a = before.split('\n');
  const b = after.split('\n');
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const from = a.slice(start, a.length - end);
  const to = b.slice(start, b.length - end);
  const line = (kind) => (text) => ({ kind, text });
  return [...a.slice(0, start).map(line('same')), ...middle(from, to), ...a.slice(a.length - end).map(line('same'))];
}

function middle(a, b) {
  const width = b.length + 1;
  // Beyond this the table would cost more than it tells.
  if (a.length * b.length > 1e6) return [...a.map((text) => ({ kind: 'removed', text })), ...b.map((text) => ({ kind: 'added', text }))];
  const length = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      length[i * width + j] = a[i] === b[j]
        ? length[(i + 1) * width + j + 1] + 1
        : Math.max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  const lines = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i] });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || length[(i + 1) * width + j] >= length[i * width + j + 1])) {
      lines.push({ kind: 'removed', text: a[i] });
      i += 1;
    } else {
      lines.push({ kind: 'added', text: b[j] });
      j += 1;
    }
  }
  return lines;
}

/// Folds long runs of equal lines: items are lines, or {kind: 'fold', lines: [...]}.
export function folded(lines, context = 3) {
  const keep = new Uint8Array(lines.length);
  lines.forEach((line, i) => {
    if (line.kind === 'same') return;
    for (let k = Math.max(0, i - context); k <= Math.min(lines.length - 1, i + context); k += 1) keep[k] = 1;
  });
  const items = [];
  for (let i = 0; i < lines.length; i += 1) {
    if (keep[i]) items.push(lines[i]);
    else if (items.at(-1)?.kind === 'fold') items.at(-1).lines.push(lines[i]);
    else items.push({ kind: 'fold', lines: [lines[i]] });
  }
  return items;
}
