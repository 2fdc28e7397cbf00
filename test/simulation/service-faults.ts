import { QUEUE_HOST, type SimCacheService } from "./cache-service.js";
import type { Fault, ServiceFaultKind } from "./faults.js";
import type { ChangeAnnouncer } from "./servers/change-announcer.js";
import type { SharedCacheAccounts } from "./shared-cache-accounts.js";
import type { VirtualQueue } from "./transports/sqs-client.js";
import { cutBoth, cutOneWay } from "./world/cuts.js";
import type { World } from "./world/world.js";

/** The queue, what comes into it and who consumes it. */
export interface Consumption {
  readonly services: readonly SimCacheService[];
  readonly queue: VirtualQueue;
  readonly announcer: ChangeAnnouncer;
  readonly accounts: SharedCacheAccounts;
}

interface ServiceFault extends Pick<Fault, "lasts" | "choice"> {
  readonly kind: ServiceFaultKind;
}

/** What befalls the queue, or one persistent-cache service. @returns what ends it */
export function beginServiceFault(
  { kind, lasts, choice }: ServiceFault,
  service: SimCacheService,
  { queue, announcer }: Consumption,
  world: World,
): () => void {
  const { name } = service;
  switch (kind) {
    case "service-crash":
      service.kill();
      return () => {
        if (service.started === undefined) service.start();
      };
    case "service-restart":
      service.restart(lasts);
      return nothing;
    case "service-pause":
      service.started?.process.pause(world.scheduler.now + lasts * 1_000);
      return nothing;
    case "service-clock-step":
      world.clockOffsets.set(name, Math.round((choice - 0.5) * 7_200_000));
      return () => world.clockOffsets.delete(name);
    case "service-redis-cut":
      return choice < 0.5 ? cutBoth(world, name, "redis") : cutOneWay(world, "redis", name);
    case "service-edge-cut":
      return cutBoth(world, name, "edge");
    case "queue-down":
      world.network.refuse(QUEUE_HOST, true);
      return () => world.network.refuse(QUEUE_HOST, false);
    case "queue-cut":
      return cutBoth(world, name, QUEUE_HOST);
    case "queue-half-cut":
      return choice < 0.5 ? cutOneWay(world, name, QUEUE_HOST) : cutOneWay(world, QUEUE_HOST, name);
    case "queue-503":
    case "queue-refuses-credentials":
      queue.state = kind === "queue-503" ? "503" : "403";
      return () => (queue.state = "up");
    case "messages-late":
      announcer.faults.late = Math.round(60_000 * choice);
      return () => (announcer.faults.late = 0);
    case "messages-twice": {
      const usual = announcer.faults.twice;
      announcer.faults.twice = choice;
      return () => (announcer.faults.twice = usual);
    }
  }
}

const nothing = (): void => undefined;
