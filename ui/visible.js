// Makes what a text hides visible: control characters, bidi overrides, zero-width characters, lone
// surrogates and towers of combining marks. Names, paths, errors and log lines come from machines, and
// some of them lie.

const C0 = ('NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC ' +
  'FS GS RS US').split(' ');

const NAMES = new Map([
  [0x7f, 'DEL'],   [0x00ad, 'SHY'], [0x034f, 'CGJ'], [0x061c, 'ALM'], [0x115f, 'HCF'], [0x1160, 'HJF'], [0x180e, 'MVS'],
  [0x200b, 'ZWSP'], [0x200c, 'ZWNJ'], [0x200d, 'ZWJ'], [0x200e, 'LRM'], [0x200f, 'RLM'],
  [0x2028, 'LSEP'], [0x2029, 'PSEP'],
  [0x202a, 'LRE'], [0x202b, 'RLE'], [0x202c, 'PDF'], [0x202d, 'LRO'], [0x202e, 'RLO'],
  [0x2060, 'WJ'], [0x2061, 'FA'], [0x2062, 'IT'], [0x2063, 'IS'], [0x2064, 'IP'],
  [0x2066, 'LRI'], [0x2067, 'RLI'], [0x2068, 'FSI'], [0x2069, 'PDI'], [0x3164, 'HF'], [0xfeff, 'BOM'],
  [0xffa0, 'HHF'],
]);

const HIDDEN = new RegExp(
  '[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u180e\\u200b-\\u200f\\u2028-\\u202e' +
  '\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\ud800-\\udfff]|(?<=\\p{M}{4})\\p{M}+', 'gu');

const UNUSUAL = /[^ -~]/;

function nameOf(code) {
  return C0[code] ?? NAMES.get(code) ?? hex(code);
}

function hex(code) {
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/// Splits `text` into pieces: a string is shown as it is, `{mark, title}` stands for what is hidden.
/// Line ends and tabs stay in the text if `lines` is true.
/// At most about `most` pieces are made: a megabyte of them would stop the browser.
export function pieces(text, { lines = false, most = 4000 } = {}) {
  const whole = String(text);
  if (!UNUSUAL.test(whole)) return [whole]; // nearly every line of a log
  const found = [];
  let from = 0;
  for (const match of whole.matchAll(HIDDEN)) {
    const code = match[0].codePointAt(0);
    if (lines && (code === 0x0a || code === 0x09)) continue;
    if (match.index > from) found.push(whole.slice(from, match.index));
    if (found.length > most) {
      found.push(whole.slice(match.index).replace(HIDDEN, '\ufffd'));
      return found;
    }
    if (match.index === from && found.at(-1)?.code === code) again(found.at(-1));
    else found.push(markOf(match[0], code));
    from = match.index + match[0].length;
  }
  if (from < whole.length) found.push(whole.slice(from));
  return found;
}

function markOf(text, code) {
  if (/^\p{M}/u.test(text) && code !== 0x034f) {
    const n = [...text].length;
    return { mark: `+${n}`, title: `${n} combining marks` };
  }
  return { mark: nameOf(code), title: hex(code), code, times: 1 };
}

// A run of one character is one mark.
function again(piece) {
  piece.times += 1;
  piece.mark = `${nameOf(piece.code)}\u00d7${piece.times}`;
}

/// The same as one string, for titles and attributes.
export function plain(text) {
  return pieces(text).map((piece) => (typeof piece === 'string' ? piece : `\u27e8${piece.mark}\u27e9`)).join('');
}
