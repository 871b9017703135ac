import type { ChainView } from '../../protocol/chain.js';
import type { Strategy } from '../../protocol/strategyNames.js';
import type { ConfigFile } from '../config/configFile.js';
import type { Chain } from './chain.js';
import { chainView } from './chainView.js';
import type { Candidate } from './inventory.js';
import type { Router } from './router.js';

export interface ChainInForceParts {
  config: ConfigFile;
  chain: Chain;
  /** The strategy that the user chose, in the settings or in the config file. */
  chosen(): Strategy | undefined;
  router(): Router;
}

/** Which strategy the chain is asked by, who said so, and what comes of it. */
export class ChainInForce {
  constructor(private readonly parts: ChainInForceParts) {}

  /**
   * The chain's strategy: the user's choice; without one a chain that somebody wrote down is asked in its order, and the
   * catalog's is balanced.
   */
  strategy(): Strategy {
    return this.parts.chosen() ?? (this.hasOrder ? 'priority' : 'balanced');
  }

  /** The config file has the chain: nobody else changes it. */
  get isFixed(): boolean {
    return this.parts.config.chain !== undefined;
  }

  /** The chain's models as another strategy would ask them, by default as they are asked. */
  view(strategy: Strategy = this.strategy()): ChainView {
    const { config, chain, chosen } = this.parts;
    const router = this.parts.router();
    const isOfConfig = config.strategy !== undefined || config.settings?.strategy !== undefined;
    return chainView(
      {
        inventory: router.inventory,
        entries: chain.entries,
        inForce: this.strategy(),
        chosenBy: isOfConfig ? 'config' : chosen() ? 'user' : 'nobody',
        isFixed: this.isFixed,
        hasOrder: this.hasOrder,
        isFree: router.isFree,
        isTried: router.isTried,
        ranking: (other: Strategy) => router.chainRanking(other),
        windows: (candidate: Candidate) => router.quota.usesOf(candidate),
      },
      strategy,
    );
  }

  private get hasOrder(): boolean {
    return this.isFixed || (this.parts.chain.entries?.some(({ isEnabled }) => isEnabled) ?? false);
  }
}
