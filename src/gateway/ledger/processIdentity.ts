import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { errorCode } from './storage.js';

/** Who holds a lock, and how to tell whether a process is still the one that took it. Tests pass their own. */
export interface ProcessIdentity {
  pid: number;
  hostname: string;
  /**
   * Names the moment that a process started: a pid is used again, this is not. null where it cannot be told, or where no
   * such process runs.
   */
  startOf(pid: number): Promise<string | null>;
  isAlive(pid: number): boolean;
}

export function currentProcess(): ProcessIdentity {
  return { pid: process.pid, hostname: os.hostname(), startOf, isAlive };
}

/** Where /proc/<pid>/stat has the start time, counted after the name (proc(5), field 22), in ticks since the boot. */
const START_FIELD = 19;

async function startOf(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile('/proc/sys/kernel/random/boot_id', 'latin1'),
    ]);
    // The name is in brackets and may hold spaces and brackets itself.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_FIELD];
    return ticks === undefined ? null : `${boot.trim()}:${ticks}`;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return errorCode(error) === 'EPERM';
  }
}
