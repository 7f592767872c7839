// Merges two edits of one service that began at the same document. What only one side changed is taken;
// what both changed differently is a conflict that a person decides.
import { entryKey, same } from './diff.js';

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const isSet = (value) => Array.isArray(value) && value.every((item) => typeof item === 'string');
const SETS = new Set(['/hosts/list', '/hosts/cidr']);

/// Returns {merged, conflicts: [{pointer, base, mine, theirs}]}. `merged` takes `mine` at a conflict
/// unless `choices` maps its pointer to 'theirs'. undefined = not there.
export function merge(base, mine, theirs, choices = {}) {
  const conflicts = [];
  const merged = mergeValue('', base, mine, theirs, { conflicts, choices });
  return { merged, conflicts };
}

function mergeValue(pointer, base, mine, theirs, context) {
  if (same(mine, theirs) || same(base, theirs)) return mine;
  if (same(base, mine)) return theirs;
  if (pointer === '/files' && [mine, theirs].every(Array.isArray)) return mergeEntries(base ?? [], mine, theirs, context);
  if (SETS.has(pointer) && [mine, theirs].every(isSet)) return mergeSets(base ?? [], mine, theirs);
  if (isObject(mine) && isObject(theirs)) return mergeObjects(pointer, isObject(base) ? base : {}, mine, theirs, context);
  context.conflicts.push({ pointer, base, mine, theirs });
  return context.choices[pointer] === 'theirs' ? theirs : mine;
}

function mergeObjects(pointer, base, mine, theirs, context) {
  const merged = {};
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const escaped = key.replaceAll('~', '~0').replaceAll('/', '~1');
    const value = mergeValue(`${pointer}/${escaped}`, base[key], mine[key], theirs[key], context);
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}

function mergeSets(base, mine, theirs) {
  const gone = new Set(base.filter((item) => !mine.includes(item) || !theirs.includes(item)));
  return [...new Set([...mine, ...theirs])].filter((item) => !gone.has(item));
}

// Entries are told apart by path and topic, not by their place in the array.
function mergeEntries(base, mine, theirs, context) {
  const find = (list, key) => list.find((entry) => entryKey(entry) === key);
  const keys = [...new Set([...theirs, ...mine].map(entryKey))];
  const merged = [];
  for (const key of keys) {
    const entry = mergeValue(`/files/${key}`, find(base, key), find(mine, key), find(theirs, key), context);
    if (entry !== undefined) merged.push(entry);
  }
  return merged;
}
