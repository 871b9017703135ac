import { startGateway, type TestGateway, type TestGatewayOptions } from './gateway.js';
import { type FakeProvider, type Handler, startProvider } from './provider.js';

/** Starts things for one test and closes them after it. */
export interface Bed {
  provider(script?: Handler | readonly Handler[]): Promise<FakeProvider>;
  gateway(options?: TestGatewayOptions): Promise<TestGateway>;
}

/** To be called within `describe`: whatever a test starts through it is closed after that test, gateways first. */
export function useBed(): Bed {
  let gateways: TestGateway[] = [];
  let providers: FakeProvider[] = [];
  afterEach(async () => {
    const opened = [gateways, providers] as const;
    gateways = [];
    providers = [];
    await Promise.all(opened[0].map((one) => one.close()));
    await Promise.all(opened[1].map((one) => one.close()));
  });
  return {
    async provider(script) {
      const provider = await startProvider(script);
      providers.push(provider);
      return provider;
    },
    async gateway(options) {
      const gateway = await startGateway(options);
      gateways.push(gateway);
      return gateway;
    },
  };
}
