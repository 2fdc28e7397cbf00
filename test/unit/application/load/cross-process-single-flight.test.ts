import { describe, expect, it } from "@jest/globals";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import type { Subject } from "../../../../src/domain/subject.js";
import type { CrossProcessSingleFlight, Lease } from "../../../../src/ports/shared-cache.js";
import { buildCore, NO_HURRY } from "../../../builders/core.js";
import { metered, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { RemoteStore } from "../../../fakes/remote-store.js";

const subject: Subject = { customerId: "c" };
const withLimit = (usageLimit: number): CustomerState => stateWith([metered({ usageLimit })]);
const limitOf = (known: { readonly state: CustomerState | undefined } | undefined) =>
  known?.state?.feature("seats")?.usageLimit;

/** Other processes, as the test says: it gives the turn, or has this process look whether they brought something. */
class Others implements CrossProcessSingleFlight {
  readonly waiting: {
    readonly subject: Subject;
    readonly isThere: () => Promise<boolean>;
    readonly resolve: (lease: Lease | undefined) => void;
  }[] = [];
  readonly ended: boolean[] = [];

  acquireLease(subject: Subject, isThere: () => Promise<boolean>): Promise<Lease | undefined> {
    return new Promise((resolve) => {
      this.waiting.push({ subject, isThere, resolve });
    });
  }

  giveTurn(index = 0): void {
    this.waiting[index]!.resolve({ end: (isStored) => this.ended.push(isStored) });
  }

  /** @returns whether this process found what it wants */
  async haveLook(index = 0): Promise<boolean> {
    const { isThere, resolve } = this.waiting[index]!;
    const found = await isThere();
    if (found) resolve(undefined);
    return found;
  }
}

function withOthers() {
  const others = new Others();
  const stores: RemoteStore[] = [];
  const core = buildCore({
    singleFlight: others,
    store: (memory) => {
      stores.push(new RemoteStore(memory));
      return stores[0]!;
    },
  });
  /** As another process would. */
  const store = (state: CustomerState, recheckAt = Infinity) =>
    stores[0]!.put(subject, { state, verifiedAt: core.clock.now(), recheckAt, isVerified: true });
  return { core, others, store, remote: stores[0]! };
}

describe("where processes share the store", () => {
  it("upstream is asked only when it is this process's turn, and the turn ends with what is stored", async () => {
    const { core, others } = withOthers();
    const loaded = core.load.load(subject);
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(0);
    others.giveTurn();
    const fetch = await core.upstream.fetches.at(0);
    expect(others.ended).toEqual([]);
    fetch.answer(withLimit(1));
    expect(limitOf(await loaded)).toBe(1);
    expect(others.ended).toEqual([true]);
  });

  it("what another process brought is taken, and upstream is not asked", async () => {
    const { core, others, store } = withOthers();
    const loaded = core.load.load(subject);
    await promisesSettled();
    expect(await others.haveLook()).toBe(false);
    await store(withLimit(2));
    expect(await others.haveLook()).toBe(true);
    expect(limitOf(await loaded)).toBe(2);
    expect(core.upstream.fetches.count).toBe(0);
  });

  it("what has to be asked for again, or is stale, is not what is wanted", async () => {
    const { core, others, store, remote } = withOthers();
    void core.load.load(subject);
    await promisesSettled();
    await store(withLimit(2), core.clock.now());
    expect(await others.haveLook()).toBe(false);
    await store(withLimit(2));
    await remote.markAllUnverified();
    expect(await others.haveLook()).toBe(false);
    remote.isReachable = false;
    expect(await others.haveLook()).toBe(false);
  });

  it.each<[string, (parts: ReturnType<typeof withOthers>) => Promise<void>]>([
    ["upstream failed", async ({ core }) => (await core.upstream.fetches.at(0)).fail()],
    ["there was no upstream to ask", async ({ core }) => (await core.upstream.fetches.at(0)).answer(undefined)],
    [
      "the answer could not be stored",
      async ({ core, remote }) => {
        remote.isReachable = false;
        (await core.upstream.fetches.at(0)).answer(withLimit(1));
      },
    ],
    [
      "a change superseded the answer",
      async ({ core }) => {
        const fetch = await core.upstream.fetches.at(0);
        core.load.supersede(subject);
        fetch.answer(withLimit(1));
      },
    ],
  ])("the others are told that nothing was stored where %s", async (_, happens) => {
    const parts = withOthers();
    const loaded = parts.core.load.load(subject).catch(() => undefined);
    await promisesSettled();
    parts.others.giveTurn();
    await happens(parts);
    await loaded;
    expect(parts.others.ended).toEqual([false]);
  });

  it("nobody is waited for by a caller who asks to ask anew, nor in the background", async () => {
    const { core, others } = withOthers();
    void core.load.reload(subject);
    void core.load.refresh({ customerId: "d" });
    await promisesSettled();
    expect(core.upstream.fetches.count).toBe(2);
    expect(others.waiting).toEqual([]);
  });

  it("200 checks of this process wait for one turn", async () => {
    const { core, others } = withOthers();
    const found = Array.from({ length: 200 }, () => core.states.find(subject, NO_HURRY));
    await promisesSettled();
    expect(others.waiting).toHaveLength(1);
    others.giveTurn();
    (await core.upstream.fetches.at(0)).answer(withLimit(1));
    expect(new Set((await Promise.all(found)).map(limitOf))).toEqual(new Set([1]));
  });
});
