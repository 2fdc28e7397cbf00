import type { Random } from "../../model/random.js";
import { listenHttp, type VirtualRequest } from "../transports/http.js";
import { listenWebSocket, type VirtualSocket } from "../transports/websocket.js";
import { World } from "../world/world.js";

/** One value of a customer's entitlements, from a time on. */
export interface Version {
  /** From 1, one more with each change. */
  readonly number: number;
  readonly isGranted: boolean;
  /** Epoch milliseconds by upstream's clock, later with each version. */
  readonly since: number;
  /** Whether nobody but Redis was away when it came to be: whoever listens has heard of it. */
  readonly isHeard?: boolean;
}

interface Customer {
  readonly versions: Version[];
  used: number;
  usedAt: number;
}

/** A change as those are told of it who do not listen to the stream. */
export interface VendorChange {
  readonly type: "entitlements.updated" | "usage.updated" | "package.published";
  readonly data: object;
  readonly customer: number;
  readonly version: number;
  readonly isOfResource: boolean;
}

export interface UpstreamFaults {
  /** How far Edge is behind the API, milliseconds. */
  edgeLagMs: number;
  edge: "up" | "503" | "hangs" | "429";
  /** The customer that Edge refuses to be asked for. */
  edgeRefuses: number | undefined;
  api: "up" | "503" | "hangs" | "429";
  /** What share of reports is counted without an answer. */
  losesAnswers: number;
  /** What share of events never arrives. */
  losesEvents: number;
}

/** Microseconds that the vendor's servers take. */
const EDGE_TAKES = 40_000;
const API_TAKES = 90_000;
/** Limits by which an answer tells of which version it is: below it nothing is granted. */
export const GRANTED_LIMIT = 1_000_000;
export const USED = 999_000;
const ID_OF_SEATS = "seats";
const ID_OF_CALLS = "calls";
const MAX_KEPT_VERSIONS = 50;
/** A limit that tells whose a state is: of a customer, or of a customer's resource. */
export const CUSTOMER_MARK = 1e9;
export const RESOURCE_MARK = 2e9;
/** Versions of a resource's entitlements are counted from here. */
export const RESOURCE_VERSIONS = 500_000;
const RESOURCE = "site";
/** Customers that a publication changes: more than a listener asks for by itself. */
const PUBLISHED = 400;
/** One of so many customers has an id that is, in Redis, also the name of another's resource. */
const SHARED_SLOT_EVERY = 20;

/** The vendor: one truth, an Edge that is behind it now and then, an API that takes reports, and a stream of changes. */
export class Upstream {
  readonly faults: UpstreamFaults = {
    edgeLagMs: 500,
    edge: "up",
    edgeRefuses: undefined,
    api: "up",
    losesAnswers: 0,
    losesEvents: 0,
  };
  /** Notified of what the stream is told, whoever listens there. */
  onVendorChange: (change: VendorChange) => void = () => undefined;
  /** By idempotency key, how often it was counted: upstream counts once, so the value is what a second count would be refused for. */
  readonly counted = new Map<string, number>();
  /** Customers that Edge has refused to be asked for. */
  readonly refused = new Set<number>();
  calls = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #customers: readonly Customer[];
  readonly #sockets = new Map<VirtualSocket, Map<string, string>>();
  readonly #hasSharedSlots: boolean;

