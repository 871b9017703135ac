import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fromPage } from '../../../src/protocol/pages.js';
import type { ConversationHead } from '../../../src/protocol/playground.js';
import { ConversationFiles } from '../../../src/vscode/panels/conversationFiles.js';

describe('saved conversations', () => {
  let folder = '';
  beforeEach(() => {
    folder = path.join(mkdtempSync(path.join(os.tmpdir(), 'freellm-conversations-')), 'conversations');
  });
  afterEach(() => rmSync(path.dirname(folder), { recursive: true, force: true }));

  const content = { version: 1, exchanges: [{ text: 'line\nline “quoted” \u2028' }] };
  const save = (files: ConversationFiles, conversation: string, title: string) =>
    files.do({ deed: 'save', conversation, title, content });
  const list = async (files: ConversationFiles) => (await files.do({ deed: 'list' })) as ConversationHead[];

  it('are listed, the last first, and read as they were saved', async () => {
    let now = 1_000;
    const files = new ConversationFiles(folder, () => now);
    assert.deepEqual(await list(files), []);
    await save(files, 'aaaaaaaa', 'First');
    now = 2_000;
    await save(files, 'bbbbbbbb', 'Second\n“two”');
    assert.deepEqual(await list(files), [
      { id: 'bbbbbbbb', title: 'Second\n“two”', savedAt: 2_000 },
      { id: 'aaaaaaaa', title: 'First', savedAt: 1_000 },
    ]);
    assert.deepEqual(await files.do({ deed: 'read', conversation: 'aaaaaaaa' }), content);
    if (process.platform !== 'win32') assert.equal(statSync(path.join(folder, 'aaaaaaaa.json')).mode & 0o777, 0o600);
    assert.equal(readdirSync(folder).length, 2, 'nothing is left beside them');
  });

  it('are not listed where they could not be opened or shown', async () => {
    const files = new ConversationFiles(folder, () => 5);
    await save(files, 'aaaaaaaa', 'Good');
    const head = (savedAt: number) => `${JSON.stringify({ title: 'x', savedAt })}\nnull`;
    writeFileSync(path.join(folder, 'not an id.json'), head(1));
    writeFileSync(path.join(folder, 'UPPERCASE.json'), head(1));
    writeFileSync(path.join(folder, 'bbbbbbbb.json'), head(1e300));
    writeFileSync(path.join(folder, 'cccccccc.json'), 'null\nnull');
    assert.deepEqual(
      (await list(files)).map(({ id }) => id),
      ['aaaaaaaa'],
    );
  });

  it('are renamed without a change of what was said', async () => {
    const files = new ConversationFiles(folder, () => 5);
    await save(files, 'aaaaaaaa', 'Old');
    await files.do({ deed: 'rename', conversation: 'aaaaaaaa', title: 'New' });
    assert.equal((await list(files))[0]?.title, 'New');
    assert.deepEqual(await files.do({ deed: 'read', conversation: 'aaaaaaaa' }), content);
  });

  it('are back when their removal is undone, and gone for good later', async () => {
    let now = Date.now();
    const files = new ConversationFiles(folder, () => now);
    await save(files, 'aaaaaaaa', 'Mine');
    await files.do({ deed: 'remove', conversation: 'aaaaaaaa' });
    assert.deepEqual(await list(files), []);
    await files.do({ deed: 'restore', conversation: 'aaaaaaaa' });
    assert.equal((await list(files)).length, 1);
    await files.do({ deed: 'remove', conversation: 'aaaaaaaa' });
    now += 120_000;
    await list(files);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('never list what a crash left of a save, and delete it when no save can be at it', async () => {
    let now = Date.now();
    const files = new ConversationFiles(folder, () => now);
    await save(files, 'aaaaaaaa', 'Mine');
    const left = 'aaaaaaaa.json.0123456789ab';
    const others = ['aaaaaaaa.json.backup', 'notes.txt', 'aaaaaaaa.json.0123456789ab.txt'];
    for (const name of [left, ...others]) writeFileSync(path.join(folder, name), '{"title":"x","savedAt":1}\nnull');
    const titles = async () => (await list(files)).map(({ title }) => title);
    assert.deepEqual(await titles(), ['Mine']);
    assert.ok(readdirSync(folder).includes(left), 'another window may be saving');
    now += 2 * 60 * 60_000;
    assert.deepEqual(await titles(), ['Mine']);
    assert.deepEqual(readdirSync(folder).sort(), ['aaaaaaaa.json', ...others].sort());
  });

  it('leave alone what is none of them', async () => {
    const files = new ConversationFiles(folder);
    await save(files, 'aaaaaaaa', 'Mine');
    writeFileSync(path.join(folder, 'notes.json'), 'not ours');
    assert.deepEqual(
      (await list(files)).map(({ title }) => title),
      ['Mine'],
    );
    await assert.rejects(files.do({ deed: 'read', conversation: 'cccccccc' }));
  });

  it('have ids that lead nowhere else', () => {
    for (const conversation of ['../keys', 'a/b', 'A', '.', 'x'.repeat(50)]) {
      const message = { type: 'conversations', id: 1, request: { deed: 'read', conversation } };
      assert.equal(fromPage.safeParse(message).success, false, conversation);
    }
    const chat = { type: 'chat.start', id: 'chat00001', body: { model: 'auto', stream: true, messages: [] } };
    assert.equal(fromPage.safeParse(chat).success, false, 'no messages');
  });
});
