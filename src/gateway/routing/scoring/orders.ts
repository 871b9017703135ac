import type { StrategyWeights } from '../../../protocol/strategy.js';
import type { ProfileStrategy, Strategy } from '../../../protocol/strategyNames.js';
import type { Clock } from '../../ports.js';
import type { Candidate, Inventory } from '../inventory.js';
import { type Destination, nameMeant, resolveModel } from '../resolveModel.js';
import { type KeyLoad, KeySpread } from './keySpread.js';
import { Order, type OrderSources, PreferringOrder, type Ranking, type RequestOrder } from './order.js';
import type { ScoreSources } from './score.js';

export interface OrdersSources extends ScoreSources, KeyLoad {
  clock: Clock;
  /** Of `auto` and of groups. */
  strategy: Strategy;
  customWeights: StrategyWeights;
}

/** The orders of one inventory: what a name stands for is found once, and lists that several names mean are ranked once. */
export class Orders {
  private readonly byModel = new Map<string, RequestOrder>();
  private readonly byList = new Map<readonly Candidate[], Map<string, Order>>();
  private readonly spread: KeySpread;
  private readonly sources: OrderSources;

  constructor(
    private readonly inventory: Inventory,
    private readonly given: OrdersSources,
  ) {
    this.spread = new KeySpread(inventory.everyName, given, given.clock);
    this.sources = { ...given, spread: this.spread };
  }

  /** @throws HttpError as `resolveModel`. */
  rankingFor(model: string): Ranking {
    return (this.byModel.get(model) ?? this.firstOrderOf(nameMeant(this.inventory, model))).next();
  }

  private firstOrderOf(name: string): RequestOrder {
    let order = this.byModel.get(name);
    if (!order) {
      // Only names that stand for something, in their own case, come this far: no more of them than of models, by a factor.
      order = this.orderOf(resolveModel(this.inventory, name));
      this.byModel.set(name, order);
    }
    return order;
  }

  ranking(list: readonly Candidate[], strategy: ProfileStrategy): Ranking {
    return this.ofList(list, strategy, null).next();
  }

  /** A request was given to the candidate, or has ended there: its quota is another. */
  used(candidate: Candidate): void {
    this.spread.used(candidate);
  }

  private orderOf({ candidates, strategy, profile, preferred }: Destination): RequestOrder {
    const order = this.ofList(candidates, strategy === 'default' ? this.given.strategy : strategy, profile);
    return preferred ? new PreferringOrder(this.orderOf(preferred), order) : order;
  }

  private ofList(list: readonly Candidate[], strategy: ProfileStrategy | null, profile: string | null): Order {
    let orders = this.byList.get(list);
    if (!orders) {
      orders = new Map();
      this.byList.set(list, orders);
    }
    const name = strategy ?? '';
    let order = orders.get(name);
    if (!order) {
      order = new Order(list, strategy, profile, this.sources);
      orders.set(name, order);
    }
    return order;
  }
}
