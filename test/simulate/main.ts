import { runDay } from './day.js';
const t0=Date.now();
const day = await runDay({ seed: '1', strategy: 'priority', onFirst429(d, r) {
  console.log(JSON.stringify(d.capacity)); for (const k of ['all','long','minutes','tokens'] as const) console.log(k, d.capacity![k].used/d.capacity![k].capacity);
  console.log('first 429', new Date(r.arrivedAt+3600e3).toISOString(), new Date(r.endedAt+3600e3).toISOString(), r.step, d.served.length, 'waiting', d.router.waiting);
  for (const c of d.router.inventory.chain) {
    const w = d.upstreams.accounts.get(c.provider)!.windowsOf(c.model).map((w)=>`${w.kind} ${w.used(r.endedAt)}/${w.limit}`).join(' ');
    const p = (d.router as any).quotaDesk.peek(c, r.step.promptTokens);
    console.log('  ', c.name, c.catalog.intelligenceRank, w, p?.kind, p?.until ? p.until-r.endedAt : p?.until, c.catalog.tools, c.catalog.contextWindow);
  }
}});
console.log('seconds', (Date.now()-t0)/1000);
console.log(day.served.length, JSON.stringify(day.served.reduce((m: any,s)=>{m[s.code]=(m[s.code]??0)+1;return m;},{})));
console.log(day.upstreams.tally, day.failures);
const perHour = new Map<number, number[]>();
for (const s of day.served) { const h=Math.floor((s.arrivedAt - Date.UTC(2026,10,1,23))/3600e3); const e = perHour.get(h) ?? [0,0,0]; e[0]!++; if (s.code===429) e[1]!++; if (s.code===200) e[2]!+=s.endedAt-s.arrivedAt; perHour.set(h,e);}
console.log([...perHour].sort((a,b)=>a[0]-b[0]).map(([h,[n,f,t]])=>`${h}: ${n} ${f} ${Math.round(t!/n!/100)/10}s`).join('\n'));
