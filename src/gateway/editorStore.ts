import type { FromGateway, StoredKey, ToGateway } from '../protocol/worker.js';
import type { Clock } from './ports.js';

/** SecretStorage, as far as the gateway's thread reaches it: by messages to the editor side. */
export interface EditorStore {
  /** The keys as they are stored now. @throws what kept the editor from reading them. */
  readKeys(): Promise<StoredKey[]>;
  /** Resolves when they are safe. @throws what kept the editor from storing them. */
  saveKeys(keys: StoredKey[]): Promise<void>;
  /** Takes the editor's answer; false for what is none. */
  receive(message: ToGateway): boolean;
  /** Whatever is still asked fails. */
  close(): void;
}

/** What the editor side has for storing keys. Reading has no limit: a keyring may ask its user first. */
const SAVE_TIMEOUT_MS = 10_000;

interface Asked {
  resolve(keys: StoredKey[]): void;
  reject(error: Error): void;
}

export function createEditorStore(post: (message: FromGateway) => void, clock: Clock): EditorStore {
  const asked = new Map<number, Asked>();
  let last = 0;

  function ask(send: (sequence: number) => void, timeoutMs: number | null): Promise<StoredKey[]> {
    const sequence = ++last;
    return new Promise<StoredKey[]>((resolve, reject) => {
      let cancel = () => {};
      const settle = (run: () => void) => {
        cancel();
        if (asked.delete(sequence)) run();
      };
      const entry: Asked = {
        resolve: (keys) => settle(() => resolve(keys)),
        reject: (error) => settle(() => reject(error)),
      };
      asked.set(sequence, entry);
      if (timeoutMs !== null) {
        cancel = clock.after(timeoutMs, () => entry.reject(new Error('The editor did not store the keys in time')));
      }
      send(sequence);
    });
  }

  return {
    readKeys: () => ask((sequence) => post({ type: 'keys.wanted', sequence }), null),
    async saveKeys(keys) {
      await ask((sequence) => post({ type: 'keys.changed', sequence, keys }), SAVE_TIMEOUT_MS);
    },
    receive(message) {
      if (message.type === 'keys' && message.sequence !== null) {
        asked.get(message.sequence)?.resolve(message.keys);
        return true;
      }
      if (message.type === 'keys.unreadable') {
        asked.get(message.sequence)?.reject(new Error(message.error));
        return true;
      }
      if (message.type !== 'keys.saved') return false;
      const entry = asked.get(message.sequence);
      if (message.error === null) entry?.resolve([]);
      else entry?.reject(new Error(message.error));
      return true;
    },
    close() {
      for (const { reject } of [...asked.values()]) reject(new Error('The gateway is closing'));
    },
  };
}
