import { runDay } from './day.js';
import { resultOf } from './table.js';

const small = ['groq', 'google', 'mistral', 'openrouter', 'cerebras', 'opencode'];
for (const seed of (process.argv[2] ?? '1,2,3,4,5,6').split(',')) {
  const t = process.cpuUsage().user;
  const opts =
    process.argv[3] === 'small' ? { providers: small, starts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 60, 120, 10] } : {};
  const d = await runDay({ seed, strategy: 'priority', ...opts });
  if (process.env.PARTS)
    console.log(
      d.first429?.step,
      d.capacity?.parts
        .filter((p) => p.free > 0 || /rpm|tpm/.test(p.name))
        .map((p) => `${p.name} ${p.used.toFixed(1)} +${p.free}`)
        .join('\n'),
    );
  const { requests, refused, first429, capacity, longWindows, minuteWindows, tokens, provoked, failed } = resultOf(d);
  console.log(
    seed,
    requests,
    refused,
    failed,
    first429,
    capacity?.toFixed(3),
    longWindows?.toFixed(3),
    minuteWindows?.toFixed(3),
    tokens?.toFixed(3),
    provoked,
    [...d.upstreams.refusals],
    d.capacity?.minutes.capacity.toFixed(0),
    ((process.cpuUsage().user - t) / 1e6).toFixed(1),
  );
}
