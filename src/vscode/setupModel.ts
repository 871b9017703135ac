import type { contexts } from './contributions.js';
import type { StatusInput } from './statusModel.js';

/** How far the user has come: what `when` clauses and the walkthrough's steps go by. */
export type Setup = Readonly<Record<keyof typeof contexts, boolean>>;

export const initialSetup: Setup = {
  isFresh: false,
  hasKeys: false,
  hasAnswered: false,
  hasClient: false,
  hasChat: false,
  hasSeenQuota: false,
};

/** What our own test question calls itself. */
export const OWN_CLIENT = 'FreeLLM';
/** What VS Code's chat calls itself to an endpoint that the user added there. */
const CHAT_CLIENT = 'GitHubCopilotChat';

/** The setup after one more event; the same object where nothing changed. Pure. */
export function setupAfter(setup: Setup, input: StatusInput): Setup {
  switch (input.type) {
    case 'state.read':
    case 'gateway.changed': {
      const { counts, demo, lastRequest } = input.state;
      return changed(setup, {
        isFresh: counts.keys === 0 && !demo,
        hasKeys: counts.keys > 0,
        hasAnswered: setup.hasAnswered || lastRequest?.outcome.status === 'success',
      });
    }
    case 'request.started':
      return changed(setup, {
        hasClient: setup.hasClient || input.client !== OWN_CLIENT,
        hasChat: setup.hasChat || input.client === CHAT_CLIENT,
      });
    case 'request.ended':
      return changed(setup, { hasAnswered: setup.hasAnswered || input.outcome.status === 'success' });
    default:
      return setup;
  }
}

function changed(setup: Setup, change: Partial<Setup>): Setup {
  const isSame = Object.entries(change).every(([name, value]) => setup[name as keyof Setup] === value);
  return isSame ? setup : { ...setup, ...change };
}