  /** @param hasSharedSlots whether some customers' ids are also names of others' resources in Redis */
  constructor(world: World, random: Random, customers: number, hasSharedSlots = false) {
    this.#hasSharedSlots = hasSharedSlots;
    this.#world = world;
    this.#random = random;
    this.#customers = Array.from({ length: customers }, () => ({
      versions: [{ number: 1, isGranted: random.chance(0.7), since: world.now - 86_400_000 }],
      used: 0,
      usedAt: world.now - 86_400_000,
    }));
    listenHttp("edge", (request) => this.#edge(request));
    listenHttp("api", (request) => this.#api(request));
    listenWebSocket("ws", (socket) => this.#stream(socket));
  }

  get customers(): number {
    return this.#customers.length;
  }

  idOf(customer: number): string {
    return this.sharesItsSlot(customer) ? `customer-${customer - 1}:r_${RESOURCE}` : `customer-${customer}`;
  }

  sharesItsSlot(customer: number): boolean {
    return this.#hasSharedSlots && customer % SHARED_SLOT_EVERY === SHARED_SLOT_EVERY - 1;
  }

  /** As the API tells it now. */
  stateOf(customer: number): unknown {
    return this.#stateAt(customer, Infinity);
  }

  versionsOf(customer: number): readonly Version[] {
    return this.#customer(customer).versions;
  }

  /** Undefined: it is not there yet, or no longer kept. */
  versionOf(customer: number, number: number): Version | undefined {
    const { versions } = this.#customer(customer);
    return versions[number - (versions[0]?.number ?? 0)];
  }

  /** When a version came to be, milliseconds of virtual time. */
  timeOf({ since }: Version): number {
    return since - World.EPOCH;
  }

  /** The customer's entitlements are others from now on, and everybody who listens is reported. */
  change(customer: number, isHeard: boolean): Version {
    const version = this.#replace(customer, isHeard);
    const event = {
      customerId: this.idOf(customer),
      resourceId: null,
      accessDeniedReason: null,
      entitlements: this.#entitlements(customer, version),
    };
    const vendorChange = { type: "entitlements.updated", customer, version: version.number } as const;
    this.#tell("entitlementsUpdatedV2", event);
    this.onVendorChange({ ...vendorChange, data: event, isOfResource: false });
    if (this.#hasSharedSlots && this.sharesItsSlot(customer + 1)) {
      const ofResource = { ...event, resourceId: RESOURCE, entitlements: this.#entitlements(customer, version, true) };
      this.#tell("entitlementsUpdatedV2", ofResource);
      this.onVendorChange({ ...vendorChange, data: ofResource, isOfResource: true });
    }
    return version;
  }

  #replace(customer: number, isHeard: boolean): Version {
    const { versions } = this.#customer(customer);
    const last = versions.at(-1) as Version;
    const version = {
      number: last.number + 1,
      isGranted: !last.isGranted,
      since: Math.max(this.#world.now, last.since + 1),
      isHeard,
    };
    versions.push(version);
    if (versions.length > MAX_KEPT_VERSIONS) versions.shift();
    return version;
  }

  /** Plans are others for everybody, and nobody is told of each customer. */
  publish(isHeard: boolean): void {
    // Where messages are accounted for one by one, nothing changes without one.
    if (!this.#hasSharedSlots)
      for (let customer = 0; customer < Math.min(PUBLISHED, this.customers); customer++)
        this.#replace(customer, isHeard);
    const data = { migrationType: "ALL_CUSTOMERS" };
    this.#tell("packagePublished", data);
    this.onVendorChange({ type: "package.published", data, customer: -1, version: 0, isOfResource: false });
  }

  /** Ends the connections of the stream. */
  dropStreams(): void {
    for (const socket of [...this.#sockets.keys()]) socket.close(1_012, "Service Restart");
    this.#sockets.clear();
  }

  #customer(customer: number): Customer {
    const found = this.#customers[customer];
    if (found === undefined) throw new Error(`there is no customer ${customer}`);
    return found;
  }

  #entitlements(customer: number, { number, isGranted, since }: Version, isOfResource = false): readonly unknown[] {
    const { used, usedAt } = this.#customer(customer);
    const updated = new Date(since).toISOString();
    const metered = (refId: string, usageLimit: number, currentUsage: number, usageUpdatedAt: string) => ({
      __typename: "FeatureEntitlement",
      isGranted: true,
      accessDeniedReason: null,
      usageLimit,
      hasUnlimitedUsage: false,
      hasSoftLimit: false,
      currentUsage,
      enumValues: [],
      entitlementUpdatedAt: updated,
      usageUpdatedAt,
      feature: { refId, displayName: refId, featureType: "NUMBER", meterType: "Fluctuating" },
    });
    return [
      metered(
        ID_OF_SEATS,
        (isGranted ? GRANTED_LIMIT : 0) + number + (isOfResource ? RESOURCE_VERSIONS : 0),
        USED,
        updated,
      ),
      metered(
        ID_OF_CALLS,
        customer + (isOfResource ? RESOURCE_MARK : CUSTOMER_MARK),
        used,
        new Date(usedAt).toISOString(),
      ),
    ];
  }

  #tell(field: string, payload: unknown): void {
    for (const [socket, subscriptions] of this.#sockets) {
      const id = subscriptions.get(field);
      if (id === undefined || this.#random.chance(this.faults.losesEvents)) continue;
      socket.send({ id, type: "next", payload: { data: { [field]: payload } } });
    }
  }

  #edge(request: VirtualRequest): void {
    this.calls++;
    const { edge } = this.faults;
    if (edge === "hangs") return;
    this.#later(EDGE_TAKES, () => {
      if (edge === "503") request.answer(503, { message: "unavailable" });
      else if (edge === "429") request.answer(429, { message: "Too Many Requests" }, { "retry-after": "2" });
      else if (request.path.startsWith("/v1/config")) request.answer(200, { data: { sdkConfiguration: {} } });
      else this.#state(request);
    });
  }

  #state(request: VirtualRequest): void {
    const { customerId, isOfResource } = subjectIn(request.path);
    const customer = numberOf(customerId);
    if (customer === this.faults.edgeRefuses) {
      this.refused.add(customer);
      request.answer(431, { message: "the header is too large" });
    } else
      request.answer(200, {
        data: {
          entitlementsState: this.#stateAt(customer, this.#world.now - this.faults.edgeLagMs, isOfResource),
        },
      });
  }

  #api(request: VirtualRequest): void {
    this.calls++;
    const { api } = this.faults;
    if (api === "hangs") return;
    this.#later(API_TAKES, () => {
      if (api === "503") request.answer(503, { message: "unavailable" });
      else if (api === "429")
        request.answer(429, { message: "ThrottlerException: Too Many Requests" }, { "retry-after": "1" });
      else this.#graphql(request);
    });
  }

  #graphql(request: VirtualRequest): void {
    const { operationName, variables } = JSON.parse(request.body) as {
      readonly operationName: string;
      readonly variables: {
        readonly query?: { readonly customerId: string; readonly resourceId?: string | null };
        readonly input?: ReportInput;
      };
    };
    if (operationName === "GetEntitlementsState") {
      const { customerId = "", resourceId } = variables.query ?? {};
      const isOfResource = (resourceId ?? undefined) !== undefined;
      request.answer(200, {
        data: { entitlementsState: this.#stateAt(numberOf(customerId), Infinity, isOfResource) },
      });
    } else if (operationName === "ReportUsage" && variables.input !== undefined) {
      this.#report(request, variables.input);
    } else request.answer(200, { data: { sdkConfiguration: {} } });
  }

  #report(request: VirtualRequest, { customerId, value, idempotencyKey }: ReportInput): void {
    const customer = this.#customer(numberOf(customerId));
    // A customer that upstream refuses: it is told so, and nothing counts.
    if (value < 0) {
      request.answer(200, {
        errors: [{ message: "the value has to be positive", extensions: { code: "BadUserInput" } }],
      });
      return;
    }
    if (!this.counted.has(idempotencyKey)) {
      customer.used += value;
      customer.usedAt = Math.max(this.#world.now, customer.usedAt + 1);
      this.counted.set(idempotencyKey, value);
      const usageEvent = {
        customerId,
        resourceId: null,
        entitlementReference: { id: ID_OF_CALLS, type: "FEATURE" },
        usage: {
          currentUsage: customer.used,
          usageUpdatedAt: new Date(customer.usedAt).toISOString(),
          usagePeriodStart: null,
          usagePeriodEnd: null,
        },
      };
      this.#tell("usageUpdatedV2", usageEvent);
      this.onVendorChange({
        type: "usage.updated",
        data: usageEvent,
        customer: numberOf(customerId),
        version: 0,
        isOfResource: false,
      });
    }
    if (this.#random.chance(this.faults.losesAnswers)) {
      request.reset();
      return;
    }
    const measured = {
      id: idempotencyKey,
      customerId,
      featureId: ID_OF_CALLS,
      currentUsage: customer.used,
      timestamp: new Date(customer.usedAt).toISOString(),
    };
    request.answer(200, { data: { reportUsage: measured } });
  }

  #stateAt(customer: number, time: number, isOfResource = false): unknown {
    const { versions } = this.#customer(customer);
    const version = versions.findLast(({ since }) => since <= time) ?? versions[0];
    if (version === undefined) throw new Error(`customer ${customer} has no version`);
    return { accessDeniedReason: null, entitlementsV2: this.#entitlements(customer, version, isOfResource) };
  }

  #stream(socket: VirtualSocket): void {
    const subscriptions = new Map<string, string>();
    socket.onClose = () => this.#sockets.delete(socket);
    socket.onMessage = (text) => {
      const message = JSON.parse(text) as {
        readonly type: string;
        readonly id?: string;
        readonly payload?: { readonly query?: string };
      };
      if (message.type === "connection_init") socket.send({ type: "connection_ack" });
      else if (message.type === "ping") socket.send({ type: "pong" });
      else if (message.type === "subscribe") {
        const field = /\{\s*(\w+)/.exec(message.payload?.query ?? "")?.[1] ?? "";
        subscriptions.set(field, message.id ?? "");
        this.#sockets.set(socket, subscriptions);
      } else if (message.type === "complete")
        for (const [field, id] of subscriptions) if (id === message.id) subscriptions.delete(field);
    };
  }

  #later(delay: number, run: () => void): void {
    this.#world.scheduler.after(delay + this.#random.below(delay), undefined, run);
  }
}

interface ReportInput {
  readonly customerId: string;
  readonly value: number;
  readonly idempotencyKey: string;
}

function numberOf(customerId: string): number {
  const [, number = "", isNameOfResource] = /^customer-(\d+)(:r_)?/.exec(customerId) ?? [];
  return Number(number) + (isNameOfResource === undefined ? 0 : 1);
}

function subjectIn(path: string): { readonly customerId: string; readonly isOfResource: boolean } {
  const [, customerId = ""] = /\/v1\/c\/([^/]+)\//.exec(path) ?? [];
  return { customerId: decodeURIComponent(customerId), isOfResource: path.includes("?resourceId=") };
}
