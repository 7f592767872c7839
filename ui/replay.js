// What the form of a replay means as arguments of the command. Pure.

/// Times are given as the agent reads them: `2h`, `2026-11-23 22:00`, seconds since 1970.
export function partOf(form) {
  const args = { path: form.path.trim() };
  if (form.part === 'last') args.last = Math.round(Number(form.last) * 1048576);
  else if (form.part === 'bytes') args.offset = `${form.from || 0}:${form.to ?? ''}`;
  else {
    if (form.since.trim()) args.since = form.since.trim();
    if (form.until.trim()) args.until = form.until.trim();
  }
  if (form.same) args.same_topic = true;
  else args.topic = form.topic.trim();
  if (form.rate !== '') args.rate = Number(form.rate);
  return args;
}
