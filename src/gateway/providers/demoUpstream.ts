import type { ChatRequest } from '../../protocol/chat.js';
import { sseData } from '../net/sse.js';
import type { UpstreamClient } from '../net/upstream.js';
import { createDemoAnswer } from './demo.js';

/**
 * The demo provider's far end, inside this process: takes what the OpenAI adapter sends and answers on the same wire,
 * so that a demo request goes the way of every other.
 */
export function createDemoUpstream(): Pick<UpstreamClient, 'send'> {
  return {
    send(request, _timeouts, handler) {
      let isAborted = false;
      const body = JSON.parse(request.body ?? '{}') as ChatRequest;
      const { chunks, completion } = createDemoAnswer(body);
      setImmediate(() => {
        if (isAborted) return;
        if (body.stream) {
          handler.onHeaders(200, { 'content-type': 'text/event-stream' });
          for (const chunk of chunks) handler.onData(Buffer.from(sseData(JSON.stringify(chunk))));
          handler.onData(Buffer.from(sseData('[DONE]')));
        } else {
          handler.onHeaders(200, { 'content-type': 'application/json' });
          handler.onData(Buffer.from(JSON.stringify(completion)));
        }
        if (!isAborted) handler.onEnd();
      });
      return {
        abort() {
          isAborted = true;
        },
      };
    },
  };
}
