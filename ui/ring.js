// The last rows of a stream, in blocks: a block never changes, so what is drawn of it is drawn once.
// Nothing here draws or asks.

const BLOCK = 50; // rows; the oldest block alone is cut when there are too many

export class Ring {
  constructor(size) {
    this.size = size;
    this.clear();
    this.seen = 0; // rows ever added
  }

  add(rows) {
    this.seen += rows.length;
    const last = rows.slice(-this.size);
    for (let i = 0; i < last.length; i += BLOCK) {
      this.blocks.push({ id: (this.made += 1), rows: last.slice(i, i + BLOCK) });
    }
    this.length += last.length;
    while (this.length > this.size) this.cut(this.length - this.size);
    if (this.blocks.length > this.size / 10) this.join();
  }

  cut(rows) {
    const [first] = this.blocks;
    if (first.rows.length <= rows) this.blocks.shift();
    else this.blocks[0] = { ...first, rows: first.rows.slice(rows) };
    this.length -= Math.min(rows, first.rows.length);
  }

  // Many blocks of few rows, from a stream that drips, become few of many.
  join() {
    const { rows } = this;
    this.blocks = [];
    for (let i = 0; i < rows.length; i += BLOCK) this.blocks.push({ id: (this.made += 1), rows: rows.slice(i, i + BLOCK) });
  }

  clear() {
    this.blocks = [];
    this.length = 0;
    this.made ??= 0;
  }

  get rows() {
    return this.blocks.flatMap((block) => block.rows);
  }
}

const LEVEL = /\b(FATAL|PANIC|ERROR|ERR|WARN(?:ING)?|INFO|DEBUG|TRACE)\b/i;
const KINDS = { FATAL: 'bad', PANIC: 'bad', ERROR: 'bad', ERR: 'bad', WARN: 'warn', WARNING: 'warn', DEBUG: 'off', TRACE: 'off' };

/// The kind of a line by the first level word in its first 200 characters; '' = ordinary.
export function levelOfLine(text) {
  const found = LEVEL.exec(text.slice(0, 200));
  return (found && KINDS[found[1].toUpperCase()]) ?? '';
}

/// `text` cut where `word` stands: [{text, hit}]; at most 100 places.
export function hits(text, word) {
  if (!word) return [{ text, hit: false }];
  const found = [];
  let from = 0;
  for (let at = text.indexOf(word); at >= 0 && found.length < 200; at = text.indexOf(word, from)) {
    if (at > from) found.push({ text: text.slice(from, at), hit: false });
    found.push({ text: word, hit: true });
    from = at + word.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), hit: false });
  return found;
}
