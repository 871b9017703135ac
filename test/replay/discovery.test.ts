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
    const gateway = await startGateway({
      config: {
        providers: { cerebras: { baseUrl: `${upstream.origin}/v1` } },
        settings: { healthProbes: false, 'queue.timeoutSeconds': 0 },
      },
    });
    try {
      const added = await gateway.api('POST', '/api/keys', {
        provider: 'cerebras',
        key: 'csk-recorded-0123456789',
        check: true,
      });
      assert.ok(added.status < 300, await added.text());
      const { data } = await (await gateway.v1('/v1/models')).json();
      const ids = (data as { id: string }[]).map((model) => model.id);
      for (const id of recorded) assert.ok(ids.includes(`cerebras/${id}`), `${id} is missing in ${ids.join(', ')}`);
      assert.equal(upstream.asked[0]?.path, '/v1/models');
      assert.equal(upstream.asked[0]?.authorization, 'Bearer csk-recorded-0123456789');
    } finally {
      await gateway.close();
      await upstream.close();
    }
  });
});
