import * as vscode from 'vscode';
import { clientOf } from './adminClient.js';
import type { HostState } from './gatewayHost.js';
import type { LeaderConnections } from './leaderConnections.js';
import type { Logger } from './logger.js';
import { OverviewFeed } from './overviewFeed.js';
import { OverviewView } from './overviewView.js';
import { SetupProgress } from './setupProgress.js';
import { StatusBar } from './statusBar.js';
import { StatusFeed } from './statusFeed.js';
import type { StatusInput, StatusModel } from './statusModel.js';

/** What stands around the pages: status bar, overview and context keys, fed by the same events. */
export class Surroundings implements vscode.Disposable {
  private readonly statusBar = new StatusBar();
  private readonly setup = new SetupProgress();
  private readonly overview = new OverviewView((isVisible) => this.looked(isVisible));
  private readonly overviewFeed: OverviewFeed;
  private readonly feed: StatusFeed;

  constructor(connections: LeaderConnections, log: Logger) {
    this.overviewFeed = new OverviewFeed({
      client: () => clientOf(connections),
      sink: (overview) => this.tell({ type: 'overview.read', overview }),
      log,
    });
    this.feed = new StatusFeed(connections, (input) => this.tell(input), log);
  }

  get status(): StatusModel {
    return this.statusBar.status;
  }

  /** To be called at every change of the host's state. */
  follow(state: HostState): void {
    this.feed.follow(state);
  }

  /** Somebody opened what shows quotas. */
  quotasOpened(): void {
    this.setup.quotasSeen();
  }

  dispose(): void {
    this.feed.dispose();
    this.overviewFeed.dispose();
    vscode.Disposable.from(this.overview, this.statusBar).dispose();
  }

  private looked(isLooking: boolean): void {
    this.overviewFeed.setSeen(isLooking);
    this.setup.setLooking(isLooking);
  }

  private tell(input: StatusInput): void {
    this.statusBar.accept(input);
    this.overview.show(this.statusBar.status);
    this.setup.accept(input);
    this.overviewFeed.accept(input);
  }
}
