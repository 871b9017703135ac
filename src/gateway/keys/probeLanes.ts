/** How many background probes run at once. */
const MAX_RUNNING = 3;

interface Waiting {
  host: string;
  start(): void;
}

/** Runs background probes a few at a time and never two to one host, first come first served. */
export class ProbeLanes {
  private readonly busyHosts = new Set<string>();
  private waiting: Waiting[] = [];

  constructor(private readonly maxRunning = MAX_RUNNING) {}

  /** Settles as `work` does, which begins when its turn has come. */
  run<T>(host: string, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const start = () => {
        this.busyHosts.add(host);
        work()
          .then(resolve, reject)
          .finally(() => {
            this.busyHosts.delete(host);
            this.startNext();
          });
      };
      this.waiting.push({ host, start });
      this.startNext();
    });
  }

  private startNext(): void {
    while (this.busyHosts.size < this.maxRunning) {
      const next = this.waiting.find(({ host }) => !this.busyHosts.has(host));
      if (!next) return;
      this.waiting = this.waiting.filter((one) => one !== next);
      next.start();
    }
  }
}
