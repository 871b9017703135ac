import assert from 'node:assert/strict';
import { startGateway } from '../support/gateway.js';
import { loadRecordings, recordingsFolder } from './recordings.js';
import { startRecordedUpstream } from './upstream.js';

/** The one recorded list of models: Cerebras's `GET /v1/models`. */
describe('Discovery from a recorded model list', () => {
  it('lists what the provider says it has', async function () {
    const exchange = loadRecordings()
      ?.filter((recording) => recording.provider === 'cerebras')
      .flatMap((recording) => recording.interactions)
      .find(({ request }) => request.method === 'GET');
    if (!exchange) {
      console.log(`      no recordings at ${recordingsFolder}; set FREELLM_RECORDINGS`);
      this.skip();
    }
    const recorded = (JSON.parse(exchange.response.body).data as { id: string }[]).map((model) => model.id);
    const upstream = await startRecordedUpstream();
    upstream.serve(exchange);
    // Cerebras is in the catalog, so its list only proves the key; SambaNova speaks the same wire and is not.
    const gateway = await startGateway({
      config: {
        providers: { cerebras: { baseUrl: `${upstream.origin}/v1` }, sambanova: { baseUrl: `${upstream.origin}/v1` } },
        settings: { healthProbes: false, 'queue.timeoutSeconds': 0 },
      },
    });
    try {
      for (const provider of ['cerebras', 'sambanova']) {
        upstream.asked.length = 0;
        const key = `${provider}-recorded-0123456789`;
        const added = await gateway.api('POST', '/api/keys', { provider, key, check: true });
        assert.equal(added.status, 201);
        const { check } = await added.json();
        assert.deepEqual([check.status, check.models], ['healthy', recorded.length]);
        assert.deepEqual(
          upstream.asked.map((asked) => [asked.method, asked.path, asked.authorization]),
          [['GET', '/v1/models', `Bearer ${key}`]],
        );
      }
      const { data } = await (await gateway.v1('/v1/models')).json();
      const ids = (data as { id: string }[]).map((model) => model.id);
      for (const id of recorded) assert.ok(ids.includes(`sambanova/${id}`), `${id} is missing in ${ids.join(', ')}`);
    } finally {
      await gateway.close();
      await upstream.close();
    }
  });
});
