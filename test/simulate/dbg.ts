import { runDay } from './day.js';
const d = await runDay({seed:'1', strategy:'priority', starts:[0,6]});
console.log(d.served.length, d.failures);
for (const s of d.served.slice(0,0)) console.log(s.code);
