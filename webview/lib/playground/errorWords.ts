import type { ChatEnd } from '../../../src/protocol/playground.js';
import { duration } from '../format.js';
import { t } from '../l10n.js';

/** What a failure means, and what can be done. */
export interface FailureWords {
  headline: string;
  /** null where the gateway's own words say enough. */
  advice: string | null;
  act: 'addKey' | 'keys' | 'chain' | 'restart' | null;
}

export function failureWordsOf(end: Extract<ChatEnd, { kind: 'failed' }>): FailureWords {
  const { status, code, retryAfterSeconds } = end;
  switch (code) {
    case 'no_providers_configured':
      return words(
        t('No provider can answer yet.'),
        t('Add a key, or switch a provider on that needs none.'),
        'addKey',
      );
    case 'rate_limit_exceeded':
      return words(
        t('Every provider that could answer is full or resting.'),
        retryAfterSeconds === null
          ? t('Wait for a reset, or add a key of another provider.')
          : t('Try again in {0}, or add a key of another provider.', duration(retryAfterSeconds * 1000)),
        'keys',
      );
    case 'model_not_found':
      return words(
        t('There is no such model.'),
        t('Choose another in the settings, or put it into the chain.'),
        'chain',
      );
    case 'no_vision_model':
      return words(
        t('No model in the chain can see images.'),
        t('Put one into the chain, or leave the image out.'),
        'chain',
      );
    case 'no_tools_model':
      return words(
        t('No model in the chain can call tools.'),
        t('Put one into the chain, or leave the tools out.'),
        'chain',
      );
    case 'context_length_exceeded':
      return words(
        t('This is too long for every model.'),
        t('Shorten the question, or begin a new conversation.'),
        'chain',
      );
    case 'provider_rejected_request':
      return words(t('Every provider refused the request.'), t('Look at the sampling settings and the tools.'), null);
    case 'request_too_large':
      return words(t('The request is over 32 MB.'), t('Leave out images, or begin a new conversation.'), null);
    case 'upstream_timeout':
      return words(t('Nobody answered in time.'), t('Try again, or choose a faster model.'), null);
    case 'upstream_error':
      return words(t('Every attempt failed.'), t('The attempts say why; the Keys page tells how each key is.'), 'keys');
  }
  if (status === null)
    return words(t('The gateway cannot be reached.'), t('It may just be starting: try again.'), 'restart');
  return words(t('There was no answer.'), null, null);
}

function words(headline: string, advice: string | null, act: FailureWords['act']): FailureWords {
  return { headline, advice, act };
}
