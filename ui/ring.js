// The last rows of a stream. Nothing here draws or asks.

export class Ring {
  constructor(size) {
    this.size = size;
    this.rows = [];
    this.seen = 0; // rows ever added
  }

  add(rows) {
    this.seen += rows.length;
    this.rows = this.rows.concat(rows);
    if (this.rows.length > this.size) this.rows = this.rows.slice(-this.size);
  }

  clear() {
    this.rows = [];
  }
}

const LEVEL = /\b(FATAL|PANIC|ERROR|ERR|WARN(?:ING)?|INFO|DEBUG|TRACE)\b/i;
const KINDS = { FATAL: 'bad', PANIC: 'bad', ERROR: 'bad', ERR: 'bad', WARN: 'warn', WARNING: 'warn', DEBUG: 'off', TRACE: 'off' };

/// The kind of a line by the first level word in its first 200 characters; '' = ordinary.
export function levelOfLine(text) {
  const found = LEVEL.exec(text.slice(0, 200));
  return (found && KINDS[found[1].toUpperCase()]) ?? '';
}
