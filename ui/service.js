// What a service is made of, as far as the form knows: fields with their defaults, drafts that survive a
// reload, and the checks that need no server.
import { load, save } from './stored.js';

export const NEW = '';

/// Fields of an entry beside log_path and topic, in the order of the form: [name, kind, default, choices].
export const ENTRY_FIELDS = [
  ['start', 'choice', 'end', ['end', 'start']],
  ['partition', 'choice', 'file', ['file', 'spread']],
  ['format', 'choice', 'raw', ['raw', 'json']],
  ['key', 'choice', 'full', ['full', 'id', 'none']],
  ['overload', 'choice', 'block', ['block', 'live_first']],
  ['decode', 'choice', '', ['', 'cri', 'docker']],
  ['charset', 'choice', '', ['', 'utf-16le', 'utf-16be']],
  ['oversize', 'choice', 'truncate', ['truncate', 'split', 'dead_letter']],
  ['max_line_bytes', 'number', 1000000],
  ['ignore_older_s', 'number', 0],
  ['exclude', 'list', []],
  ['keep', 'list', []],
  ['drop', 'list', []],
  ['skip_blank', 'flag', true],
];

export const emptyService = () => ({
  name: '', description: '', owner: '', enabled: true,
  hosts: { list: [], cidr: [], selector: '' },
  files: [{ log_path: '', topic: '' }],
  labels: {},
});

// What the server adds to a stored service; it is not part of what is written.
const SERVER_FIELDS = ['etag', 'revision', 'updated_at', 'updated_by', 'status', 'message'];

export function documentOf(stored) {
  const document = { ...stored };
  for (const field of SERVER_FIELDS) delete document[field];
  return document;
}

/// The document as the form edits it: every part that the form touches is there.
export function editable(stored) {
  const document = documentOf(stored);
  const empty = emptyService();
  return {
    ...document,
    description: document.description ?? '', owner: document.owner ?? '', enabled: document.enabled ?? true,
    hosts: { ...empty.hosts, ...document.hosts }, files: document.files ?? [], labels: document.labels ?? {},
  };
}

/// A value that says nothing more than the default is left out of the document.
export function withField(entry, name, value, fallback) {
  const next = { ...entry };
  const nothing = value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  if (nothing || value === fallback) delete next[name];
  else next[name] = value;
  return next;
}

/// A copy of `document` with the value at `path` (an array of keys) replaced.
export function replaced(document, [key, ...rest], value) {
  const copy = Array.isArray(document) ? [...document] : { ...document };
  copy[key] = rest.length ? replaced(document[key], rest, value) : value;
  return copy;
}

export const draftOf = (name) => load(`draft.${name}`, 'session');
export const saveDraft = (name, draft) => save(`draft.${name}`, draft, 'session');
export const dropDraft = (name) => save(`draft.${name}`, null, 'session');

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;

/// What the page can say before it asks the server: [{pointer, code}]. The server checks all of it again.
export function check(service) {
  const errors = [];
  const wrong = (pointer, code) => errors.push({ pointer, code });
  if (!service.name) wrong('/name', 'missing');
  else if (!NAME.test(service.name)) wrong('/name', 'service');
  service.files.forEach((entry, i) => {
    if (!entry.log_path) wrong(`/files/${i}/log_path`, 'missing');
    else if (!entry.log_path.startsWith('/')) wrong(`/files/${i}/log_path`, 'path');
    if (!entry.topic) wrong(`/files/${i}/topic`, 'missing');
    else if (!TOPIC.test(entry.topic)) wrong(`/files/${i}/topic`, 'topic');
  });
  return errors;
}

/// The line and column at which JSON.parse stopped, or null if its message does not say.
export function placeOfError(text, message) {
  const position = /position (\d+)/.exec(message);
  if (!position) return null;
  const before = text.slice(0, Number(position[1])).split('\n');
  return { line: before.length, column: before.at(-1).length + 1 };
}
