import type { FrameGateway } from '../../src/protocol/pages.js';
import { t } from './l10n.js';

/** How things are with the gateway, for the header; `why` where it is down. */
export function gatewayWords(gateway: FrameGateway): { short: string; hover: string; why: string } {
  switch (gateway.kind) {
    case 'starting':
      return { short: t('starting…'), hover: t('The gateway is starting'), why: '' };
    case 'up': {
      const place = gateway.url.replace(/^https?:\/\//, '');
      const short = t('listening on {0}', place);
      return gateway.isHere
        ? { short, hover: t('This window runs the gateway'), why: '' }
        : { short: t('{0} · in another window', short), hover: t('Another window runs the gateway'), why: '' };
    }
    case 'down':
      return { short: t('not running'), hover: gateway.message, why: whyDown(gateway) };
  }
}

function whyDown({ reason, message }: Extract<FrameGateway, { kind: 'down' }>): string {
  switch (reason) {
    case 'port-taken':
      return t('Another program listens on the port of the gateway. Change freellm.port, or end that program.');
    case 'needs-reload':
      return t('A newer version of FreeLLM has taken over its data. Reload this window to use it.');
    case 'crashed':
      return t('The gateway ended unexpectedly and is starting again.');
    case 'closed':
      return t('The gateway was stopped.');
    case 'error':
      return t('The gateway did not start: {0}', message);
  }
}
